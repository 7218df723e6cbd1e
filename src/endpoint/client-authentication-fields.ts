import { assertionAudience } from "./assertion-audience.ts";
import { privateKey } from "./private-key.ts";
import { type Check, credentialOrList, oneOf, optional, quoted, text } from "./problems.ts";
import { kindOf } from "./secrets.ts";
import { privateKeyAlgorithms, secretAlgorithms } from "./signature-algorithms.ts";

export const authMethods: readonly string[] = [
  "client_secret_basic",
  "client_secret_post",
  "client_secret_jwt",
  "private_key_jwt",
  "tls_client_auth",
  "self_signed_tls_client_auth",
  "none",
];

/**
 * Whether the client proves who it is by its certificate.
 * @see https://www.rfc-editor.org/rfc/rfc8705#section-2
 */
export function isByCertificate(method: unknown): boolean {
  return method === "tls_client_auth" || method === "self_signed_tls_client_auth";
}

const ways = ["clientPrivateKey", "clientAssertion", "clientAssertionFile"] as const;

/** Each field that says how the client proves who it is, and what it has to be. */
export function clientAuthenticationChecks(
  config: Readonly<Record<string, unknown>>,
): Record<string, Check> {
  const method = config.tokenEndpointAuthMethod ?? "client_secret_basic";
  const only = (methods: readonly string[], check: Check) =>
    methods.some((one) => one === method) ? optional(check) : optional(meaningless);
  const byKey = method === "private_key_jwt";
  const given = ways.filter((way) => config[way] !== undefined);
  const [chosen = "clientPrivateKey"] = given;
  const way =
    (name: (typeof ways)[number], check: Check): Check =>
    (value, path, problems) => {
      if (!byKey) return optional(meaningless)(value, path, problems);
      if (name === chosen) return check(value, path, problems);
      if (value !== undefined) {
        problems.add(path, `is given as well as ${chosen}`, "keep one of them");
      }
    };
  return {
    tokenEndpointAuthMethod: optional(oneOf(...authMethods)),
    clientSecret: withoutSecret(method) ? noSecret(method) : credentialOrList,
    clientSecretBasicEncoding: only(["client_secret_basic"], oneOf("form", "raw")),
    clientPrivateKey: way("clientPrivateKey", privateKey),
    clientAssertion: way("clientAssertion", assertionFunction),
    clientAssertionFile: way("clientAssertionFile", text),
    clientPrivateKeyId: optional(byKey && chosen === "clientPrivateKey" ? text : meaningless),
    clientAssertionAlgorithm: optional(
      isSigned(method, chosen)
        ? oneOf(...(byKey ? privateKeyAlgorithms : secretAlgorithms))
        : meaningless,
    ),
    clientAssertionAudience: optional(
      isSigned(method, chosen) ? assertionAudience(config) : meaningless,
    ),
  };
}

function withoutSecret(method: unknown): boolean {
  return method === "none" || method === "private_key_jwt" || isByCertificate(method);
}

/** Whether the client signs its assertions itself. */
function isSigned(method: unknown, chosen: string): boolean {
  return (
    method === "client_secret_jwt" ||
    (method === "private_key_jwt" && chosen === "clientPrivateKey")
  );
}

const assertionFunction: Check = (value, path, problems) => {
  if (typeof value === "function") return;
  const problem =
    typeof value === "string" ? "is a string, and would soon be over" : `is ${kindOf(value)}`;
  problems.add(path, problem, "give a function that returns the assertion, or clientAssertionFile");
};

const noSecret =
  (method: unknown): Check =>
  (value, path, problems) => {
    if (value === undefined) return;
    const problem = `is given, though tokenEndpointAuthMethod ${quoted([String(method)])} sends no secret`;
    problems.add(path, problem, "leave it out, or choose another method");
  };

const meaningless: Check = (_, path, problems) =>
  problems.add(path, "has no meaning for this tokenEndpointAuthMethod", "leave it out");
