import { isRecord } from "../checks/kinds.ts";
import { shownUrl } from "../checks/url-checks.ts";
import type { ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";
import {
  InvalidTokenResponseError,
  isEndpointSecurityError,
  TokenRequestRejectedError,
} from "../errors.ts";
import type { DpopProofs } from "../http/dpop-proofs.ts";
import type { Fetch } from "../http/fetch-types.ts";
import { BodyTooLargeError, limitedText } from "../http/limited-body.ts";
import { noStore } from "../http/no-store.ts";
import { proxyFor } from "../http/proxy-addresses.ts";
import { clientAuthentication } from "./client-authentication.ts";
import { redactorFor as plainRedactor, type Redactor, redactor } from "./redaction.ts";
import { type FailureContext, failureOf, hasError, transportFailure } from "./token-failure.ts";
import { readTokenResponse, type TokenResponse } from "./token-response.ts";

const largestBody = 1024 * 1024;

interface Exchange {
  readonly fetch: Fetch | undefined;
  readonly signal: AbortSignal;
  /** More texts that must not be quoted, besides the secrets of the configuration. */
  readonly secrets: readonly string[];
  readonly dpopProofs: DpopProofs;
}

/**
 * Requests a token: twice if the token endpoint wants a nonce in the DPoP proof.
 * @see https://www.rfc-editor.org/rfc/rfc9449#section-8
 */
export async function requestToken(
  endpoint: ResolvedEndpoint,
  parameters: URLSearchParams,
  exchange: Exchange,
): Promise<TokenResponse> {
  const nonce = () => exchange.dpopProofs.nonceFor("token_endpoint", endpoint.tokenUrl);
  const before = nonce();
  try {
    return await sendRequest(endpoint, parameters, exchange);
  } catch (error) {
    const wantsNonce =
      error instanceof TokenRequestRejectedError && error.error === "use_dpop_nonce";
    if (!wantsNonce || endpoint.keys.dpop === undefined || nonce() === before) throw error;
    return sendRequest(endpoint, parameters, exchange);
  }
}

/**
 * Sends one token request. openid-client authenticates the client; the request is written here and its
 * response read here, because openid-client reads bodies of any size, accepts tokens that no header can
 * carry, and keeps what was sent and received in its errors.
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-3.2
 */
async function sendRequest(
  endpoint: ResolvedEndpoint,
  parameters: URLSearchParams,
  { fetch, signal, secrets, dpopProofs }: Exchange,
): Promise<TokenResponse> {
  const { label, settings, tokenUrl } = endpoint;
  const proof = await clientAuthentication(endpoint);
  const sent = [...secrets, ...secretValues(parameters), ...proof.secrets];
  const context: FailureContext = {
    endpoint: label,
    tokenUrl: shownUrl(tokenUrl),
    redact: redactor(endpoint, sent),
    proxy: proxyFor(endpoint.transport?.settings, tokenUrl),
    hints: proof.hints,
  };
  const { dpop: key } = endpoint.keys;
  const wanted = key === undefined ? "Bearer" : "DPoP";
  const unusable = (said: string) =>
    new InvalidTokenResponseError({ endpoint: label, tokenUrl: context.tokenUrl, said });
  const headers = new Headers({ accept: "application/json", ...settings.tokenRequest.headers });
  const body = new URLSearchParams(parameters);
  body.set("grant_type", settings.grantType);
  await proof.authenticate(body, headers);
  // Some servers accept exactly this, without a charset (RFC 6749, appendix B).
  headers.set("content-type", "application/x-www-form-urlencoded");
  if (key !== undefined) {
    const proven = { audience: "token_endpoint", method: "POST", url: tokenUrl, key } as const;
    headers.set("dpop", await dpopProofs.proof(proven));
  }
  let response: Response;
  try {
    // The global fetch at this moment, so that a mock or a tracer sees the request.
    response = await (fetch ?? globalThis.fetch)(tokenUrl, {
      method: "POST",
      headers: Object.fromEntries(headers),
      body: body.toString(),
      redirect: "manual",
      signal,
      ...noStore,
    });
  } catch (error) {
    throw isEndpointSecurityError(error) || isControlFlow(error)
      ? error
      : transportFailure(error, context);
  }
  if (!isResponse(response)) {
    throw unusable("could not be used: the fetch given returned no Response");
  }
  if (key !== undefined) {
    dpopProofs.learn("token_endpoint", tokenUrl, response.headers.get("dpop-nonce"));
  }
  const token = await readResponse(response, { ...context, wanted }, (issued) =>
    redactor(endpoint, [...sent, ...issued]),
  );
  if (token.tokenType === "N_A" && endpoint.strategy.otherTokens !== true) {
    throw unusable('issued a token of the type "N_A" instead of Bearer');
  }
  return token;
}

async function readResponse(
  response: Response,
  { endpoint, tokenUrl, wanted, hints }: FailureContext & { readonly wanted: "Bearer" | "DPoP" },
  redactorFor: (issued: readonly string[]) => Redactor,
): Promise<TokenResponse> {
  const unusable = (said: string) => new InvalidTokenResponseError({ endpoint, tokenUrl, said });
  const text = await limitedText(response, largestBody).catch((error: unknown) => {
    throw error instanceof BodyTooLargeError
      ? unusable("responded with more than 1 MiB")
      : transportFailure(error, { endpoint, tokenUrl, redact: plainRedactor([]) }, "answer");
  });
  const body = parsed(text);
  const issued = [body?.access_token, body?.refresh_token, body?.id_token];
  const redact = redactorFor(issued.filter((token) => typeof token === "string"));
  const context = { endpoint, tokenUrl, redact, hints };
  const succeeded = response.status === 200 || response.status === 201;
  if (!succeeded || hasError(body)) throw failureOf(response, body, context, text);
  if (body === undefined) throw unusable(`responded with ${formOf(text)}`);
  return readTokenResponse(body, context, wanted);
}

/** By its shape: it may come from another realm or library. */
function isResponse(value: unknown): value is Response {
  if (typeof value !== "object" || value === null) return false;
  const { status, headers } = value as Partial<Response>;
  return typeof status === "number" && typeof headers?.get === "function";
}

/** Next.js throws such errors to end a render; a build fails if they are caught. */
function isControlFlow(error: unknown): error is Error {
  return error instanceof Error && typeof Reflect.get(error, "digest") === "string";
}

/** Values that may be secret: all but those that describe the token. */
function secretValues(parameters: URLSearchParams): string[] {
  const shown = /^(scope|audience|resource|\w+_token_type)$/;
  return [...parameters].filter(([name]) => !shown.test(name)).map(([, value]) => value);
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const body: unknown = JSON.parse(text);
    return isRecord(body) ? body : undefined;
  } catch {
    return undefined;
  }
}

function formOf(text: string): string {
  if (text.trim() === "") return "an empty body";
  if (/^\s*</.test(text)) return "HTML or XML instead of JSON";
  return "something that is not a JSON object";
}
