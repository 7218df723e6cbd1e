import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type ClientCertificate,
  type EndpointConfig,
  EndpointSecurity,
  type Transport,
} from "endpoint-security";
import Keyv from "keyv";
import { beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { canaries, seenIn } from "../errors/canaries.ts";
import {
  type CertificateAuthority,
  createCertificateAuthority,
  encryptedKey,
  type TestCertificate,
} from "../servers/certificate-authority.ts";
import { respond } from "../servers/http-server.ts";
import { removeFolder, temporaryFolder } from "../servers/redis/temporary-folder.ts";
import { thumbprintOf } from "../servers/tls-server.ts";
import { account, orders, type Service, startService } from "./service.ts";
import { wrappers } from "./wrappers.ts";

let authority: CertificateAuthority;
let first: TestCertificate;
let second: TestCertificate;
beforeAll(async () => {
  authority = await createCertificateAuthority();
  [first, second] = await Promise.all([
    authority.clientCertificate({ subject: "CN=first" }),
    authority.clientCertificate({ subject: "CN=second" }),
  ]);
});

function instance(options: ConstructorParameters<typeof EndpointSecurity>[0] = {}) {
  const security = new EndpointSecurity(options);
  onTestFinished(() => security.close());
  return security;
}

function showing(clientCertificate: ClientCertificate): { transport: Transport } {
  return { transport: { ca: authority.certificate, clientCertificate } };
}

/** What the service was shown, by the certificate's name. */
function shownTo(service: Service): string[] {
  const names = new Map([
    [thumbprintOf(first.certificate), "first"],
    [thumbprintOf(second.certificate), "second"],
  ]);
  return service.requests.map(({ path, certificate }) => {
    return `${path} ${certificate === undefined ? "none" : names.get(certificate)}`;
  });
}

/** A pair on disk, which can be replaced half by half. */
async function pairOnDisk() {
  const folder = await temporaryFolder("client-certificate");
  onTestFinished(() => removeFolder(folder));
  const certificateFile = join(folder, "tls.crt");
  const privateKeyFile = join(folder, "tls.key");
  const writeCertificate = (pair: TestCertificate) => writeFile(certificateFile, pair.certificate);
  const writeKey = (pair: TestCertificate) => writeFile(privateKeyFile, pair.privateKey);
  const write = async (pair: TestCertificate) => {
    await writeCertificate(pair);
    await writeKey(pair);
  };
  await write(first);
  return { certificateFile, privateKeyFile, write, writeCertificate, writeKey };
}

/** Lets the time pass in which files aren't looked at again. */
function passASecond(): void {
  vi.setSystemTime(Date.now() + 1_100);
  vi.advanceTimersByTime(1_100);
}

function holdTheClock(): void {
  vi.useFakeTimers({ toFake: ["performance"] });
  onTestFinished(() => void vi.useRealTimers());
}

describe.each(wrappers)("%s", (_name, wrap) => {
  test("shows the client certificate to the backend, and its token requests to the token endpoint", async () => {
    const service = await startService({ authority });
    const get = wrap(instance(), orders(service, showing(first)));
    expect((await get("/42")).status).toBe(200);
    expect(shownTo(service)).toEqual(["/token first", "/42 first"]);
  });

  test("shows it for an endpoint without tokens, too, and an instance's where the endpoint has none", async () => {
    const service = await startService({ authority });
    const security = instance(showing(first));
    await wrap(security, account(service.origin))("/1");
    await wrap(security, account(service.origin, showing(second)))("/2");
    expect(shownTo(service)).toEqual(["/1 first", "/2 second"]);
  });

  test("uses a pair that was replaced on disk, with a token of its own, without a restart", async () => {
    holdTheClock();
    const service = await startService({ authority });
    const { write, certificateFile, privateKeyFile } = await pairOnDisk();
    const get = wrap(instance(), orders(service, showing({ certificateFile, privateKeyFile })));
    await get("/1");
    await write(second);
    passASecond();
    await get("/2");
    expect(shownTo(service)).toEqual(["/token first", "/1 first", "/token second", "/2 second"]);
    expect(service.requests.map(({ authorization }) => authorization)).toMatchObject([
      expect.stringContaining("Basic"),
      "Bearer token-1",
      expect.stringContaining("Basic"),
      "Bearer token-2",
    ]);
  });

  test("uses the old pair while only half of the new one is there", async () => {
    holdTheClock();
    const service = await startService({ authority });
    const files = await pairOnDisk();
    const { certificateFile, privateKeyFile } = files;
    const get = wrap(instance(), orders(service, showing({ certificateFile, privateKeyFile })));
    await get("/1");
    await files.writeCertificate(second);
    passASecond();
    await get("/2");
    await writeFile(privateKeyFile, second.privateKey.slice(0, 80));
    passASecond();
    await get("/3");
    await files.writeKey(second);
    passASecond();
    await get("/4");
    const atFirst = ["/token first", "/1 first", "/2 first", "/3 first"];
    expect(shownTo(service)).toEqual([...atFirst, "/token second", "/4 second"]);
  });

  test("goes on with the key that it has while the function that reads it fails", async () => {
    holdTheClock();
    const service = await startService({ authority });
    let reads = 0;
    const privateKey = async () => {
      reads += 1;
      if (reads > 1) throw new Error("no vault");
      return first.privateKey;
    };
    const get = wrap(instance(), account(service.origin, showing({ ...first, privateKey })));
    for (const path of ["/1", "/2"]) {
      expect((await get(path)).status).toBe(200);
      passASecond();
    }
    expect(reads).toBe(2);
    expect(shownTo(service)).toEqual(["/1 first", "/2 first"]);
  });

  test("looks at the files at once when the backend refuses the old certificate", async () => {
    holdTheClock();
    const refused = thumbprintOf(first.certificate);
    let isRefusing = false;
    const service = await startService({
      authority,
      answer: (res, { path, certificate }) => {
        if (path === "/token" || !isRefusing || certificate !== refused) return false;
        return respond(res, 401, {}, { "www-authenticate": 'Bearer error="invalid_token"' });
      },
    });
    const { write, certificateFile, privateKeyFile } = await pairOnDisk();
    const get = wrap(instance(), orders(service, showing({ certificateFile, privateKeyFile })));
    await get("/1");
    isRefusing = true;
    await write(second);
    expect((await get("/2")).status).toBe(200);
    const shown = shownTo(service);
    expect(shown.slice(0, 3)).toEqual(["/token first", "/1 first", "/2 first"]);
    expect(shown.slice(-2)).toEqual(["/token second", "/2 second"]);
  });

  test("uses a key that is read by a function, when it changes with its certificate", async () => {
    const service = await startService({ authority });
    const security = instance();
    const clientCertificate = { ...first, privateKey: async () => first.privateKey };
    await wrap(security, orders(service, showing(clientCertificate)))("/1");
    const changed = { ...second, privateKey: async () => second.privateKey };
    await wrap(security, orders(service, showing(changed)))("/2");
    expect(shownTo(service)).toEqual(["/token first", "/1 first", "/token second", "/2 second"]);
  });
});

test("a token is got with the old pair while only half of the new one is there", async () => {
  const service = await startService({ authority });
  const { certificateFile, privateKeyFile, writeCertificate, writeKey } = await pairOnDisk();
  const security = instance();
  const endpoint = orders(service, showing({ certificateFile, privateKeyFile }));
  for (const change of [async () => {}, () => writeCertificate(second), () => writeKey(second)]) {
    await change();
    await security.invalidate(endpoint);
    await security.getToken(endpoint);
  }
  expect(shownTo(service)).toEqual(["/token first", "/token first", "/token second"]);
});

test("those between a client's certificate and its authority are shown with it", async () => {
  const between = await authority.intermediate("Between");
  const leaf = await between.clientCertificate({ subject: "CN=leaf" });
  const service = await startService({ authority });
  const chain = { ...leaf, certificate: leaf.certificate + between.certificate };
  await instance().wrapFetch(orders(service, showing(chain)))("/42");
  expect(service.requests.map(({ isAuthorised }) => isAuthorised)).toEqual([true, true]);
  // The server doesn't know who issued it.
  await instance().wrapFetch(orders(service, showing(leaf)))("/42");
  expect(service.requests.slice(2).map(({ isAuthorised }) => isAuthorised)).toEqual([false, false]);
});

describe("a private key", () => {
  test.each<[string, () => Partial<ClientCertificate>]>([
    ["as a text", () => ({ passphrase: "open sesame" })],
    ["by a function", () => ({ passphrase: async () => "open sesame" })],
    [
      "by functions, both",
      () => ({
        passphrase: () => "open sesame",
        privateKey: () => encryptedKey(first.privateKey, "open sesame"),
      }),
    ],
  ])("is opened by its passphrase, given %s", async (_how, more) => {
    const service = await startService({ authority });
    const privateKey = encryptedKey(first.privateKey, "open sesame");
    const { certificate } = first;
    const shown = { certificate, privateKey, ...more() } as ClientCertificate;
    await instance().wrapFetch(orders(service, showing(shown)))("/42");
    expect(shownTo(service)).toEqual(["/token first", "/42 first"]);
  });

  test("on disk is opened by its passphrase", async () => {
    const service = await startService({ authority });
    const { certificateFile, privateKeyFile } = await pairOnDisk();
    await writeFile(privateKeyFile, encryptedKey(first.privateKey, "open sesame"));
    const shown = { certificateFile, privateKeyFile, passphrase: "open sesame" };
    await instance().wrapFetch(orders(service, showing(shown)))("/42");
    expect(shownTo(service)).toEqual(["/token first", "/42 first"]);
  });

  test.each<[string, () => ClientCertificate, RegExp]>([
    [
      "a wrong passphrase",
      () => ({
        certificate: first.certificate,
        privateKey: encryptedKey(first.privateKey, "another"),
        passphrase: canaries.password,
      }),
      /has a private key that can't be read/,
    ],
    [
      "no passphrase",
      () => ({ ...first, privateKey: encryptedKey(first.privateKey, canaries.password) }),
      /has a private key that can't be read/,
    ],
    [
      "another certificate's key",
      () => ({ certificate: first.certificate, privateKey: second.privateKey }),
      /has a private key that doesn't belong to the certificate/,
    ],
    [
      "a certificate that is none",
      () => ({
        ...first,
        certificate: `-----BEGIN CERTIFICATE-----\n${canaries.password}\n-----END CERTIFICATE-----`,
      }),
      /has a certificate that can't be read/,
    ],
    [
      "a key that is none",
      () => ({
        ...first,
        privateKey: () => `-----BEGIN PRIVATE KEY-----\n${canaries.password}`,
      }),
      /has a private key that can't be read/,
    ],
  ])(
    "with %s is a mistake in the configuration, and is not quoted",
    async (_what, shown, problem) => {
      const service = await startService({ authority });
      const security = instance();
      const endpoint = orders(service, showing(shown()));
      for (const call of [
        security.getToken(endpoint),
        security.wrapFetch(endpoint)("/42"),
        security.wrapFetch(account(service.origin, showing(shown())))("/42"),
      ]) {
        const error = await call.catch((reason: unknown) => reason);
        expect(error).toMatchObject({
          code: "invalid_configuration",
          problems: [
            { path: "transport.clientCertificate", problem: expect.stringMatching(problem) },
          ],
        });
        expect(seenIn([error])).toEqual([]);
        expect(String(error)).not.toContain(first.privateKey.slice(30, 60));
      }
      expect(service.requests).toEqual([]);
    },
  );

  test("or certificate whose file can't be read is reported by its field", async () => {
    const service = await startService({ authority });
    const { certificateFile, privateKeyFile } = await pairOnDisk();
    const missing = `${privateKeyFile}.missing`;
    for (const [field, shown] of [
      ["privateKeyFile", { certificateFile, privateKeyFile: missing }],
      ["certificateFile", { certificateFile: missing, privateKeyFile }],
    ] as const) {
      const call = instance().getToken(orders(service, showing(shown)));
      await expect(call).rejects.toMatchObject({
        code: "secret_unavailable",
        field: `transport.clientCertificate.${field}`,
        message: expect.stringContaining("ENOENT"),
      });
    }
  });
});

describe("tokens of two certificates never meet", () => {
  const both = async (service: Service, makeInstance: () => EndpointSecurity) => {
    const tokens: string[] = [];
    for (const shown of [first, second, first, second]) {
      const { accessToken } = await makeInstance().getToken(orders(service, showing(shown)));
      tokens.push(accessToken);
    }
    return tokens;
  };

  test("in one instance", async () => {
    const service = await startService({ authority });
    const security = instance();
    expect(await both(service, () => security)).toEqual([
      "token-1",
      "token-2",
      "token-1",
      "token-2",
    ]);
    expect(shownTo(service)).toEqual(["/token first", "/token second"]);
  });

  test("in a cache that instances share", async () => {
    const service = await startService({ authority });
    const cache = new Keyv();
    const tokens: string[] = [];
    for (const shown of [first, second, first, second]) {
      const security = instance({ cache });
      tokens.push((await security.getToken(orders(service, showing(shown)))).accessToken);
      // Waits until the token is written.
      await security.close();
    }
    expect(tokens).toEqual(["token-1", "token-2", "token-1", "token-2"]);
    expect(shownTo(service)).toEqual(["/token first", "/token second"]);
  });

  test("where the instance says which certificate it is", async () => {
    const service = await startService({ authority });
    const cache = new Keyv();
    const tokens: string[] = [];
    for (const shown of [first, second]) {
      const security = instance({ cache, ...showing(shown) });
      tokens.push((await security.getToken(orders(service))).accessToken);
    }
    expect(tokens).toEqual(["token-1", "token-2"]);
  });

  test("and a token without any certificate is another one, too", async () => {
    const service = await startService({ authority });
    const security = instance();
    const bare: EndpointConfig = orders(service, { transport: { ca: authority.certificate } });
    const tokens = [await security.getToken(bare)];
    tokens.push(await security.getToken(orders(service, showing(first))));
    expect(tokens.map(({ accessToken }) => accessToken)).toEqual(["token-1", "token-2"]);
  });

  test("but the same certificate by text and from files has one", async () => {
    const service = await startService({ authority });
    const security = instance();
    const { certificateFile, privateKeyFile } = await pairOnDisk();
    const tokens = [await security.getToken(orders(service, showing(first)))];
    const fromFiles = orders(service, showing({ certificateFile, privateKeyFile }));
    tokens.push(await security.getToken(fromFiles));
    expect(tokens.map(({ accessToken }) => accessToken)).toEqual(["token-1", "token-1"]);
  });
});

test("everything else about transport leaves the token as it is", async () => {
  const service = await startService();
  const security = instance();
  const transports: Transport[] = [{}, { connectTimeoutMs: 5_000 }, { timeoutMs: 60_000 }];
  for (const transport of transports) await security.getToken(orders(service, { transport }));
  await security.getToken(orders(service));
  expect(service.paths).toEqual(["/token"]);
});

test("a redirect out of the endpoint isn't shown the certificate", async () => {
  const elsewhere = await startService({ authority });
  const service = await startService({
    authority,
    answer: (res, { path }) => {
      if (path === "/token") return false;
      return respond(res, 302, undefined, { location: `${elsewhere.origin}/there` });
    },
  });
  const wrapped = instance().wrapFetch(orders(service, showing(first)));
  expect((await wrapped("/42")).status).toBe(200);
  expect(shownTo(service)).toEqual(["/token first", "/42 first"]);
  expect(shownTo(elsewhere)).toEqual(["/there none"]);
});

test("explain, events and errors hold nothing of a private key", async () => {
  const service = await startService({
    authority,
    answer: (res) => respond(res, 400, { error: "invalid_client" }),
  });
  const security = instance();
  const told: unknown[] = [security];
  security.on("tokenRequestFailed", (event) => told.push(event));
  const privateKey = encryptedKey(first.privateKey, canaries.password);
  const { certificate } = first;
  const endpoint = orders(
    service,
    showing({ certificate, privateKey, passphrase: canaries.password }),
  );
  told.push(await security.getToken(endpoint).catch((error: unknown) => error));
  told.push(security.explain(endpoint));
  expect(told).toHaveLength(4);
  expect(seenIn(told)).toEqual([]);
  const { inspect } = await import("node:util");
  const printed = inspect(told, { depth: 20 });
  for (const key of [privateKey, first.privateKey]) {
    for (const line of key.split("\n").slice(1, -2)) expect(printed).not.toContain(line);
  }
});
