import type { EndpointConfig } from "./configuration/endpoint-config.ts";
import type { GrantStrategy } from "./configuration/grant-strategy.ts";
import type { EndpointSecurity } from "./endpoint-security.ts";
import { ConfigurationError } from "./errors.ts";

/** What is used of the abort signals that Azure's packages pass on, which may be older than Node's own. */
interface AbortSignalLike {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** What is read of the options of `getToken`. */
export interface AzureTokenOptions {
  /** Ends this caller's wait. A token request that others wait for goes on. */
  readonly abortSignal?: AbortSignalLike | undefined;
  /** The claims that a backend's challenge asks for (Continuous Access Evaluation), as JSON. */
  readonly claims?: string | undefined;
}

/** An access token, as `AccessToken` of @azure/core-auth has it. */
export interface AzureAccessToken {
  readonly token: string;
  /** Until when the token may be sent, in milliseconds since the epoch: `expirySkewMs` before it expires. */
  readonly expiresOnTimestamp: number;
  /** When to ask for the next one, in milliseconds since the epoch. */
  readonly refreshAfterTimestamp: number;
  readonly tokenType: "Bearer";
}

/** A `TokenCredential` of @azure/core-auth. */
export interface AzureCredential {
  /** @throws AnyEndpointSecurityError */
  getToken(scopes: string | string[], options?: AzureTokenOptions): Promise<AzureAccessToken>;
}

/** An endpoint that has tokens. */
export type TokenEndpointConfig<Strategy> = Exclude<
  EndpointConfig<Strategy>,
  { readonly type: "basic" | "digest" | "api_key" | "bearer" }
>;

// Requests that were under way with the token before are answered by then.
const sameChallengeMs = 30_000;

/**
 * A `TokenCredential` of @azure/core-auth, for clients of Azure's SDK and pipelines of
 * @azure/core-rest-pipeline. Its tokens are those of `endpoint`, but for the scopes, which are the
 * call's (those of `endpoint` where a call names none).
 *
 * A claims challenge gets a token of its own: `claims` is sent to the token endpoint, merged into a
 * `claims` of `customParameters`, and the token without them is forgotten. Where the same claims are
 * asked for again half a minute later, so is a new token. A 401 without claims is the caller's to
 * deal with: Azure's clients don't tell the credential. The tenant is that of `tokenUrl`, whatever
 * the call says; the deadlines are those of `endpoint`. Tokens that are bound to a key (`dpop`) are
 * refused: a credential can't prove them.
 *
 * ```ts
 * const client = new SecretClient(vaultUrl, azureCredential(security, endpoint));
 * ```
 *
 * @throws ConfigurationError
 * @see https://learn.microsoft.com/entra/identity-platform/claims-challenge
 */
export function azureCredential<const Grants extends readonly GrantStrategy[]>(
  security: EndpointSecurity<Grants>,
  endpoint: TokenEndpointConfig<Grants[number]>,
): AzureCredential {
  // A mistake shows here, and not with the first request.
  security.explain(endpoint);
  const challenges = new RecentClaims();
  return {
    async getToken(scopes, { abortSignal, claims } = {}) {
      const scope = typeof scopes === "string" ? scopes : scopes.join(" ");
      const scoped = scope === "" ? endpoint : { ...endpoint, scope };
      // A backend that wants others with each 401 would cost a token request each.
      const isAnswered = claims !== undefined && challenges.admits(claims);
      const asked = isAnswered ? withClaims(scoped, claims) : scoped;
      const began = Date.now();
      const token = await abortable(abortSignal, async (signal) => {
        const found = await security.getToken(asked, { signal });
        // Who is challenged for the same again has sent the token that was got for it.
        const refused = isAnswered && found.issuedAt < began - sameChallengeMs;
        if (!refused) return found;
        return security.getToken(asked, { signal, rejectedToken: found.accessToken });
      });
      if (isAnswered && token.issuedAt >= began) await security.invalidate(scoped);
      if (token.tokenType !== "Bearer") throw unfit(token.tokenType);
      const { accessToken, usableUntil, freshUntil } = token;
      return {
        token: accessToken,
        expiresOnTimestamp: usableUntil,
        refreshAfterTimestamp: freshUntil,
        tokenType: "Bearer",
      };
    },
  };
}

const mostClaims = 5;
const claimsWindowMs = 60_000;

/** How many different claims challenges are answered at a time; more are refused. */
class RecentClaims {
  readonly #lately = new Map<string, number>();

  admits(claims: string): boolean {
    const now = performance.now();
    for (const [known, at] of this.#lately) {
      if (now - at > claimsWindowMs) this.#lately.delete(known);
    }
    if (!this.#lately.has(claims) && this.#lately.size >= mostClaims) return false;
    if (!this.#lately.has(claims)) this.#lately.set(claims, now);
    return true;
  }
}

function withClaims<Endpoint extends { readonly customParameters?: object | undefined }>(
  endpoint: Endpoint,
  asked: string,
): Endpoint {
  const { customParameters = {} } = endpoint;
  const claims = mergedClaims(Reflect.get(customParameters, "claims"), asked);
  return { ...endpoint, customParameters: { ...customParameters, claims } };
}

/** Both, where each is an object; what the challenge asks for where they disagree. */
function mergedClaims(own: unknown, asked: string): string {
  try {
    const [first, second] = [JSON.parse(String(own)), JSON.parse(asked)];
    const access_token = { ...first.access_token, ...second.access_token };
    return JSON.stringify({ ...first, ...second, access_token });
  } catch {
    return asked;
  }
}

async function abortable<T>(
  given: AbortSignalLike | undefined,
  wait: (signal?: AbortSignal) => Promise<T>,
): Promise<T> {
  if (given === undefined || given instanceof AbortSignal) return wait(given);
  const controller = new AbortController();
  const abort = () => controller.abort();
  if (given.aborted) abort();
  given.addEventListener("abort", abort);
  try {
    return await wait(controller.signal);
  } finally {
    given.removeEventListener("abort", abort);
  }
}

function unfit(tokenType: string): ConfigurationError {
  return ConfigurationError.of({
    path: "endpoint",
    problem: `has tokens of type ${tokenType}, and a TokenCredential is for Bearer tokens`,
    fix: "leave out dpop and requestedTokenType",
  });
}
