import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateKeyPair } from "jose";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { type Check, Problems } from "../../src/checks/check.ts";
import { DpopKeys, dpop } from "../../src/credentials/dpop-key.ts";
import { externalAssertion } from "../../src/credentials/external-assertion.ts";
import { FileReads } from "../../src/credentials/file-reads.ts";
import {
  type PrivateKeySource,
  privateKey,
  readPrivateKey,
} from "../../src/credentials/private-key.ts";
import { jwk, pem, privateKeys, publicKeys } from "./keys.ts";

const wanted = {
  endpoint: "orders",
  timeoutMs: 1_000,
  algorithm: undefined as string | undefined,
  algorithmField: "clientAssertionAlgorithm",
  keyId: undefined as string | undefined,
};
const read = (source: unknown, more: Partial<typeof wanted> = {}) =>
  readPrivateKey("clientPrivateKey", source as PrivateKeySource, { ...wanted, ...more });

function said(check: Check, value: unknown) {
  const problems = new Problems();
  check(value, "x", problems);
  for (const { fix } of problems.list) expect(fix).toMatch(/\w/);
  return problems.list.map(({ problem }) => problem.replace(/^must be .+, (got .+)$/, "$1"));
}

const symmetric = { kty: "oct", k: "a", d: "b" };
const label = (name: string, more = "") => `-----BEGIN ${name}-----\n${more}AAAA`;

describe("of a private key is reported at a glance", () => {
  test.each<[unknown, readonly string[]]>([
    [pem(privateKeys.p256), []],
    [pem(privateKeys.rsa, "pkcs1"), []],
    [jwk(privateKeys.rsa), []],
    [privateKeys.ed25519, []],
    [() => "x", []],
    [undefined, ["is missing"]],
    [null, ["got null"]],
    [7, ["got a number"]],
    [new Map(), ["got an object"]],
    [["a"], ["got a list"]],
    ["key", ["must be PEM"]],
    ["${KEY}", ["has a template that was not filled in (${…})"]],
    [label("ENCRYPTED PRIVATE KEY"), ["is encrypted"]],
    [label("RSA PRIVATE KEY", "Proc-Type: 4,ENCRYPTED\n"), ["is encrypted"]],
    [label("PUBLIC KEY"), ["is a public key"]],
    [label("RSA PUBLIC KEY"), ["is a public key"]],
    [label("CERTIFICATE"), ["is a public key"]],
    [publicKeys.rsa, ["is a public key"]],
    [jwk(publicKeys.rsa), ["is a public key"]],
    [symmetric, ["is a symmetric key"]],
    [{ d: "a" }, ["is an object without kty"]],
  ])("%o: %j", (value, expected) => {
    expect(said(privateKey, value)).toEqual(expected);
  });

  test.each<[unknown, readonly string[]]>([
    [true, []],
    [privateKeys.p256, []],
    [false, []],
    [() => true, ["got a function"]],
    ["key", ["must be PEM"]],
  ])("for dpop, %o: %j", (value, expected) => {
    expect(said(dpop, value)).toEqual(expected);
  });
});

