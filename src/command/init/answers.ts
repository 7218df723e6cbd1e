import type { EndpointType } from "../../configuration/endpoint-config.ts";

/** What the flags say. */
export interface Known {
  readonly name?: string | undefined;
  readonly type?: EndpointType | undefined;
  readonly url?: string | undefined;
  /** The name of a header, for an API key. */
  readonly headerName?: string | undefined;
  readonly grantType?: "client_credentials" | "password" | undefined;
  readonly issuer?: string | undefined;
  readonly tokenUrl?: string | undefined;
  readonly clientId?: string | undefined;
  readonly authMethod?: AuthMethod | undefined;
  readonly scope?: string | undefined;
  /** Further parameters of the token request, as `name=value&name=value`. */
  readonly parameters?: string | undefined;
}

/** What is known of the endpoint when all is asked. */
export interface Answers extends Known {
  readonly name: string;
  readonly type: EndpointType;
  /** Tried at once, and never written. */
  readonly secrets: Readonly<Record<string, string>>;
}

export const authMethods = [
  "client_secret_basic",
  "client_secret_post",
  "private_key_jwt",
  "none",
] as const;

export type AuthMethod = (typeof authMethods)[number];

/** The fields of an endpoint that are credentials. */
export function secretFieldsOf({
  type,
  grantType,
  authMethod = "client_secret_basic",
}: Pick<Answers, "type" | "grantType" | "authMethod">): readonly string[] {
  switch (type) {
    case "api_key":
      return ["apiKey"];
    case "bearer":
      return ["token"];
    case "basic":
    case "digest":
      return ["username", "password"];
    case "oauth2": {
      const user = grantType === "password" ? ["username", "password"] : [];
      if (authMethod === "none") return user;
      return [authMethod === "private_key_jwt" ? "clientPrivateKey" : "clientSecret", ...user];
    }
  }
}

/** The answers as a configuration. @param secretOf what stands for a credential */
export function configurationOf(answers: Answers, secretOf: (field: string) => string): object {
  const { name, type, url, headerName } = answers;
  const secrets = secretFieldsOf(answers).map((field) => [field, secretOf(field)]);
  const given = { name, ...(url && { url }) };
  if (type !== "oauth2") {
    const where = type === "api_key" ? { headerName: headerName ?? "X-API-Key" } : {};
    return { ...given, type, ...where, ...Object.fromEntries(secrets) };
  }
  const { grantType = "client_credentials", issuer, tokenUrl, clientId } = answers;
  const { authMethod = "client_secret_basic", scope, parameters } = answers;
  return {
    ...given,
    grantType,
    ...(issuer ? { issuer } : { tokenUrl }),
    clientId,
    ...(authMethod !== "client_secret_basic" && { tokenEndpointAuthMethod: authMethod }),
    ...Object.fromEntries(secrets),
    ...(scope && { scope }),
    ...parametersIn(parameters),
  };
}

/** Some parameters have fields of their own. */
function parametersIn(text = ""): object {
  const form = new URLSearchParams(text);
  const named: Record<string, string> = {};
  const custom: Record<string, string> = {};
  for (const [name, value] of form) {
    if (name === "audience" || name === "resource" || name === "scope") named[name] = value;
    else custom[name] = value;
  }
  return { ...named, ...(Object.keys(custom).length > 0 && { customParameters: custom }) };
}
