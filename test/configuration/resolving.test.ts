import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test, vi } from "vitest";
import type { OwnGrantStrategy } from "../../src/configuration/grant-strategy.ts";
import { ClientCertificates } from "../../src/credentials/client-certificate.ts";
import { DpopKeys } from "../../src/credentials/dpop-key.ts";
import { FileReads } from "../../src/credentials/file-reads.ts";
import { Identity } from "../../src/endpoint/identity.ts";
import { resolveEndpoint, secretCountOf } from "../../src/endpoint/resolve-endpoint.ts";
import { withDeadline } from "../../src/waiting/deadline.ts";
import { jwk, privateKeys } from "../client-authentication/keys.ts";
import { parsedOAuth2 } from "./parsed.ts";

const strategies = [
  { grantType: "plain", fields: [] },
  { grantType: "told", credentials: { pin: "required", puk: "optional" } },
  {
    grantType: "signed",
    signers: ["assertion"],
    fields: ["assertionPrivateKey", "assertionPrivateKeyId", "assertionAlgorithm"],
  },
];
const grants = new Map(
  strategies.map((strategy) => [strategy.grantType, strategy as unknown as OwnGrantStrategy]),
);
const instance = {
  identity: new Identity(),
  dpopKeys: new DpopKeys(),
  files: new FileReads(),
  clientCertificates: new ClientCertificates(),
} as const;

const least = {
  name: "orders",
  grantType: "plain",
  tokenUrl: "https://idp.test/token",
  clientId: "checkout",
  clientSecret: "secret",
};
const parsedWith = (more: object = {}) =>
  parsedOAuth2({ ...least, ...more }, { grants, renewal: { refreshAhead: 0.7 } });
const resolved = async (more?: object, which?: number) =>
  resolveEndpoint(parsedWith(more), instance, which);
const identityOf = async (more?: object) => (await resolved(more)).identity;
const never = () => new Promise<string>(() => {});

