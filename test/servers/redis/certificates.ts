import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { removeFolder, temporaryFolder } from "./temporary-folder.ts";

const run = promisify(execFile);

/** PEM texts, and the files that hold them. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
  readonly certPath: string;
  readonly keyPath: string;
}

export interface TestCertificates {
  readonly ca: Certificate;
  /** For localhost and 127.0.0.1, signed by `ca`. */
  readonly server: Certificate;
  /** For mutual TLS, signed by `ca`. */
  readonly client: Certificate;
  /** An authority that signed nothing here. */
  readonly unknownCa: Certificate;
  remove(): Promise<void>;
}

// Own settings: the machine's openssl.cnf may add extensions of its own.
const settings = `
[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, IP:127.0.0.1
[client]
basicConstraints = CA:FALSE
extendedKeyUsage = clientAuth
`;

/** Fresh certificates, valid for two days. */
export async function makeCertificates(): Promise<TestCertificates> {
  const dir = await temporaryFolder("certificates");
  const config = join(dir, "openssl.cnf");
  await writeFile(config, settings);
  const [ca, unknownCa] = await Promise.all([
    makeAuthority(dir, config, "ca"),
    makeAuthority(dir, config, "unknown-ca"),
  ]);
  const [server, client] = await Promise.all([
    sign(dir, config, "server", ca),
    sign(dir, config, "client", ca),
  ]);
  return { ca, server, client, unknownCa, remove: () => removeFolder(dir) };
}

async function makeAuthority(dir: string, config: string, name: string): Promise<Certificate> {
  const { certPath, keyPath } = paths(dir, name);
  await run("openssl", [
    ...request(config, name, keyPath, certPath),
    ...["-x509", "-days", "2", "-extensions", "ca"],
  ]);
  return load(certPath, keyPath);
}

async function sign(
  dir: string,
  config: string,
  name: "server" | "client",
  ca: Certificate,
): Promise<Certificate> {
  const { certPath, keyPath } = paths(dir, name);
  const csr = join(dir, `${name}.csr`);
  await run("openssl", request(config, name, keyPath, csr));
  await run("openssl", [
    ...["x509", "-req", "-in", csr, "-out", certPath, "-days", "2"],
    ...["-CA", ca.certPath, "-CAkey", ca.keyPath],
    // A leading zero bit keeps the number positive.
    ...["-set_serial", `0x0${randomBytes(15).toString("hex")}`],
    ...["-extfile", config, "-extensions", name],
  ]);
  return load(certPath, keyPath);
}

function request(config: string, name: string, keyPath: string, out: string): string[] {
  return [
    ...["req", "-new", "-config", config, "-subj", `/CN=${name}`, "-keyout", keyPath, "-out", out],
    ...["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
  ];
}

function paths(dir: string, name: string) {
  return { certPath: join(dir, `${name}.pem`), keyPath: join(dir, `${name}.key`) };
}

async function load(certPath: string, keyPath: string): Promise<Certificate> {
  const [cert, key] = await Promise.all([readFile(certPath, "utf8"), readFile(keyPath, "utf8")]);
  return { cert, key, certPath, keyPath };
}
