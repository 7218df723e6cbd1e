import { type Check, isRecord, type Problems, text } from "../endpoint/problems.ts";
import { kindOf } from "../endpoint/secrets.ts";

const known = ["ca", "cert", "key", "passphrase", "servername"];

/** `true`, `false`, or certificates. */
export const tlsCheck: Check = (value, path, problems) => {
  if (typeof value === "boolean") return;
  if (!isRecord(value)) {
    return problems.add(path, `is ${kindOf(value)}`, "give true, or { ca, cert, key, servername }");
  }
  for (const name of Object.keys(value)) {
    if (!known.includes(name)) {
      const mend = "give ca, cert, key, passphrase or servername; certificates are always verified";
      problems.add(`${path}.${name}`, "is not an option here", mend);
    }
  }
  const { ca, cert, key, passphrase, servername } = value;
  for (const one of Array.isArray(ca) ? ca : [ca]) pem(one, `${path}.ca`, problems);
  pem(cert, `${path}.cert`, problems);
  pem(key, `${path}.key`, problems);
  if (servername !== undefined) text(servername, `${path}.servername`, problems);
  if (passphrase !== undefined && typeof passphrase !== "string") {
    problems.add(`${path}.passphrase`, `is ${kindOf(passphrase)}`, "give a string");
  }
  if ((cert === undefined) !== (key === undefined)) {
    const missing = cert === undefined ? "cert" : "key";
    problems.add(`${path}.${missing}`, "is missing", "give cert and key together, or neither");
  }
};

function pem(value: unknown, path: string, problems: Problems): void {
  if (value === undefined) return;
  const content = value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : value;
  if (typeof content !== "string" || !content.includes("-----BEGIN ")) {
    problems.add(path, "is no PEM", 'give what the file holds ("-----BEGIN …"), not its path');
  }
}