describe("a private key is read", () => {
  test("the same in all its forms, and signs with what is usual", async () => {
    const forms = [
      privateKeys.p256,
      pem(privateKeys.p256),
      pem(privateKeys.p256, "sec1"),
      jwk(privateKeys.p256),
      () => privateKeys.p256,
      async () => pem(privateKeys.p256),
      Object.fromEntries(Object.entries(jwk(privateKeys.p256)).reverse()),
    ];
    const keys = await Promise.all(forms.map((form) => read(form)));
    expect(new Set(keys.map(({ identity }) => identity)).size).toBe(1);
    expect(new Set(keys.map(({ secret }) => secret)).size).toBe(1);
    for (const { algorithm, keyId, secret } of keys) {
      expect([algorithm, keyId]).toEqual(["ES256", undefined]);
      expect(secret).toContain(String(jwk(privateKeys.p256).d));
    }
  });

  test("with what a JWK says of itself, or the configuration before it", async () => {
    const own = { ...jwk(privateKeys.rsa), kid: "own", alg: "PS256" };
    expect(await read(own)).toMatchObject({ algorithm: "PS256", keyId: "own" });
    const told = await read(own, { algorithm: "RS512", keyId: "told" });
    expect(told).toMatchObject({ algorithm: "RS512", keyId: "told" });
    expect(told.identity).not.toBe((await read(own)).identity);
    const odd = { ...jwk(privateKeys.rsa), kid: 7, alg: 7 };
    expect(await read(odd)).toMatchObject({ algorithm: "RS256", keyId: undefined });
  });

  test("as a CryptoKey, which signs what it was made for and may keep itself to itself", async () => {
    const identities = new Set<string>();
    for (const extractable of [true, false]) {
      const pair = await generateKeyPair("PS384", { extractable });
      const key = await read(pair.privateKey);
      expect(key).toMatchObject({ algorithm: "PS384", key: pair.privateKey });
      expect(key.secret === undefined).toBe(!extractable);
      expect(key.identity).toBe((await read(pair.privateKey)).identity);
      identities.add(key.identity);
    }
    expect(identities.size).toBe(2);
  });

  const unusual = generateKeyPairSync("ec", { namedCurve: "secp256k1" }).privateKey;
  const short = generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey;
  test.each<[string, unknown, Partial<typeof wanted>, string, RegExp]>([
    ["at a glance", "key", {}, "clientPrivateKey", /^must be PEM/],
    ["at a glance, by a function", () => "key", {}, "clientPrivateKey()", /^must be PEM/],
    [
      "in its text",
      label("PRIVATE KEY"),
      {},
      "clientPrivateKey",
      /^can't be read as a private key/,
    ],
    ["in its kind", unusual, {}, "clientPrivateKey", /^is of a kind that can't sign assertions/],
    ["in its length", short, {}, "clientPrivateKey", /^is shorter than 2048 bits/],
    [
      "in its algorithm",
      privateKeys.rsa,
      { algorithm: "ES256" },
      "clientAssertionAlgorithm",
      /^doesn't fit the kind of key in clientPrivateKey/,
    ],
    [
      "in its own algorithm",
      { ...jwk(privateKeys.rsa), alg: "ES256" },
      {},
      "clientPrivateKey",
      /^doesn't fit the kind of key/,
    ],
  ])("not, where it is wrong %s", async (_, source, more, path, problem) => {
    await expect(read(source, more)).rejects.toMatchObject({
      code: "invalid_configuration",
      endpoint: "orders",
      problems: [
        { path, problem: expect.stringMatching(problem), fix: expect.stringMatching(/\w/) },
      ],
    });
  });

  test("of 2048 bits and more", async () => {
    const exactly = createPrivateKey(pem(privateKeys.rsa));
    expect(await read(exactly)).toMatchObject({ algorithm: "RS256" });
  });
});

describe("the keys that tokens are bound to", () => {
  test("are one of the process, and one for each that is given", async () => {
    const keys = new DpopKeys();
    const own = await keys.of(true, "orders");
    expect(await keys.of(true, "invoices")).toBe(own);
    expect(own.algorithm).toBe("ES256");
    expect((await new DpopKeys().of(true, "orders")).identity).not.toBe(own.identity);
    const text = pem(privateKeys.p384);
    const given = await keys.of(text, "orders");
    expect(await keys.of(String(text), "orders")).toBe(given);
    expect(given.algorithm).toBe("ES384");
  });

  test("are found by their content where they are a JWK, and by themselves else", async () => {
    const keys = new DpopKeys();
    const one = await keys.of(jwk(privateKeys.p256), "orders");
    expect(await keys.of(jwk(privateKeys.p256), "orders")).toBe(one);
    expect(await keys.of(jwk(privateKeys.p384), "orders")).not.toBe(one);
    const object = await keys.of(privateKeys.p256, "orders");
    expect(await keys.of(privateKeys.p256, "orders")).toBe(object);
    expect(await keys.of(privateKeys.p521, "orders")).not.toBe(object);
  });

  test("are read again where they couldn't be read", async () => {
    const keys = new DpopKeys();
    const wrong = label("PRIVATE KEY");
    const first = keys.of(wrong, "orders");
    await expect(first).rejects.toMatchObject({ problems: [{ path: "dpop" }] });
    const second = keys.of(wrong, "orders");
    await expect(second).rejects.not.toBe(await first.catch((error: unknown) => error));
  });
});

describe("an assertion that is given for the client", () => {
  const assertion = (claims: unknown) =>
    `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.c2ln`;
  const subject = { iss: "https://cluster", sub: "orders", aud: ["a"] };
  const of = (config: object) =>
    externalAssertion(config, new FileReads(), { endpoint: "orders", timeoutMs: 1_000 });

  test("is none where none is named", async () => {
    expect(await of({})).toBeUndefined();
  });

  test("is read at once, sent once, and read again from then on", async () => {
    const clientAssertion = vi.fn(() =>
      assertion({ ...subject, jti: clientAssertion.mock.calls.length }),
    );
    const given = await of({ clientAssertion });
    expect(clientAssertion).toHaveBeenCalledTimes(1);
    const sent = [await given?.read(), await given?.read(), await given?.read()];
    expect(clientAssertion).toHaveBeenCalledTimes(3);
    expect(new Set(sent).size).toBe(3);
  });

  test.each<[string, unknown, unknown, boolean]>([
    ["the same for the same subject", { ...subject, jti: 1 }, { ...subject, exp: 2 }, true],
    ["another for another subject", subject, { ...subject, sub: "x" }, false],
    ["another for another issuer", subject, { ...subject, iss: "x" }, false],
    ["another for another tenant", { ...subject, tid: 1 }, { ...subject, tid: 2 }, false],
    ["another for another audience", subject, { ...subject, aud: "x" }, false],
    ["another each time without an issuer", { sub: "a", jti: 1 }, { sub: "a", jti: 2 }, false],
    ["another each time without a subject", { iss: "a", jti: 1 }, { iss: "a", jti: 2 }, false],
    ["another each time where it is null", null, { jti: 2 }, false],
  ])("is known as %s", async (_, one, other, expected) => {
    const [first, second] = await Promise.all(
      [one, other].map((claims) => of({ clientAssertion: () => assertion(claims) })),
    );
    expect(first?.identity === second?.identity).toBe(expected);
  });

  test("is known by its whole text where it is no JWT", async () => {
    expect((await of({ clientAssertion: () => "a" }))?.identity).toBe('"a"');
    expect((await of({ clientAssertion: () => "a.b" }))?.identity).toBe('"a.b"');
  });

  test("may be in a file, without its line's end", async () => {
    const folder = await mkdtemp(join(tmpdir(), "assertion-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const clientAssertionFile = join(folder, "token");
    await writeFile(clientAssertionFile, `${assertion(subject)}\n`);
    const given = await of({ clientAssertionFile });
    await writeFile(clientAssertionFile, "another");
    expect([await given?.read(), await given?.read()]).toEqual([assertion(subject), "another"]);
    await writeFile(clientAssertionFile, "");
    await expect(given?.read()).rejects.toMatchObject({
      problems: [{ path: "clientAssertionFile", problem: "is empty" }],
    });
    await expect(of({ clientAssertionFile: join(folder, "none") })).rejects.toMatchObject({
      code: "secret_unavailable",
      field: "clientAssertionFile",
      message: expect.stringContaining("can't be read: Error (ENOENT)"),
    });
  });

  test.each([
    ["ey..\n", /ends with a line break/],
    ["\u00e4", /must be a JWT/],
    ["a b", /must be a JWT/],
    ["", /^is empty/],
    [7, /got a number$/],
  ])("is refused where it is %j", async (value, problem) => {
    await expect(of({ clientAssertion: () => value })).rejects.toMatchObject({
      code: "invalid_configuration",
      endpoint: "orders",
      problems: [
        {
          path: "clientAssertion()",
          problem: expect.stringMatching(problem),
          fix: expect.stringMatching(/\w/),
        },
      ],
    });
  });
});
