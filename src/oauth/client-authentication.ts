import * as client from "openid-client";
import { audienceOf } from "../endpoint/assertion-audience.ts";
import type { OAuth2Settings, ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";
import { signedAssertion } from "./signed-assertion.ts";

const jwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/** How the client shows in one request who it is, and what of that is secret. */
interface Proof {
  readonly authenticate: client.ClientAuth;
  readonly secrets: readonly string[];
}

/**
 * How the client proves who it is: for one request, since no assertion is sent twice.
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-2.3
 * @see https://openid.net/specs/openid-connect-core-1_0.html#ClientAuthentication
 */
export async function clientAuthentication(endpoint: ResolvedEndpoint): Promise<Proof> {
  const { settings, credentials } = endpoint;
  const secret = credentials.clientSecret ?? "";
  switch (settings.tokenEndpointAuthMethod) {
    case "none":
    // What proves the client is in TLS.
    case "tls_client_auth":
    case "self_signed_tls_client_auth":
      return { authenticate: client.None(), secrets: [] };
    case "client_secret_post":
      return { authenticate: client.ClientSecretPost(secret), secrets: [] };
    case "client_secret_jwt": {
      const algorithm = settings.clientAssertionAlgorithm ?? "HS256";
      const key = { key: Buffer.from(secret), algorithm, keyId: undefined };
      return asserted(settings, await signedAssertion(key, claimsOf(settings)));
    }
    case "private_key_jwt": {
      const { clientPrivateKey } = endpoint.keys;
      const assertion =
        clientPrivateKey === undefined
          ? ((await endpoint.givenAssertion?.read()) ?? "")
          : await signedAssertion(clientPrivateKey, claimsOf(settings));
      return asserted(settings, assertion);
    }
    default: {
      const basic = basicAuthorization(
        settings.clientId,
        secret,
        settings.clientSecretBasicEncoding ?? "form",
      );
      return {
        authenticate: (_as, _client, _body, headers) => headers.set("authorization", basic),
        secrets: [],
      };
    }
  }
}

function claimsOf(settings: OAuth2Settings): Readonly<Record<string, unknown>> {
  const { clientId: iss } = settings;
  return { iss, sub: iss, aud: audienceOf(settings, settings.clientAssertionAudience) };
}

/** @see https://www.rfc-editor.org/rfc/rfc7521#section-4.2 */
function asserted({ clientId }: OAuth2Settings, assertion: string): Proof {
  return {
    authenticate: (_as, _client, body) => {
      body.set("client_id", clientId);
      body.set("client_assertion_type", jwtBearer);
      body.set("client_assertion", assertion);
    },
    secrets: [assertion],
  };
}

/** The Basic header of a client; see `clientSecretBasicEncoding`. */
export function basicAuthorization(id: string, secret: string, encoding: "form" | "raw"): string {
  const encode = encoding === "form" ? formEncoded : (text: string) => text;
  return `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`).toString("base64")}`;
}

/**
 * Form-encoding that leaves `-._~` alone: it decodes to the same, and servers that don't decode
 * still recognise most identifiers.
 */
function formEncoded(text: string): string {
  // By way of a buffer, because half a surrogate pair makes encodeURIComponent throw.
  return encodeURIComponent(Buffer.from(text).toString())
    .replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%20", "+");
}
