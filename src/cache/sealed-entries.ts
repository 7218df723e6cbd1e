import type { ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";
import { ConfigurationError } from "../errors.ts";
import type { EntryCodec } from "./entry-codec.ts";

/** Between an entry and the JSON that is sealed. */
export interface EntryFormat<Entry> {
  /** @param clockLeadMs how much the clock that the JSON goes by is ahead of this process's. */
  toJson(entry: Entry, clockLeadMs: number): object;
  fromJson(json: unknown, endpoint: ResolvedEndpoint, clockLeadMs: number): Entry | undefined;
}

// Part of every name and of every key: entries of another format never meet these.
const format = "v1";

/**
 * For caches that others can look into: the name of an entry is a MAC, its value a JWE. Both keys
 * are derived from the endpoint's own credentials (and an encryption key, where given) for this one
 * identity. Who lacks the credentials can neither find nor read an entry, and an entry moved to
 * another endpoint's name opens for nobody.
 *
 * @see https://www.rfc-editor.org/rfc/rfc5869 HKDF
 * @see https://www.rfc-editor.org/rfc/rfc7516 JWE, with `dir` and `A256GCM`
 */
export class SealedEntries<Entry> implements EntryCodec<Entry> {
  readonly #format: EntryFormat<Entry>;
  readonly #encryptionKeys: readonly string[];

  /** @param encryptionKeys the first seals, all open. */
  constructor(entryFormat: EntryFormat<Entry>, encryptionKeys: readonly string[]) {
    this.#format = entryFormat;
    this.#encryptionKeys = encryptionKeys.length > 0 ? encryptionKeys : [""];
  }

  async names(endpoint: ResolvedEndpoint): Promise<readonly string[]> {
    const { createHmac } = await import("node:crypto");
    const names = this.#encryptionKeys.map(async (key) => {
      const mac = createHmac("sha256", await derived("name", endpoint, key));
      return `${format}:${mac.update(endpoint.identity).digest("base64url")}`;
    });
    return Promise.all(names);
  }

  async write(endpoint: ResolvedEndpoint, entry: Entry, clockLeadMs: number): Promise<string> {
    const { CompactEncrypt } = await import("jose");
    const [key = ""] = this.#encryptionKeys;
    return new CompactEncrypt(Buffer.from(JSON.stringify(this.#format.toJson(entry, clockLeadMs))))
      .setProtectedHeader({ alg: "dir", enc: "A256GCM", typ: format })
      .encrypt(await derived("value", endpoint, key));
  }

  async read(
    endpoint: ResolvedEndpoint,
    value: unknown,
    { name, clockLeadMs }: { readonly name: number; readonly clockLeadMs: number },
  ): Promise<Entry | undefined> {
    const key = this.#encryptionKeys[name];
    if (typeof value !== "string" || key === undefined) return undefined;
    const { compactDecrypt } = await import("jose");
    try {
      const { plaintext, protectedHeader } = await compactDecrypt(
        value,
        await derived("value", endpoint, key),
        { keyManagementAlgorithms: ["dir"], contentEncryptionAlgorithms: ["A256GCM"] },
      );
      if (protectedHeader.typ !== format) return undefined;
      const json: unknown = JSON.parse(Buffer.from(plaintext).toString("utf8"));
      return this.#format.fromJson(json, endpoint, clockLeadMs);
    } catch {
      return undefined;
    }
  }
}

async function derived(
  purpose: "name" | "value",
  endpoint: ResolvedEndpoint,
  encryptionKey: string,
): Promise<Uint8Array> {
  const { identity } = endpoint;
  const secrets = [encryptionKey, ...ownSecrets(endpoint)];
  if (secrets.every((secret) => secret === "")) throw nothingToSealWith(endpoint);
  const material = Buffer.from(secrets.map((secret) => `${secret.length}:${secret}`).join(""));
  const info = `endpoint-security ${format} ${purpose} ${identity}`;
  const { hkdfSync } = await import("node:crypto");
  return new Uint8Array(hkdfSync("sha256", material, "", info, 32));
}

/** What nobody but the endpoint knows, in one order. */
function ownSecrets({ credentials, keys, strategy, transport }: ResolvedEndpoint): string[] {
  const passing = new Set(strategy.passing);
  const secrets = Object.entries(credentials).filter(([name]) => !passing.has(name));
  for (const [name, { secret = "" }] of Object.entries(keys)) secrets.push([name, secret]);
  const { clientCertificate } = transport ?? {};
  if (clientCertificate) secrets.push(["clientCertificate", clientCertificate.privateKey]);
  return secrets.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, secret]) => secret);
}

function nothingToSealWith({ label, settings, keys, givenAssertion }: ResolvedEndpoint) {
  const [key] = Object.keys(keys);
  const because =
    key !== undefined
      ? { path: key, problem: "can't be exported" }
      : givenAssertion !== undefined
        ? {
            path: "clientAssertionFile" in settings ? "clientAssertionFile" : "clientAssertion",
            problem: "is another one each time",
          }
        : { path: "clientSecret", problem: "is missing" };
  return new ConfigurationError({
    endpoint: label,
    problems: [
      {
        path: because.path,
        problem: `${because.problem}, so that nothing is there to seal the token in the cache with`,
        mend: "give new EndpointSecurity({ cache, encryptionKeys }), or leave the cache in memory",
      },
    ],
  });
}
