import { type Check, optional, text } from "../checks/check.ts";
import { isRecord, mustBe } from "../checks/kinds.ts";
import { checkFields } from "../checks/unknown-fields.ts";
import { certificates, clientCertificate } from "../configuration/transport-fields.ts";

/** `true`, `false`, or certificates. */
export const tlsCheck: Check = (value, path, problems) => {
  if (typeof value === "boolean") return;
  if (!isRecord(value)) {
    const fix = "set true, or { ca, clientCertificate, servername }";
    return problems.add(path, mustBe("true, false or an object", value), fix);
  }
  const checks = {
    ca: optional(certificates),
    clientCertificate: optional(clientCertificate),
    servername: optional(text),
  };
  checkFields(value, checks, problems, (name) => `${path}.${name}`);
};