describe("an endpoint is resolved", () => {
  test("with its credentials read, by its grant", async () => {
    const endpoint = await resolved({ grantType: "told", pin: async () => "1234", puk: undefined });
    expect(endpoint).toMatchObject({
      label: "orders",
      credentials: { clientSecret: "secret", pin: "1234" },
      strategy: grants.get("told"),
      keys: {},
      externalAssertion: undefined,
      transport: undefined,
    });
    expect(Object.keys(endpoint.credentials)).toEqual(["clientSecret", "pin"]);
  });

  test("with the instance's refreshAhead, or its own", async () => {
    const aheadOf = async (more: object) => (await resolved(more)).settings.renewal.refreshAhead;
    expect(await aheadOf({})).toBe(0.7);
    expect(await aheadOf({ renewal: { refreshAhead: 0.9 } })).toBe(0.9);
    expect(await aheadOf({ renewal: { refreshAhead: false } })).toBe(false);
  });

  test("with one of several secrets", async () => {
    const clientSecret = ["new", () => "old"];
    expect(secretCountOf(parsedWith({ clientSecret }))).toBe(2);
    expect(secretCountOf(parsedWith())).toBe(1);
    expect((await resolved({ clientSecret })).credentials.clientSecret).toBe("new");
    expect((await resolved({ clientSecret }, 1)).credentials.clientSecret).toBe("old");
  });

  test("with the keys that prove and sign, each in its identity", async () => {
    const signing = {
      clientSecret: undefined,
      tokenEndpointAuthMethod: "private_key_jwt",
      clientPrivateKey: jwk(privateKeys.rsa),
    };
    const more = { ...signing, clientAssertionAlgorithm: "PS256", clientPrivateKeyId: "id" };
    const { keys, identity } = await resolved(more);
    expect(keys).toMatchObject({ clientPrivateKey: { algorithm: "PS256", keyId: "id" } });
    expect(Object.keys(keys)).toEqual(["clientPrivateKey"]);
    const other = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
    expect(await identityOf({ ...more, clientPrivateKey: other })).not.toBe(identity);
    expect(await identityOf({ ...more, clientPrivateKey: () => privateKeys.rsa })).toBe(identity);
  });

  test("with the key of its grant, and its own algorithm", async () => {
    const more = {
      grantType: "signed",
      assertionPrivateKey: privateKeys.rsa,
      assertionAlgorithm: "RS384",
      assertionPrivateKeyId: "id",
    };
    const { keys } = await resolved(more);
    expect(keys).toMatchObject({ assertionPrivateKey: { algorithm: "RS384", keyId: "id" } });
    await expect(resolved({ ...more, assertionAlgorithm: "ES256" })).rejects.toMatchObject({
      problems: [{ path: "assertionAlgorithm" }],
    });
  });

  test("with the key that its tokens are bound to", async () => {
    const { keys, identity } = await resolved({ dpop: true });
    expect(keys.dpop).toBe(await instance.dpopKeys.of(true, "orders"));
    expect(identity).not.toBe(await identityOf());
  });

  test("with an assertion of others, known by its subject", async () => {
    const assertion = (claims: object) =>
      `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.c2ln`;
    const of = (claims: object) => ({
      clientSecret: undefined,
      tokenEndpointAuthMethod: "private_key_jwt",
      clientAssertion: () => assertion(claims),
    });
    const [one, again, other] = await Promise.all([
      resolved(of({ iss: "a", sub: "b", jti: 1 })),
      resolved(of({ iss: "a", sub: "b", jti: 2 })),
      resolved(of({ iss: "a", sub: "c", jti: 1 })),
    ]);
    expect(one.identity).toBe(again.identity);
    expect(one.identity).not.toBe(other.identity);
    expect(await one.externalAssertion?.read()).toBe(assertion({ iss: "a", sub: "b", jti: 1 }));
  });

  test("with what it is known by, and the issuer in the place of its token endpoint", async () => {
    for (const more of [
      { name: "x" },
      { url: "https://orders.test" },
      { headerName: "X-Token", headerPrefix: "" },
      { tokenRequest: { timeoutMs: 1, retries: 0 } },
      { renewal: { maxForcedRenewals: 1 } },
      { tokenEndpointAuthMethod: "client_secret_basic" },
    ]) {
      expect(await identityOf(more)).toBe(await identityOf());
    }
    expect(await identityOf({ clientSecret: () => "secret" })).toBe(await identityOf());
    expect(await identityOf({ clientSecret: "other" })).not.toBe(await identityOf());
    const discovered = { tokenUrl: undefined, issuer: "https://idp.test" };
    expect((await resolved(discovered)).tokenUrl).toBe("https://idp.test");
    expect((await resolved()).tokenUrl).toBe(least.tokenUrl);
  });

  test.each<[string, object]>([
    ["clientSecret", { clientSecret: never }],
    [
      "clientPrivateKey",
      {
        clientSecret: undefined,
        tokenEndpointAuthMethod: "private_key_jwt",
        clientPrivateKey: never,
      },
    ],
    [
      "clientAssertion",
      {
        clientSecret: undefined,
        tokenEndpointAuthMethod: "private_key_jwt",
        clientAssertion: never,
      },
    ],
    [
      "transport.clientCertificate.privateKey",
      {
        transport: {
          clientCertificate: { certificate: "-----BEGIN CERTIFICATE-----", privateKey: never },
        },
      },
    ],
  ])(
    "not where its %s takes longer than a token request may, or ten seconds",
    async (field, more) => {
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
      try {
        for (const [limit, timeoutMs] of [
          [{ tokenRequest: { timeoutMs: 30 } }, 30],
          [{}, 10_000],
        ] as const) {
          const end = resolved({ ...more, ...limit }).catch((error: unknown) => error);
          for (let turn = 0; turn < 20; turn++) await new Promise((done) => setImmediate(done));
          await vi.advanceTimersByTimeAsync(timeoutMs);
          expect(await end).toMatchObject({
            code: "secret_unavailable",
            endpoint: "orders",
            field,
            message: expect.stringContaining(`returned nothing within ${timeoutMs} ms`),
          });
        }
      } finally {
        vi.useRealTimers();
      }
    },
  );
});

describe("a deadline", () => {
  const late = () => new Error("late");

  test("lets an answer count that lies there when the time is over", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      let answer: (value: string) => void = () => {};
      const work = withDeadline(
        10,
        () =>
          new Promise<string>((done) => {
            answer = done;
          }),
        late,
      );
      vi.advanceTimersByTime(10);
      setImmediate(() => answer("in time"));
      expect(await work).toBe("in time");
    } finally {
      vi.useRealTimers();
    }
  });

  test("ends the wait, and aborts the work", async () => {
    let given: AbortSignal | undefined;
    const work = withDeadline(
      1,
      (signal) => {
        given = signal;
        return never();
      },
      late,
    );
    await expect(work).rejects.toThrow("late");
    expect(given?.aborted).toBe(true);
    expect(given?.reason).toMatchObject({ message: "late" });
  });

  test("ends with the work, and reports no deadline after that", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const told = vi.fn(late);
      expect(await withDeadline(10, async () => 1, told)).toBe(1);
      expect(vi.getTimerCount()).toBe(0);
      await vi.advanceTimersByTimeAsync(20);
      expect(told).not.toHaveBeenCalled();
    } finally {
      vi.useRealTimers();
    }
  });
});
