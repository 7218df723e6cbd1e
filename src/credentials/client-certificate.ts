import type { X509Certificate } from "node:crypto";
import { boundedMap } from "../bounded-map.ts";

import { ConfigurationError, type ConfigurationProblem } from "../errors.ts";
import { FileReads } from "./file-reads.ts";
import { nameOf, readSecret, readWithDeadline, type Secret } from "./secrets.ts";

/**
 * A client certificate and its private key: PEM, the certificate followed by those between it and the
 * authority. Files are read again for every token request, so a new pair needs no restart.
 * @see https://www.rfc-editor.org/rfc/rfc8705
 */
export type ClientCertificate =
  | {
      /** PEM: the certificate, then those between it and the authority. */
      readonly certificate: string;
      /** PEM: the private key, or a function that returns it. */
      readonly privateKey: Secret;
      /** Where the key is encrypted. */
      readonly passphrase?: Secret | undefined;
      /** Where the certificate is in files instead. */
      readonly certificateFile?: undefined;
      /** Where the private key is in files instead. */
      readonly privateKeyFile?: undefined;
    }
  | {
      /** Path of a file with the certificate. */
      readonly certificateFile: string;
      /** Path of a file with the private key. */
      readonly privateKeyFile: string;
      /** Where the key is encrypted. */
      readonly passphrase?: Secret | undefined;
      /** Where the certificate is given as text instead. */
      readonly certificate?: undefined;
      /** Where the private key is given as text instead. */
      readonly privateKey?: undefined;
    };

/** A client certificate with its key, ready to be shown. */
export interface LoadedCertificate {
  /** PEM: the certificate, and those between it and the authority. */
  readonly certificate: string;
  /** PEM, no longer encrypted. */
  readonly privateKey: string;
  /** What tokens are bound to: the same for the same certificate, and for no other. */
  readonly fingerprint: string;
}

/** The texts of certificate and key as they are now. */
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

/** Reads client certificates. A pair on disk that is being replaced is used once both files belong together. */
export class ClientCertificates {
  readonly #files = new FileReads();
  readonly #loaded = boundedMap<string, LoadedCertificate>(1_000);
  /** By their files: the last pair whose halves belonged together. */
  readonly #whole = boundedMap<string, LoadedCertificate>(1_000);

  /**
   * The certificate as it is now.
   * @throws ConfigurationError, SecretUnavailableError where there has been none so far
   */
  async read(source: ClientCertificate, reader: Reader): Promise<LoadedCertificate> {
    const { certificateFile, privateKeyFile, passphrase } = source;
    if (certificateFile === undefined)
      return this.#load(await textsOf(source, this.#files, reader), reader);
    const secret = typeof passphrase === "string" ? passphrase : "";
    const name = JSON.stringify([certificateFile, privateKeyFile, secret]);
    try {
      const loaded = await this.#load(await textsOf(source, this.#files, reader), reader);
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

async function textsOf(
  source: ClientCertificate,
  files: FileReads,
  { endpoint, timeoutMs }: Reader,
): Promise<Texts> {
  const file = async (field: string, name: string) => {
    const read = () => files.read(name);
    return readWithDeadline(`${path}.${field}`, read, endpoint, timeoutMs, { file: name });
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
    ConfigurationError.of({ path, ...problem }, endpoint);
  const read = <T>(what: string, how: () => T): T => {
    try {
      return how();
    } catch (error) {
      // Without its message, which may quote what it was given.
      const problem = `has a ${what} that can't be read: ${nameOf(error)}`;
      throw refuse({ problem, fix: "set both as PEM, and the passphrase of an encrypted key" });
    }
  };
  const x509: X509Certificate = read("certificate", () => new X509Certificate(certificate));
  const key = read("private key", () => createPrivateKey({ key: privateKey, passphrase }));
  if (!x509.checkPrivateKey(key)) {
    const problem = "has a private key that doesn't belong to the certificate";
    throw refuse({ problem, fix: "set the two that belong together" });
  }
  return {
    certificate,
    privateKey: key.export({ type: "pkcs8", format: "pem" }).toString(),
    fingerprint: x509.fingerprint256,
  };
}
