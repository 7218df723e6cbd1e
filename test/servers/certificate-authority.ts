import "reflect-metadata";
import { createPrivateKey, createPublicKey, randomBytes, webcrypto } from "node:crypto";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  type JsonGeneralNames,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { thumbprintOf } from "./tls-server.ts";

/** A certificate and its key (PKCS#8), as PEM texts. */
export interface TestCertificate {
  readonly certificate: string;
  readonly privateKey: string;
}

interface CertificateOptions {
  /** A distinguished name, such as `CN=checkout,O=Example`. */
  readonly subject?: string;
  readonly alternativeNames?: JsonGeneralNames;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

export interface CertificateAuthority {
  /** Its own certificate, for those who trust it. */
  readonly certificate: string;
  /** For 127.0.0.1 and localhost. */
  serverCertificate(options?: CertificateOptions): Promise<TestCertificate>;
  clientCertificate(options?: CertificateOptions): Promise<TestCertificate>;
  /** Another authority, which this one vouches for. */
  intermediate(name: string): Promise<CertificateAuthority>;
}

interface Signer {
  readonly issuer: string;
  readonly keys: Keys;
}

type Keys = Awaited<ReturnType<typeof generateKeys>>;

// An RSA key would take most of the time.
const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const day = 86_400_000;
const localNames: JsonGeneralNames = [
  { type: "dns", value: "localhost" },
  { type: "ip", value: "127.0.0.1" },
];

/** A new authority, which nobody trusts yet. */
export function createCertificateAuthority(name = "Test authority"): Promise<CertificateAuthority> {
  return authorityBy(name);
}

/** @param by who vouches for it; it does so itself unless given. */
async function authorityBy(name: string, by?: Signer): Promise<CertificateAuthority> {
  const keys = await generateKeys();
  const issuer = `CN=${name}`;
  const extensions = [
    new BasicConstraintsExtension(true, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
  ];
  const signer = { issuer, keys };
  const own = await certify({ subject: issuer }, keys.publicKey, by ?? signer, extensions);
  const issue = async (options: CertificateOptions, usage: ExtendedKeyUsage) => {
    const holder = await generateKeys();
    const certificate = await certify(options, holder.publicKey, signer, [
      new ExtendedKeyUsageExtension([usage]),
    ]);
    return { certificate, privateKey: await privateKeyOf(holder) };
  };
  return {
    certificate: own,
    serverCertificate: (options = {}) =>
      issue(
        { subject: "CN=127.0.0.1", alternativeNames: localNames, ...options },
        ExtendedKeyUsage.serverAuth,
      ),
    clientCertificate: (options = {}) =>
      issue({ subject: "CN=checkout", ...options }, ExtendedKeyUsage.clientAuth),
    intermediate: (below) => authorityBy(below, signer),
  };
}

/** A client's certificate that no authority vouches for (RFC 8705 §2.2). */
export async function selfSignedCertificate(
  options: CertificateOptions = {},
): Promise<TestCertificate> {
  const { subject = "CN=self-signed" } = options;
  const keys = await generateKeys();
  const signer = { issuer: subject, keys };
  const certificate = await certify({ ...options, subject }, keys.publicKey, signer, [
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth]),
  ]);
  return { certificate, privateKey: await privateKeyOf(keys) };
}

/** The same key (PEM), behind a passphrase. */
export function encryptedKey(privateKey: string, passphrase: string): string {
  const cipher = "aes-256-cbc";
  const encoding = { type: "pkcs8", format: "pem", cipher, passphrase } as const;
  return createPrivateKey(privateKey).export(encoding).toString();
}

/** The public key of a certificate as a JWK that holds the certificate (RFC 8705 §2.2). */
export function certificateJwk(certificate: string): object {
  const key = createPublicKey(certificate).export({ format: "jwk" });
  const x5c = [new X509Certificate(certificate).toString("base64")];
  return { ...key, use: "sig", kid: thumbprintOf(certificate), x5c };
}

async function generateKeys() {
  return webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
}

async function certify(
  { subject = "", alternativeNames = [], notBefore, notAfter }: CertificateOptions,
  publicKey: Keys["publicKey"],
  { issuer, keys }: Signer,
  extensions: readonly Extension[],
): Promise<string> {
  const certificate = await X509CertificateGenerator.create({
    // A leading zero bit keeps the number positive.
    serialNumber: `01${randomBytes(15).toString("hex")}`,
    subject,
    issuer,
    notBefore: notBefore ?? new Date(Date.now() - day),
    notAfter: notAfter ?? new Date(Date.now() + day),
    publicKey,
    signingKey: keys.privateKey,
    signingAlgorithm: algorithm,
    extensions: [
      ...extensions,
      ...(alternativeNames.length > 0
        ? [new SubjectAlternativeNameExtension(alternativeNames)]
        : []),
    ],
  });
  return `${certificate.toString("pem")}\n`;
}

async function privateKeyOf({ privateKey }: Keys): Promise<string> {
  const der = await webcrypto.subtle.exportKey("pkcs8", privateKey);
  const base64 = Buffer.from(der).toString("base64").replace(/.{64}/g, "$&\n").trimEnd();
  return `-----BEGIN PRIVATE KEY-----\n${base64}\n-----END PRIVATE KEY-----\n`;
}
