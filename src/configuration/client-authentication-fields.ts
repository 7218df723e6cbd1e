import { type Check, credentialOrList, oneOf, optional, quoted, text } from "../checks/check.ts";
import { mustBe } from "../checks/kinds.ts";
import { assertionAudience } from "../credentials/assertion-audience.ts";
import { privateKey } from "../credentials/private-key.ts";
import { privateKeyAlgorithms, secretAlgorithms } from "../credentials/signature-algorithms.ts";
import type { ClientAuthentication } from "./client-authentication-config.ts";
import { commonFields } from "./common-fields.ts";
import type { FieldTable, GivenFields } from "./field-table.ts";
import { transport } from "./transport-fields.ts";

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
function isByCertificate(method: unknown): boolean {
  return method === "tls_client_auth" || method === "self_signed_tls_client_auth";
}

const proofs = ["clientPrivateKey", "clientAssertion", "clientAssertionFile"] as const;

const assertionFunction: Check = (value, path, problems) => {
  if (typeof value === "function") return;
  const why = typeof value === "string" ? ": an assertion expires soon" : "";
  const fix = "set a function that returns the current assertion, or clientAssertionFile";
  problems.add(path, `${mustBe("a function", value)}${why}`, fix);
};

const meaningless: Check = (_, path, problems) =>
  problems.add(path, "has no effect with this tokenEndpointAuthMethod", "leave it out");

const defaultMethod = "client_secret_basic";

/** The method by which the client proves its identity. */
export function authMethodOf({ tokenEndpointAuthMethod }: GivenFields): unknown {
  return tokenEndpointAuthMethod ?? defaultMethod;
}

/** Each field that says how the client proves its identity. */
export const clientAuthenticationFields = {
  tokenEndpointAuthMethod: {
    check: optional(oneOf(...authMethods)),
    default: defaultMethod,
  },
  clientSecret: {
    checkWith: (given) => {
      const method = authMethodOf(given);
      return withoutSecret(method) ? noSecret(method) : credentialOrList;
    },
  },
  clientSecretBasicEncoding: {
    checkWith: (given) =>
      optional(authMethodOf(given) === "client_secret_basic" ? oneOf("form", "raw") : meaningless),
    default: "form",
  },
  clientPrivateKey: { checkWith: proof("clientPrivateKey", privateKey) },
  clientAssertion: { checkWith: proof("clientAssertion", assertionFunction) },
  clientAssertionFile: { checkWith: proof("clientAssertionFile", text) },
  clientPrivateKeyId: {
    checkWith: (given) =>
      optional(
        authMethodOf(given) === "private_key_jwt" && chosenProof(given) === "clientPrivateKey"
          ? text
          : meaningless,
      ),
  },
  clientAssertionAlgorithm: {
    checkWith: (given) => signedOnly(given, oneOf(...algorithmsOf(authMethodOf(given)))),
  },
  clientAssertionAudience: {
    checkWith: (given) => signedOnly(given, assertionAudience(given)),
  },
  // A certificate is part of `transport`, and may be the client's proof.
  transport: {
    ...commonFields.transport,
    checkWith: (given) => transport(isByCertificate(authMethodOf(given))),
  },
} satisfies FieldTable<ClientAuthentication>;

/** What proves the client in `private_key_jwt`: exactly one of three fields says it. */
function chosenProof(given: GivenFields): (typeof proofs)[number] {
  return proofs.find((name) => given[name] !== undefined) ?? "clientPrivateKey";
}

function proof(name: (typeof proofs)[number], check: Check): (given: GivenFields) => Check {
  return (given) => {
    if (authMethodOf(given) !== "private_key_jwt") return optional(meaningless);
    const chosen = chosenProof(given);
    return name === chosen
      ? check
      : optional((_, path, problems) =>
          problems.add(path, `is set as well as ${chosen}`, "keep one of them"),
        );
  };
}

function algorithmsOf(method: unknown): readonly string[] {
  return method === "private_key_jwt" ? privateKeyAlgorithms : secretAlgorithms;
}

/** For a field of assertions that the library signs itself. */
function signedOnly(given: GivenFields, check: Check): Check {
  return optional(isSigned(authMethodOf(given), chosenProof(given)) ? check : meaningless);
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

const noSecret =
  (method: unknown): Check =>
  (value, path, problems) => {
    if (value === undefined) return;
    const problem = `is set, and tokenEndpointAuthMethod ${quoted([String(method)])} sends no secret`;
    problems.add(path, problem, "leave it out, or choose another method");
  };
