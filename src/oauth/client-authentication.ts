import type { ClientAuth } from "openid-client";
import { audienceOf } from "../credentials/assertion-audience.ts";
import { defaultSecretAlgorithm } from "../credentials/signature-algorithms.ts";
import type { ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";
import { basicAuthorization } from "./basic-authorization.ts";
import type { AssertionKey } from "./signed-assertion.ts";

const jwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/** How the client shows in one request who it is, and what of that is secret. */
interface Proof {
  readonly authenticate: (body: URLSearchParams, headers: Headers) => void | Promise<void>;
  readonly secrets: readonly string[];
  /** What to try where the token endpoint says `invalid_client`. */
  readonly hints?: readonly string[];
}

/**
 * How the client proves who it is: for one request, since no assertion is sent twice.
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-2.3
 * @see https://openid.net/specs/openid-connect-core-1_0.html#ClientAuthentication
 */
export async function clientAuthentication(endpoint: ResolvedEndpoint): Promise<Proof> {
  const { settings, credentials } = endpoint;
  const { clientId } = settings;
  const secret = credentials.clientSecret ?? "";
  switch (settings.tokenEndpointAuthMethod) {
    case "none":
      return { authenticate: await byOpenidClient(endpoint, ({ None }) => None()), secrets: [] };
    case "tls_client_auth":
    case "self_signed_tls_client_auth":
      return {
        authenticate: await byOpenidClient(endpoint, ({ TlsClientAuth }) => TlsClientAuth()),
        secrets: [],
      };
    case "client_secret_post":
      return {
        authenticate: await byOpenidClient(endpoint, ({ ClientSecretPost }) =>
          ClientSecretPost(secret),
        ),
        secrets: [],
      };
    case "client_secret_jwt": {
      const algorithm = settings.clientAssertionAlgorithm ?? defaultSecretAlgorithm;
      const key = { key: Buffer.from(secret), algorithm, keyId: undefined };
      return asserted(clientId, await signedClientAssertion(key, endpoint));
    }
    case "private_key_jwt": {
      const { clientPrivateKey } = endpoint.keys;
      const assertion =
        clientPrivateKey === undefined
          ? ((await endpoint.externalAssertion?.read()) ?? "")
          : await signedClientAssertion(clientPrivateKey, endpoint);
      return asserted(clientId, assertion);
    }
    default: {
      const { clientSecretBasicEncoding: encoding } = settings;
      const basic = basicAuthorization(clientId, secret, encoding);
      const isChanged =
        encoding === "form" && basic !== basicAuthorization(clientId, secret, "raw");
      return {
        // Not by openid-client: it also encodes `-._~`, and most servers don't decode those.
        authenticate: (_body, headers) => headers.set("authorization", basic),
        secrets: [],
        hints: isChanged ? ['clientSecretBasicEncoding: "raw"'] : [],
      };
    }
  }
}

/** One of openid-client's ways to authenticate a client, loaded when it is needed. */
async function byOpenidClient(
  { settings, tokenUrl }: ResolvedEndpoint,
  method: (client: typeof import("openid-client")) => ClientAuth,
): Promise<Proof["authenticate"]> {
  const authenticate = method(await import("openid-client"));
  const server = { issuer: new URL(tokenUrl).origin, token_endpoint: tokenUrl };
  return (body, headers) => authenticate(server, { client_id: settings.clientId }, body, headers);
}

/**
 * Signed here, not by openid-client, which takes keys of Web Crypto only.
 * For an issuer, by the rules that keep one server from using an assertion at another: the issuer is
 * the only audience, and the JWT says what it is. Where only a token endpoint is known, as RFC 7523 has it.
 * @see https://www.rfc-editor.org/rfc/rfc10070
 */
async function signedClientAssertion(
  key: AssertionKey,
  { settings, tokenUrl }: ResolvedEndpoint,
): Promise<string> {
  const { clientId: iss, issuer, clientAssertionAudience } = settings;
  const audience = clientAssertionAudience ?? (issuer === undefined ? "token_endpoint" : "issuer");
  const isForIssuer = issuer !== undefined && audience === "issuer";
  // Loads jose, which an endpoint with a plain secret has no need of.
  const { signedAssertion } = await import("./signed-assertion.ts");
  return signedAssertion(
    key,
    { iss, sub: iss, aud: audienceOf({ tokenUrl, issuer }, audience) },
    isForIssuer ? { type: "client-authentication+jwt" } : {},
  );
}

/** @see https://www.rfc-editor.org/rfc/rfc7521#section-4.2 */
function asserted(clientId: string, assertion: string): Proof {
  return {
    authenticate: (body) => {
      body.set("client_id", clientId);
      body.set("client_assertion_type", jwtBearer);
      body.set("client_assertion", assertion);
    },
    secrets: [assertion],
    hints: ["clientAssertionAudience"],
  };
}
