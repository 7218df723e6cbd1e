import * as client from "openid-client";
import type { ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";

/**
 * How the client proves who it is.
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-2.3
 */
export function clientAuthentication(endpoint: ResolvedEndpoint): client.ClientAuth {
  const { settings, credentials } = endpoint;
  const secret = credentials.clientSecret ?? "";
  switch (settings.tokenEndpointAuthMethod) {
    case "none":
      return client.None();
    case "client_secret_post":
      return client.ClientSecretPost(secret);
    default: {
      const basic = basicAuthorization(
        settings.clientId,
        secret,
        settings.clientSecretBasicEncoding ?? "form",
      );
      return (_as, _client, _body, headers) => headers.set("authorization", basic);
    }
  }
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
