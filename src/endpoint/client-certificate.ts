import type { X509Certificate } from "node:crypto";
import { ConfigurationError, type ConfigurationProblem } from "../errors.ts";
import { boundedMap } from "./bounded-map.ts";
import { nameOf, readSecret, readWithDeadline, type Secret } from "./secrets.ts";
import type { ClientCertificate } from "./transport-fields.ts";

/** A client certificate with its key, ready to be shown. */
export interface LoadedCertificate {
  /** PEM: the certificate, and those between it and the authority. */
  readonly certificate: string;
  /** PEM, no longer encrypted. */
  readonly privateKey: string;
  /** What tokens are bound to: the same for the same certificate, and for no other. */
  readonly fingerprint: string;
}

/** What the configuration leads to at this moment. */
interface Texts {
  readonly certificate: string;
  readonly privateKey: string;
  readonly passphrase: string;
}

interface Reader {
  readonly endpoint: string;
  readonly timeoutMs: number;
}

const path = "transport.clientCertificate";

/** Reads client certificates. A pair on disk that is being replaced counts once both halves are new. */
export class ClientCertificates {
  readonly #loaded = boundedMap<string, LoadedCertificate>(1_000);
  /** By their files: the last that was whole. */
  readonly #whole = boundedMap<string, LoadedCertificate>(1_000);

  /**
   * The certificate as it is now.
   * @throws ConfigurationError, SecretUnavailableError where there has been none so far
   */
  async read(source: ClientCertificate, reader: Reader): Promise<LoadedCertificate> {
    const { certificateFile, privateKeyFile, passphrase } = source;
    if (certificateFile === undefined) return this.#load(await textsOf(source, reader), reader);
    const secret = typeof passphrase === "string" ? passphrase : "";
    const name = JSON.stringify([certificateFile, privateKeyFile, secret]);
    try {
      const loaded = await this.#load(await textsOf(source, reader), reader);
      this.#whole.set(name, loaded);
      return loaded;
    } catch (error) {
      // One half may be new already and the other old, or a file away for a moment.
      const before = this.#whole.get(name);
      if (before === undefined) throw error;
      return before;
    }
  }

  async #load(texts: Texts, { endpoint }: Reader): Promise<LoadedCertificate> {
    const name = JSON.stringify(texts);
    let loaded = this.#loaded.get(name);
    if (loaded === undefined) {
      loaded = await load(texts, endpoint);
      this.#loaded.set(name, loaded);
    }
    return loaded;
  }
}

async function textsOf(source: ClientCertificate, { endpoint, timeoutMs }: Reader): Promise<Texts> {
  const file = async (field: string, name: string) => {
    const { readFile } = await import("node:fs/promises");
    const read = () => readFile(name, "utf8");
    return readWithDeadline(`${path}.${field}`, read, endpoint, timeoutMs, "file");
  };
  const secret = (field: string, value: Secret) =>
    readSecret(`${path}.${field}`, value, endpoint, timeoutMs);
  const [certificate, privateKey, passphrase] = await Promise.all([
    source.certificateFile === undefined
      ? source.certificate
      : file("certificateFile", source.certificateFile),
    source.privateKeyFile === undefined
      ? secret("privateKey", source.privateKey)
      : file("privateKeyFile", source.privateKeyFile),
    source.passphrase === undefined ? "" : secret("passphrase", source.passphrase),
  ]);
  return { certificate, privateKey, passphrase };
}

async function load(texts: Texts, endpoint: string): Promise<LoadedCertificate> {
  const { createPrivateKey, X509Certificate } = await import("node:crypto");
  const { certificate, privateKey, passphrase } = texts;
  const refuse = (problem: Omit<ConfigurationProblem, "path">) =>
    new ConfigurationError({ endpoint, problems: [{ path, ...problem }] });
  const read = <T>(what: string, how: () => T): T => {
    try {
      return how();
    } catch (error) {
      // Without its message, which may quote what it was given.
      const problem = `has a ${what} that can't be read: ${nameOf(error)}`;
      throw refuse({ problem, mend: "give both as PEM, and the passphrase of an encrypted key" });
    }
  };
  const x509: X509Certificate = read("certificate", () => new X509Certificate(certificate));
  const key = read("private key", () => createPrivateKey({ key: privateKey, passphrase }));
  if (!x509.checkPrivateKey(key)) {
    const problem = "has a private key that doesn't belong to the certificate";
    throw refuse({ problem, mend: "give the two that were made together" });
  }
  return {
    certificate,
    privateKey: key.export({ type: "pkcs8", format: "pem" }).toString(),
    fingerprint: x509.fingerprint256,
  };
}
