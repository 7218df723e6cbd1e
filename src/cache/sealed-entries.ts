import { boundedMap } from "../bounded-map.ts";
import type { ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";
import { ConfigurationError } from "../errors.ts";
import type { EntryCodec } from "./entry-codec.ts";

/** Converts an entry to the JSON that is sealed, and back. */
export interface EntryFormat<Entry> {
  /** Part of the names and keys, so that entries of one kind never meet another; the token's is empty. */
  readonly kind: string;
  /** What an entry is for. */
  subject(endpoint: ResolvedEndpoint): string;
  /** @param clockLeadMs how much the clock of the JSON's times is ahead of this process's clock. */
  toJson(entry: Entry, clockLeadMs: number): object;
  fromJson(json: unknown, endpoint: ResolvedEndpoint, clockLeadMs: number): Entry | undefined;
}

// Part of every name and of every key: entries of another format never meet these.
const format = "v1";
/** More than the longest token, with everything that comes along. */
const longestEntry = 256 * 1024;

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
  readonly #stretched = boundedMap<string, Promise<Buffer>>(1_000);

  /** @param encryptionKeys the first seals, all open. */
  constructor(entryFormat: EntryFormat<Entry>, encryptionKeys: readonly string[]) {
    this.#format = entryFormat;
    this.#encryptionKeys = encryptionKeys.length > 0 ? encryptionKeys : [""];
  }

  async names(endpoint: ResolvedEndpoint): Promise<readonly string[]> {
    // Loaded while the token is requested, so that the new entry is written without delay.
    import("jose").catch(() => {});
    const { createHmac } = await import("node:crypto");
    const { kind, subject } = this.#format;
    const suffix = kind === "" ? "" : `:${kind}`;
    const names = this.#encryptionKeys.map(async (key) => {
      const mac = createHmac("sha256", await this.#derived("name", endpoint, key));
      return `${format}:${mac.update(subject(endpoint)).digest("base64url")}${suffix}`;
    });
    return Promise.all(names);
  }

  async leaseName(endpoint: ResolvedEndpoint): Promise<string> {
    // Not from the encryption keys, where that can be: while they are rotated, each process has others.
    const hasOwn = ownSecrets(endpoint).some((secret) => secret !== "");
    const { createHmac } = await import("node:crypto");
    const material = hasOwn ? [""] : [...this.#encryptionKeys].sort().slice(0, 1);
    const mac = createHmac("sha256", await this.#derived("lease", endpoint, material[0] ?? ""));
    return `${format}:${mac.update(endpoint.identity).digest("base64url")}:lease`;
  }

  async write(endpoint: ResolvedEndpoint, entry: Entry, clockLeadMs: number): Promise<string> {
    const { CompactEncrypt } = await import("jose");
    const [key = ""] = this.#encryptionKeys;
    return new CompactEncrypt(Buffer.from(JSON.stringify(this.#format.toJson(entry, clockLeadMs))))
      .setProtectedHeader({ alg: "dir", enc: "A256GCM", typ: format })
      .encrypt(await this.#derived("value", endpoint, key));
  }

  async #derived(
    purpose: "name" | "value" | "lease",
    endpoint: ResolvedEndpoint,
    encryptionKey: string,
  ): Promise<Uint8Array> {
    const { identity } = endpoint;
    const secrets = [encryptionKey, ...ownSecrets(endpoint)];
    if (secrets.every((secret) => secret === "")) throw nothingToSealWith(endpoint);
    const given = Buffer.from(secrets.map((secret) => `${secret.length}:${secret}`).join(""));
    const material = isGuessable(endpoint, encryptionKey)
      ? await this.#stretch(given, identity)
      : given;
    const { kind } = this.#format;
    const info = `endpoint-security ${format} ${kind && `${kind} `}${purpose} ${identity}`;
    const { hkdfSync } = await import("node:crypto");
    return new Uint8Array(hkdfSync("sha256", material, "", info, 32));
  }

  #stretch(secret: Buffer, identity: string): Promise<Buffer> {
    const known = this.#stretched.get(identity) ?? stretch(secret, identity);
    this.#stretched.set(identity, known);
    return known;
  }

  async read(
    endpoint: ResolvedEndpoint,
    value: unknown,
    { name, clockLeadMs }: { readonly name: number; readonly clockLeadMs: number },
  ): Promise<Entry | undefined> {
    const key = this.#encryptionKeys[name];
    if (typeof value !== "string" || key === undefined) return undefined;
    // Opening something huge would hold up everything else in the process.
    if (value.length > longestEntry) return undefined;
    const { compactDecrypt } = await import("jose");
    try {
      const { plaintext, protectedHeader } = await compactDecrypt(
        value,
        await this.#derived("value", endpoint, key),
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

/** Whether a person's password is the only secret: it could be guessed from a copy of the cache. */
function isGuessable(endpoint: ResolvedEndpoint, encryptionKey: string): boolean {
  const { credentials, keys, strategy, transport } = endpoint;
  return (
    encryptionKey === "" &&
    strategy.humanSecrets === true &&
    credentials.clientSecret === undefined &&
    Object.keys(keys).length === 0 &&
    transport?.clientCertificate === undefined
  );
}

/** Slow on purpose (about 60 ms, once for each identity), so that guessing is expensive. */
async function stretch(secret: Buffer, salt: string): Promise<Buffer> {
  const { scrypt } = await import("node:crypto");
  return new Promise((resolve, reject) => {
    scrypt(secret, salt, 32, { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 }, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}

/** The secrets that only the endpoint knows, in a fixed order. */
function ownSecrets({ credentials, keys, strategy, transport }: ResolvedEndpoint): string[] {
  const passing = new Set(strategy.passing);
  const secrets = Object.entries(credentials).filter(([name]) => !passing.has(name));
  for (const [name, { secret = "" }] of Object.entries(keys)) secrets.push([name, secret]);
  const { clientCertificate } = transport ?? {};
  if (clientCertificate) secrets.push(["clientCertificate", clientCertificate.privateKey]);
  return secrets.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, secret]) => secret);
}

function nothingToSealWith({ label, settings, keys, externalAssertion }: ResolvedEndpoint) {
  const [key] = Object.keys(keys);
  const because =
    key !== undefined
      ? { path: key, problem: "can't be exported" }
      : externalAssertion !== undefined
        ? {
            path: "clientAssertionFile" in settings ? "clientAssertionFile" : "clientAssertion",
            problem: "is new each time",
          }
        : { path: "clientSecret", problem: "is missing" };
  return ConfigurationError.of(
    {
      path: because.path,
      problem: `${because.problem}, so there is no key to seal the cached token with`,
      fix: "set encryptionKeys on new EndpointSecurity, or use no shared cache",
    },
    label,
  );
}
