import { type Check, foreignToken, milliseconds, oneOf, optional, text } from "../checks/check.ts";
import { isRecord, mustBe } from "../checks/kinds.ts";
import type { ForUserBySignedAssertion } from "../configuration/grant-config.ts";
import type { GrantContext, OwnGrantStrategy } from "../configuration/grant-strategy.ts";
import { assertionAudience } from "../credentials/assertion-audience.ts";
import { privateKey } from "../credentials/private-key.ts";
import { privateKeyAlgorithms } from "../credentials/signature-algorithms.ts";

interface JwtBearerParameters extends Omit<ForUserBySignedAssertion, "assertion"> {
  readonly assertion?: string;
}

/** @see https://www.rfc-editor.org/rfc/rfc7523#section-2.1 */
export const jwtBearer = {
  grantType: "urn:ietf:params:oauth:grant-type:jwt-bearer",
  credentials: { assertion: "optional" },
  passing: ["assertion"],
  signers: ["assertion"],
  fields: [
    "assertionPrivateKey",
    "assertionPrivateKeyId",
    "assertionAlgorithm",
    "assertionIssuer",
    "assertionSubject",
    "assertionAudience",
    "assertionLifetimeMs",
    "assertionClaims",
  ],
  parameterNames: ["assertion"],
  checks,
  parameters: async (fields: JwtBearerParameters, context: GrantContext) => ({
    assertion: fields.assertion ?? (await signed(fields, context)),
  }),
} satisfies OwnGrantStrategy;

/** @see https://www.rfc-editor.org/rfc/rfc7523#section-3 */
async function signed(fields: JwtBearerParameters, context: GrantContext): Promise<string> {
  const { assertionIssuer: iss = context.clientId, assertionSubject: sub = iss } = fields;
  const aud = context.audience(fields.assertionAudience);
  const claims = { ...fields.assertionClaims, iss, sub, aud };
  return context.sign("assertion", claims, fields.assertionLifetimeMs);
}

function checks(config: Readonly<Record<string, unknown>>): Record<string, Check> {
  const isGiven = config.assertion !== undefined;
  const signedOnly = (check: Check) => optional(isGiven ? noMeaning : check);
  return {
    assertion: isGiven ? foreignToken : () => {},
    assertionPrivateKey: isGiven ? optional(notBoth) : keyOrAssertion,
    assertionPrivateKeyId: signedOnly(text),
    assertionAlgorithm: signedOnly(oneOf(...privateKeyAlgorithms)),
    assertionIssuer: signedOnly(text),
    assertionSubject: signedOnly(text),
    assertionAudience: signedOnly(assertionAudience(config)),
    // Longer than any server takes, and no assertion is used for longer than a request.
    assertionLifetimeMs: signedOnly(milliseconds(1_000, 86_400_000)),
    assertionClaims: signedOnly(claims),
  };
}

const keyOrAssertion: Check = (value, path, problems) => {
  if (value !== undefined) return privateKey(value, path, problems);
  problems.add("assertion", "is missing", "set it, or an assertionPrivateKey to sign one with");
};

const notBoth: Check = (_, path, problems) =>
  problems.add(path, "is set as well as assertion", "keep one of them");

const noMeaning: Check = (_, path, problems) =>
  problems.add(path, "has no effect if assertion is set", "leave it out");

const setElsewhere: Readonly<Record<string, string>> = {
  iss: "assertionIssuer",
  sub: "assertionSubject",
  aud: "assertionAudience",
  exp: "assertionLifetimeMs",
};

const claims: Check = (value, path, problems) => {
  if (!isRecord(value)) {
    return problems.add(
      path,
      mustBe("an object of claims", value),
      "set an object with claims and their values",
    );
  }
  for (const name of Object.keys(value)) {
    const field = setElsewhere[name];
    if (field !== undefined)
      problems.add(`${path}.${name}`, "has a field of its own", `use ${field}`);
    if (name === "jti" || name === "iat") {
      problems.add(`${path}.${name}`, "is new for each assertion", "leave it out");
    }
  }
};
