import type { RenewalOptions } from "endpoint-security";
import { vi } from "vitest";
import { filled } from "../../src/configuration/option-table.ts";
import { renewalOptions } from "../../src/configuration/renewal-options.ts";
import type { EndpointTokens } from "../../src/tokens/endpoint-tokens.ts";
import { TokenSet } from "../../src/tokens/token-set.ts";

export function tokenOf(
  accessToken: string,
  issuedAt = Date.now(),
  tokenType = "Bearer",
): TokenSet {
  const data = { accessToken, tokenType, issuedAt, expiresAt: issuedAt + 3_600_000 };
  return new TokenSet(data, { skewMs: 0, staleMs: 0 }, "token_endpoint");
}

/** The tokens of an endpoint, as an authenticator sees them. */
export function tokensOf(config: object = {}, at: TokenSet | undefined = tokenOf("at-hand")) {
  const proofs = {
    proof: vi.fn(async (_about: object) => "proof"),
    nonceFor: vi.fn((_audience: string, _url: string): string | undefined => undefined),
    learn: vi.fn((_audience: string, _url: string, _nonce: string) => {}),
  };
  const tokens = {
    current: vi.fn((): TokenSet | undefined => at),
    last: at as TokenSet | undefined,
    now: Date.now(),
    label: "orders",
    headerPrefix: undefined as string | undefined,
    endpoint: {
      headerName: "Authorization",
      renewal: filled(renewalOptions, (config as { renewal?: RenewalOptions }).renewal),
    },
    token: vi.fn(async (refused?: string, _signal?: AbortSignal) =>
      tokenOf(refused === undefined ? "obtained" : `after-${refused}`),
    ),
    dpop: vi.fn(async () => ({ key: "key", proofs })),
  };
  return { tokens, proofs, made: tokens as unknown as EndpointTokens };
}

/** A refusal, as it comes from a wrapper. */
export function refusal(
  challenge: string | null = null,
  earlier: readonly Readonly<Record<string, string>>[] = [],
  nonce: string | null = null,
) {
  const header = (name: string) => (name === "dpop-nonce" ? nonce : null);
  return { status: 401, challenge, earlier, header };
}
