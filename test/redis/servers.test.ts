import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { makeCertificates, type TestCertificates } from "../servers/redis/certificates.ts";
import { cacheOf, describeWithRedis, failureOf, redisHere, roundTrip } from "./redis-suite.ts";

describeWithRedis("A Redis cache reaches a server", () => {
  let certificates: TestCertificates;
  beforeAll(async () => {
    certificates = await makeCertificates();
  });
  afterAll(() => certificates.remove());

  const tlsOf = ({ ca, server }: TestCertificates) => ({
    ca: ca.cert,
    cert: server.cert,
    key: server.key,
  });

  it("without a password, by host and port", async () => {
    const { host, port } = await redisHere();
    expect(await roundTrip(cacheOf({ host, port }))).toBe("value");
  });

  it("by a URL with password and database", async () => {
    const server = await redisHere({ password: "p@ss/wörd", databases: 4 });
    const cache = cacheOf({ url: `${server.url}/3` });
    await cache.open();
    await cache.set("entry", "value", 60_000);
    expect(await server.dump()).toEqual({ "db3/endpoint-security::entry": '{"value":"value"}' });
  });

  it("as an ACL user, with TLS by an own authority, in database 3", async () => {
    const server = await redisHere({
      databases: 4,
      users: ["app on >app-secret ~endpoint-security:* +get +set +unlink +select"],
      tls: tlsOf(certificates),
    });
    const { host, port } = server;
    const login = { username: "app", password: "app-secret" };
    const tls = { ca: certificates.ca.cert };
    expect(await roundTrip(cacheOf({ host, port, database: 3, ...login, tls }))).toBe("value");
    const url = `rediss://app:app-secret@localhost:${port}/3`;
    expect(await roundTrip(cacheOf({ url, tls }))).toBe("value");
  });

  it("with a client certificate, where the server wants one", async () => {
    const tls = { ...tlsOf(certificates), requireClientCertificate: true };
    const { host, port } = await redisHere({ tls });
    const { ca, client } = certificates;
    const mutual = {
      ca: [ca.cert],
      clientCertificate: { certificate: client.cert, privateKey: client.key },
      servername: "localhost",
    };
    expect(await roundTrip(cacheOf({ host, port, tls: mutual }))).toBe("value");
    expect(await failureOf(cacheOf({ host, port, tls: { ca: ca.cert } }).open())).toMatch(
      /^RedisCacheError/,
    );
  });

  it("never with a certificate that it can't verify", async () => {
    const { port } = await redisHere({ tls: tlsOf(certificates) });
    const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
    onTestFinished(() => {
      if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
    });
    const unknown = { ca: certificates.unknownCa.cert };
    expect(await failureOf(cacheOf({ host: "localhost", port, tls: unknown }).open())).toMatch(
      /^RedisCacheError (UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED_CERT_IN_CHAIN)$/,
    );
    expect(await failureOf(cacheOf({ url: `rediss://localhost:${port}` }).open())).toMatch(
      /^RedisCacheError/,
    );
    const otherName = { ca: certificates.ca.cert, servername: "elsewhere.example.com" };
    expect(await failureOf(cacheOf({ host: "localhost", port, tls: otherName }).open())).toBe(
      "RedisCacheError ERR_TLS_CERT_ALTNAME_INVALID",
    );
  });

  it("with the password that its function gives at each connection", async () => {
    const server = await redisHere({ password: "first" });
    let current = "first";
    const asked: string[] = [];
    const password = async () => {
      asked.push(current);
      return current;
    };
    const cache = cacheOf({ host: server.host, port: server.port, password });
    expect(asked).toEqual([]);
    expect(await roundTrip(cache)).toBe("value");
    await server.cli("CONFIG", "SET", "requirepass", "second");
    current = "second";
    await cache.close();
    expect(await roundTrip(cache)).toBe("value");
    expect(asked).toEqual(["first", "second"]);
  });

  it("and says so when the password's function fails", async () => {
    const { host, port } = await redisHere({ password: "first" });
    const password = () => {
      throw new Error("vault says s3cret");
    };
    const error = await cacheOf({ host, port, password })
      .open()
      ?.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "secret_unavailable", field: "password" });
    expect(String(error)).not.toContain("s3cret");
  });

  it("and says so when the password is wrong, without telling it", async () => {
    const { host, port } = await redisHere({ password: "right-one" });
    const cache = cacheOf({ host, port, password: "wrong-one" });
    const error = await cache.open()?.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: "RedisCacheError", code: "WRONGPASS" });
    expect(await failureOf(cacheOf({ host, port }).open())).toBe("RedisCacheError NOAUTH");
    expect(
      await failureOf(cacheOf({ host, port, password: "right-one", database: 99 }).open()),
    ).toBe("RedisCacheError ERR");
  });

  it("under the key prefix of its own", async () => {
    const server = await redisHere();
    const cache = cacheOf({ url: server.url, keyPrefix: "shop*{a}" });
    await cache.open();
    await cache.set("entry", "value", 60_000);
    await cache.leases.acquire("lease", "me", 60_000);
    expect(Object.keys(await server.dump()).sort()).toEqual(["shop*{a}::entry", "shop*{a}::lease"]);
  });

  it("and has every key end by itself", async () => {
    const server = await redisHere();
    const cache = cacheOf({ url: server.url });
    await cache.open();
    await cache.set("entry", "value", 60_000);
    await cache.leases.acquire("lease", "me", 30_000);
    const ttlOf = async (key: string) =>
      Number(await server.cli("PTTL", `endpoint-security::${key}`));
    expect(await ttlOf("entry")).toBeGreaterThan(50_000);
    expect(await ttlOf("lease")).toBeGreaterThan(20_000);
    expect(await ttlOf("entry")).toBeLessThanOrEqual(60_000);
    expect(await ttlOf("lease")).toBeLessThanOrEqual(30_000);
  });

  it("and stores nothing that would never end", async () => {
    const server = await redisHere();
    const cache = cacheOf({ url: server.url });
    await cache.open();
    for (const ttlMs of [0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      await expect(cache.set("entry", "value", ttlMs)).rejects.toThrow(RangeError);
    }
    expect(await server.dump()).toEqual({});
  });

  it("and takes what is no JSON for a SyntaxError that quotes nothing", async () => {
    const server = await redisHere();
    const cache = cacheOf({ url: server.url });
    await server.cli("SET", "endpoint-security::entry", "{s3cret");
    await cache.open();
    const error = await cache.get("entry").catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(SyntaxError);
    expect(String(error)).not.toContain("s3cret");
    expect(cache.open()).toBeUndefined();
  });

  it("and uses the server's clock, not the process's", async () => {
    const server = await redisHere();
    const cache = cacheOf({ url: server.url });
    const realNow = Date.now;
    onTestFinished(() => {
      Date.now = realNow;
    });
    // This process is a minute behind.
    Date.now = () => realNow() - 60_000;
    expect(Math.abs(cache.now() - realNow())).toBeGreaterThan(59_000);
    await cache.open();
    expect(Math.abs(cache.now() - realNow())).toBeLessThan(1000);
    // Entries of a process with another clock are neither too old nor deleted.
    await cache.set("entry", "value", 30_000);
    Date.now = () => realNow() + 60_000;
    expect(await cache.get("entry")).toBe("value");
  });
});
