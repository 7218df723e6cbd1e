import { ConfigurationError, type NotReplayedReason } from "../errors.ts";
import type {
  Answered,
  Authenticator,
  Challenged,
  CredentialHeaders,
  HeaderOptions,
} from "../http/authenticator.ts";
import { credentialIn } from "../http/other-scheme.ts";
import { parseChallenges } from "../http/www-authenticate.ts";
import { accessTokenIn } from "../tokens/access-token-in.ts";
import type { EndpointTokens } from "../tokens/endpoint-tokens.ts";
import { BearerAuthenticator } from "./bearer.ts";

/**
 * Sends an access token with a proof, for this one request, that its key is here.
 * @see https://www.rfc-editor.org/rfc/rfc9449#section-7
 */
export class DpopAuthenticator implements Authenticator {
  readonly provesEachRequest = true;
  readonly #tokens: EndpointTokens;
  /** What is so for every access token. */
  readonly #bearer: BearerAuthenticator;

  constructor(tokens: EndpointTokens) {
    this.#tokens = tokens;
    this.#bearer = new BearerAuthenticator(tokens);
  }

  get rejectionStatuses(): readonly number[] {
    return this.#bearer.rejectionStatuses;
  }

  /** A nonce may be asked for besides. */
  get mostReplays(): number {
    return this.#bearer.mostReplays + 1;
  }

  async headers(options: HeaderOptions): Promise<CredentialHeaders> {
    const { request } = options;
    if (request === undefined) throw this.#needsRequest();
    const token = await this.#bearer.headers(options);
    const { proofs, key } = await this.#tokens.dpop();
    const DPoP = await proofs.proof({
      key,
      audience: "backend",
      method: request.method,
      url: request.url,
      accessToken: accessTokenIn(credentialIn(token) ?? "", this.#tokens.headerPrefix),
    });
    return { ...token, DPoP };
  }

  async challenged(
    response: Challenged,
    sent: CredentialHeaders,
    options: HeaderOptions,
  ): Promise<true | NotReplayedReason> {
    await this.#learn(response.header("dpop-nonce"), sent);
    if (!wantsNonce(response.challenge)) return this.#bearer.challenged(response, sent, options);
    const { proofs } = await this.#tokens.dpop();
    const { htu, nonce } = claimsIn(sent);
    // Another request may have brought the nonce meanwhile. The token is good.
    const hasNew = htu !== undefined && proofs.nonceFor("backend", htu) !== nonce;
    return hasNew || "rejected_again";
  }

  async answered(answer: Answered | undefined, sent: CredentialHeaders): Promise<void> {
    if (answer !== undefined) await this.#learn(answer.header("dpop-nonce"), sent);
  }

  async #learn(nonce: string | null, sent: CredentialHeaders): Promise<void> {
    const { htu } = claimsIn(sent);
    if (nonce === null || htu === undefined) return;
    const { proofs } = await this.#tokens.dpop();
    proofs.learn("backend", htu, nonce);
  }

  #needsRequest(): ConfigurationError {
    return ConfigurationError.of(
      {
        path: "request",
        problem: "is missing, and a DPoP proof is for one request",
        fix: "call getAuthHeaders(endpoint, { request: { method, url } }), or use a wrapper",
      },
      this.#tokens.label,
    );
  }
}

function wantsNonce(challenge: string | null): boolean {
  return parseChallenges(challenge).some(
    ({ scheme, parameters }) => scheme === "dpop" && parameters.get("error") === "use_dpop_nonce",
  );
}

/** What the proof says that went with a request. */
function claimsIn({ DPoP = "" }: CredentialHeaders): {
  readonly htu?: string;
  readonly nonce?: string;
} {
  const [, payload = ""] = DPoP.split(".");
  return payload === "" ? {} : JSON.parse(Buffer.from(payload, "base64url").toString());
}
