import { createHmac, hkdfSync } from "node:crypto";
import { CompactEncrypt } from "jose";
import { describe, expect, test } from "vitest";
import { plainEntries } from "../../src/cache/entry-codec.ts";
import { SealedEntries } from "../../src/cache/sealed-entries.ts";
import type { ResolvedEndpoint } from "../../src/endpoint/resolved-endpoint.ts";

const identity = "an-identity";

function endpointOf(more: object = {}): ResolvedEndpoint {
  return {
    label: "orders",
    identity,
    settings: {},
    credentials: { clientSecret: "secret", password: "päss" },
    keys: {},
    strategy: {},
    ...more,
  } as unknown as ResolvedEndpoint;
}

interface Entry {
  readonly says: string;
  readonly lead: number;
}

const sealed = (...encryptionKeys: string[]) =>
  new SealedEntries<Entry>(
    {
      kind: "",
      subject: (endpoint) => endpoint.identity,
      toJson: ({ says }, lead) => ({ says, lead }),
      fromJson: (json, _, lead) => ({ ...(json as Entry), lead }),
    },
    encryptionKeys,
  );

/** RFC 5869, as the entries of all versions are named and sealed. */
function derived(purpose: "name" | "value", secrets: readonly string[]): Uint8Array {
  const material = secrets.map((secret) => `${secret.length}:${secret}`).join("");
  const info = `endpoint-security v1 ${purpose} ${identity}`;
  return new Uint8Array(hkdfSync("sha256", Buffer.from(material), "", info, 32));
}

const nameBy = (...secrets: string[]) =>
  `v1:${createHmac("sha256", derived("name", secrets)).update(identity).digest("base64url")}`;

const found = { name: 0, clockLeadMs: 0 };

describe("a sealed entry stands under a name", () => {
  test("that is made of the endpoint's own secrets, in the order of their fields", async () => {
    const expected = [nameBy("", "secret", "päss")];
    expect(await sealed().names(endpointOf())).toEqual(expected);
    const turned = { password: "päss", clientSecret: "secret" };
    expect(await sealed().names(endpointOf({ credentials: turned }))).toEqual(expected);
  });

  test("for each encryption key", async () => {
    expect(await sealed("one", "two").names(endpointOf())).toEqual([
      nameBy("one", "secret", "päss"),
      nameBy("two", "secret", "päss"),
    ]);
  });

  test("that owes nothing to what others see", async () => {
    const strategy = { passing: ["password"] };
    expect(await sealed().names(endpointOf({ strategy }))).toEqual([nameBy("", "secret")]);
  });

  test("that is made of private keys, too", async () => {
    const more = {
      keys: { clientPrivateKey: { secret: "key" } },
      transport: { clientCertificate: { privateKey: "certified" } },
    };
    const ordered = ["", "certified", "key", "secret", "päss"];
    expect(await sealed().names(endpointOf(more))).toEqual([nameBy(...ordered)]);
    const hidden = { keys: { clientPrivateKey: {} }, transport: {} };
    expect(await sealed().names(endpointOf(hidden))).toEqual([nameBy("", "", "secret", "päss")]);
  });
});

describe("a sealed entry", () => {
  const entry = { says: "hello", lead: 0 };

  test("is read as it was written, each by its clock's lead", async () => {
    const value = await sealed().write(endpointOf(), entry, 7);
    expect(await sealed().read(endpointOf(), value, { name: 0, clockLeadMs: 9 })).toEqual({
      says: "hello",
      lead: 9,
    });
  });

  test("is sealed by the first key, and opens with the key of its name alone", async () => {
    const value = await sealed("one", "two").write(endpointOf(), entry, 0);
    expect(await sealed("two", "one").read(endpointOf(), value, { ...found, name: 1 })).toEqual(
      entry,
    );
    expect(await sealed("two", "one").read(endpointOf(), value, found)).toBeUndefined();
    expect(await sealed("one").read(endpointOf(), value, { ...found, name: 1 })).toBeUndefined();
  });

  test.each([7, null, undefined, {}, [], new Uint8Array(3)])(
    "is none that isn't text: %o",
    async (value) => {
      expect(await sealed().read(endpointOf(), value, found)).toBeUndefined();
    },
  );

  const key = derived("value", ["", "secret", "päss"]);
  test.each([
    [{ alg: "dir", enc: "A256GCM", typ: "v1" }, entry],
    [{ alg: "dir", enc: "A256GCM", typ: "v2" }, undefined],
    [{ alg: "dir", enc: "A256GCM" }, undefined],
    [{ alg: "dir", enc: "A128CBC-HS256", typ: "v1" }, undefined],
    [{ alg: "A256KW", enc: "A256GCM", typ: "v1" }, undefined],
  ])("of another format is none: %j", async (header, expected) => {
    const value = await new CompactEncrypt(Buffer.from(JSON.stringify(entry)))
      .setProtectedHeader(header)
      .encrypt(key);
    expect(await sealed().read(endpointOf(), value, found)).toEqual(expected);
  });
});

describe("where there is nothing to seal with, the error says", () => {
  test.each([
    ["clientSecret", "is missing", {}],
    ["clientPrivateKey", "can't be exported", { keys: { clientPrivateKey: {} } }],
    ["clientAssertion", "is new each time", { externalAssertion: {} }],
    [
      "clientAssertionFile",
      "is new each time",
      { externalAssertion: {}, settings: { clientAssertionFile: "/a" } },
    ],
  ])("of %s that it %s", async (path, problem, more) => {
    const names = sealed().names(endpointOf({ credentials: {}, ...more }));
    await expect(names).rejects.toMatchObject({
      code: "invalid_configuration",
      endpoint: "orders",
      problems: [
        {
          path,
          problem: `${problem}, so there is no key to seal the cached token with`,
          fix: expect.stringContaining("encryptionKeys"),
        },
      ],
    });
  });

  test("but an encryption key is enough", async () => {
    const names = await sealed("one").names(endpointOf({ credentials: {} }));
    expect(names).toEqual([nameBy("one")]);
  });
});

test("a plain entry stands under the identity as it is, and what is none is not read", async () => {
  const entries = plainEntries((value): value is string => typeof value === "string");
  expect(await entries.names(endpointOf())).toEqual([identity]);
  expect(await entries.write(endpointOf(), "entry", 0)).toBe("entry");
  expect(await entries.read(endpointOf(), "entry", found)).toBe("entry");
  expect(await entries.read(endpointOf(), 7, found)).toBeUndefined();
});
