import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import type { ClientCertificate } from "../../src/credentials/client-certificate.ts";
import { ClientCertificates } from "../../src/credentials/client-certificate.ts";
import { resolveTransport } from "../../src/endpoint/resolved-transport.ts";
import {
  createCertificateAuthority,
  encryptedKey,
  type TestCertificate,
} from "../servers/certificate-authority.ts";
import { removeFolder, temporaryFolder } from "../servers/redis/temporary-folder.ts";

const reader = { endpoint: "orders", timeoutMs: 5_000 };
let one: TestCertificate;
let other: TestCertificate;
beforeAll(async () => {
  const authority = await createCertificateAuthority();
  [one, other] = await Promise.all([
    authority.clientCertificate({ subject: "CN=one" }),
    authority.clientCertificate({ subject: "CN=other" }),
  ]);
});

const read = (source: object, certificates = new ClientCertificates()) =>
  certificates.read(source as ClientCertificate, reader);

async function pair() {
  const folder = await temporaryFolder("certificates");
  onTestFinished(() => removeFolder(folder));
  const source = {
    certificateFile: join(folder, "tls.crt"),
    privateKeyFile: join(folder, "tls.key"),
  };
  const write = async (certificate: string | undefined, privateKey: string | undefined) => {
    if (certificate !== undefined) await writeFile(source.certificateFile, certificate);
    if (privateKey !== undefined) await writeFile(source.privateKeyFile, privateKey);
  };
  return { source, write };
}

describe("a client certificate is read", () => {
  test("once for the same texts, its key no longer encrypted", async () => {
    const certificates = new ClientCertificates();
    const { certificate, privateKey } = one;
    const plain = await read({ certificate, privateKey }, certificates);
    expect(plain.certificate).toBe(certificate);
    expect(plain.privateKey).toContain("-----BEGIN PRIVATE KEY-----");
    expect(plain.fingerprint).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
    expect(await read({ certificate, privateKey: () => privateKey }, certificates)).toBe(plain);
    const locked = { certificate, privateKey: encryptedKey(privateKey, "phrase") };
    const unlocked = await read({ ...locked, passphrase: async () => "phrase" }, certificates);
    expect(unlocked).toEqual(plain);
    const second = await read({ certificate: other.certificate, privateKey: other.privateKey });
    expect(second.fingerprint).not.toBe(plain.fingerprint);
  });

  test.each<[string, () => object, RegExp]>([
    [
      "a certificate that is none",
      () => ({ ...one, certificate: "x" }),
      /a certificate that can't be read: \w/,
    ],
    [
      "a key that is none",
      () => ({ ...one, privateKey: "x" }),
      /a private key that can't be read: \w/,
    ],
    [
      "a wrong passphrase",
      () => ({ ...one, privateKey: encryptedKey(one.privateKey, "a"), passphrase: "b" }),
      /a private key that can't be read/,
    ],
    [
      "a key of another",
      () => ({ ...one, privateKey: other.privateKey }),
      /doesn't belong to the certificate/,
    ],
  ])("and refused with %s", async (_, source, problem) => {
    await expect(read(source())).rejects.toMatchObject({
      code: "invalid_configuration",
      endpoint: "orders",
      problems: [
        {
          path: "transport.clientCertificate",
          problem: expect.stringMatching(problem),
          fix: expect.stringMatching(/\w/),
        },
      ],
    });
  });

  test.each(["privateKey", "passphrase"])("and what its %s throws is reported", async (field) => {
    const fail = () => {
      throw new RangeError("secret");
    };
    const { certificate, privateKey } = one;
    await expect(read({ certificate, privateKey, [field]: fail })).rejects.toMatchObject({
      code: "secret_unavailable",
      field: `transport.clientCertificate.${field}`,
      endpoint: "orders",
    });
  });

  test("from files again each time, the last whole pair where one is being replaced", async () => {
    const certificates = new ClientCertificates();
    const { source, write } = await pair();
    await expect(read(source, certificates)).rejects.toMatchObject({
      code: "secret_unavailable",
      field: expect.stringMatching(/^transport\.clientCertificate\.(certificate|privateKey)File$/),
      message: expect.stringContaining("can't be read: Error (ENOENT)"),
    });
    await write(one.certificate, one.privateKey);
    const first = await read(source, certificates);
    await write(other.certificate, undefined);
    expect(await read(source, certificates)).toBe(first);
    await expect(read({ ...source, passphrase: "x" }, certificates)).rejects.toThrow();
    await write(undefined, other.privateKey);
    const second = await read(source, certificates);
    expect([first.certificate, second.certificate]).toEqual([one.certificate, other.certificate]);
    await write("x", undefined);
    expect(await read(source, certificates)).toBe(second);
  });
});

describe("how requests travel", () => {
  const clientCertificates = new ClientCertificates();

  test("has the same name for the same way, and another for each certificate", async () => {
    const nameOf = async (own: object) => {
      const settings = { timeoutMs: 1, ...own };
      return (await resolveTransport(settings, clientCertificates, reader)).name;
    };
    const { certificate, privateKey } = one;
    const shown = { clientCertificate: { certificate, privateKey } };
    expect(await nameOf({})).toBe(await nameOf({ timeoutMs: 1 }));
    expect(await nameOf({ timeoutMs: 2 })).not.toBe(await nameOf({}));
    expect(await nameOf(shown)).not.toBe(await nameOf({}));
    const encrypted = { ...shown.clientCertificate, privateKey: () => privateKey };
    expect(await nameOf({ clientCertificate: encrypted })).toBe(await nameOf(shown));
    const others = { certificate: other.certificate, privateKey: other.privateKey };
    expect(await nameOf({ clientCertificate: others })).not.toBe(await nameOf(shown));
    expect(await nameOf(shown)).not.toContain(privateKey.slice(30, 60));
  });

  test("shows the certificate as it is now", async () => {
    const privateKey = vi.fn(() => one.privateKey);
    const own = { clientCertificate: { certificate: one.certificate, privateKey } };
    const resolved = await resolveTransport(own, clientCertificates, reader);
    expect(resolved.clientCertificate?.certificate).toBe(one.certificate);
    expect(resolved.settings).toEqual(own);
  });
});
