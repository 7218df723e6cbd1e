import * as client from "openid-client";
import { isRecord } from "../endpoint/problems.ts";
import type { ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";
import { shownUrl } from "../endpoint/url-rules.ts";
import {
  InvalidTokenResponseError,
  isEndpointSecurityError,
  TokenRequestRefusedError,
} from "../errors.ts";
import type { DpopProofs } from "../http/dpop-proofs.ts";
import type { Fetch } from "../http/fetch-types.ts";
import { BodyTooLargeError, limitedText } from "../http/limited-body.ts";
import { clientAuthentication } from "./client-authentication.ts";
import { type Redactor, redactor } from "./redaction.ts";
import { readTokenAnswer, type TokenAnswer } from "./token-answer.ts";
import { type FailureContext, failureOf, isErrorTold, transportFailure } from "./token-failure.ts";

const largestBody = 1024 * 1024;

interface Exchange {
  readonly fetch: Fetch | undefined;
  readonly signal: AbortSignal;
  /** What else must not be quoted, besides what the endpoint's configuration holds. */
  readonly secrets: readonly string[];
  readonly dpopProofs: DpopProofs;
}

/**
 * Asks for a token: once, or twice where the token endpoint wants a nonce in the proof of the key.
 * @see https://www.rfc-editor.org/rfc/rfc9449#section-8
 */
export async function requestToken(
  endpoint: ResolvedEndpoint,
  parameters: URLSearchParams,
  exchange: Exchange,
): Promise<TokenAnswer> {
  const nonce = () => exchange.dpopProofs.nonceFor("token_endpoint", endpoint.settings.tokenUrl);
  const before = nonce();
  try {
    return await sendRequest(endpoint, parameters, exchange);
  } catch (error) {
    const wantsNonce =
      error instanceof TokenRequestRefusedError && error.error === "use_dpop_nonce";
    if (!wantsNonce || endpoint.keys.dpop === undefined || nonce() === before) throw error;
    return sendRequest(endpoint, parameters, exchange);
  }
}

/**
 * Sends one token request. openid-client writes it and authenticates the client; the answer is
 * untrusted and read here, before openid-client, whose errors hold what was sent and received.
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-3.2
 */
async function sendRequest(
  endpoint: ResolvedEndpoint,
  parameters: URLSearchParams,
  { fetch, signal, secrets, dpopProofs }: Exchange,
): Promise<TokenAnswer> {
  const { label, settings } = endpoint;
  const proof = await clientAuthentication(endpoint);
  const sent = [...secrets, ...secretValues(parameters), ...proof.secrets];
  const context: FailureContext = {
    endpoint: label,
    tokenUrl: shownUrl(settings.tokenUrl),
    redact: redactor(endpoint, sent),
    byProxy: typeof endpoint.transport?.settings.proxy === "string",
  };
  const configuration = new client.Configuration(
    { issuer: new URL(settings.tokenUrl).origin, token_endpoint: settings.tokenUrl },
    settings.clientId,
    undefined,
    (as, metadata, body, headers) => {
      for (const [name, value] of Object.entries(settings.customHeaders ?? {})) {
        headers.set(name, value);
      }
      return proof.authenticate(as, metadata, body, headers);
    },
  );
  // Which plain http is allowed was decided when the configuration was validated.
  client.allowInsecureRequests(configuration);
  // The deadline is the caller's, in `signal`.
  configuration.timeout = 0;

  const { dpop: key } = endpoint.keys;
  const wanted = key === undefined ? "Bearer" : "DPoP";
  let outcome: TokenAnswer | Error | undefined;
  configuration[client.customFetch] = async (url, options) => {
    const proven = { audience: "token_endpoint", method: options.method, url } as const;
    try {
      // The global fetch of this moment, so that what was put in its place (a mock, a tracer) sees it.
      const response = await (fetch ?? globalThis.fetch)(url, {
        method: options.method,
        headers: {
          ...options.headers,
          ...(key !== undefined && { dpop: await dpopProofs.proof({ ...proven, key }) }),
        },
        body: options.body ?? null,
        redirect: "manual",
        signal,
      });
      if (key !== undefined) {
        dpopProofs.learn("token_endpoint", url, response.headers.get("dpop-nonce"));
      }
      outcome = await readResponse(response, { ...context, wanted }, (issued) =>
        redactor(endpoint, [...sent, ...issued]),
      );
      if (outcome.tokenType === "N_A" && endpoint.strategy.otherTokens !== true) {
        const said = 'issued a token of the type "N_A", where Bearer was asked for';
        throw new InvalidTokenResponseError({ endpoint: label, tokenUrl: context.tokenUrl, said });
      }
      return Response.json({ access_token: outcome.accessToken, token_type: "bearer" });
    } catch (error) {
      outcome = isEndpointSecurityError(error) ? error : transportFailure(error, context);
      throw outcome;
    }
  };
  try {
    await client.genericGrantRequest(configuration, settings.grantType, parameters);
  } catch (error) {
    outcome ??= transportFailure(error, context);
  }
  if (outcome === undefined || outcome instanceof Error) throw outcome;
  return outcome;
}

async function readResponse(
  response: Response,
  { endpoint, tokenUrl, wanted }: FailureContext & { readonly wanted: "Bearer" | "DPoP" },
  redactorFor: (issued: readonly string[]) => Redactor,
): Promise<TokenAnswer> {
  const unusable = (said: string) => new InvalidTokenResponseError({ endpoint, tokenUrl, said });
  const text = await limitedText(response, largestBody).catch((error: unknown) => {
    throw error instanceof BodyTooLargeError
      ? unusable("answered with more than 1 MiB")
      : transportFailure(error, { endpoint, tokenUrl }, "answer");
  });
  const body = parsed(text);
  const issued = [body?.access_token, body?.refresh_token, body?.id_token];
  const redact = redactorFor(issued.filter((token) => typeof token === "string"));
  const context = { endpoint, tokenUrl, redact };
  const succeeded = response.status === 200 || response.status === 201;
  if (!succeeded || isErrorTold(body)) throw failureOf(response, body, context);
  if (body === undefined) throw unusable(`answered with ${formOf(text)}`);
  return readTokenAnswer(body, context, wanted);
}

/** Values that may be secret: all but those that say what the token is for. */
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
  if (/^\s*</.test(text)) return "HTML or XML, where JSON was due";
  return "something that is no JSON object";
}
