import { inspect } from "node:util";
import { isEndpointSecurityError } from "endpoint-security";
import { createRedisCache } from "endpoint-security/redis";
import { describe, expect, it } from "vitest";

/** Every mistake as "path problem"; options of any shape, since JavaScript checks no types. */
function mistakesOf(options: unknown): string[] {
  try {
    (createRedisCache as (options: unknown) => unknown)(options);
    return [];
  } catch (error) {
    if (!isEndpointSecurityError(error) || error.code !== "invalid_configuration") throw error;
    // Without what the value must be: wording.test.ts tests that.
    return error.problems.map(
      ({ path, problem }) => `${path} ${problem.replace(/^must be .+, (got .+)$/, "$1")}`,
    );
  }
}

const pem = "-----BEGIN CERTIFICATE-----";

describe("The options of a Redis cache", () => {
  it("may be any one way to reach Redis", () => {
    const node = { host: "redis-1" };
    const client = Object.assign(Object.create(null), { isOpen: true });
    for (const method of ["connect", "get", "set", "unlink", "eval"]) client[method] = () => {};
    for (const options of [
      { url: "redis://localhost" },
      { url: "rediss://user:p%40ss@[::1]:6380/3", tls: { ca: pem, servername: "redis" } },
      { host: "redis", port: 6380, tls: true, database: 0, username: "app", password: () => "x" },
      { host: "redis", tls: false, keyPrefix: undefined, connectTimeoutMs: undefined },
      { cluster: { nodes: [node, "rediss://redis-2:7000"] }, password: "x" },
      { sentinel: { nodes: [node], name: "main", password: "x", tls: true }, database: 2 },
      { client, keyPrefix: "shop" },
    ]) {
      expect(mistakesOf(options)).toEqual([]);
    }
  });

  it("are not two ways at once, nor none", () => {
    expect(mistakesOf({ keyPrefix: "shop" })).toEqual(["options says no way to reach Redis"]);
    expect(mistakesOf({ url: "redis://a", host: "a", cluster: { nodes: [] } })).toEqual([
      "options says 3 ways to reach Redis",
    ]);
    expect(mistakesOf(undefined)).toEqual(["options is missing"]);
    expect(mistakesOf("redis://localhost")).toEqual(["options got a string"]);
  });

  it("are all looked through before one error names every mistake", () => {
    expect(
      mistakesOf({
        host: "",
        port: 70_000,
        database: -1,
        username: 7,
        password: "",
        connectTimeoutMs: 0,
        keyPrefix: "",
        tls: {
          ca: "/etc/ca.pem",
          clientCertificate: { certificate: pem },
          rejectUnauthorized: false,
        },
        databse: 1,
      }),
    ).toEqual([
      "connectTimeoutMs got 0",
      "keyPrefix is empty",
      "username got a number",
      "password is empty",
      "tls.ca has no certificate in PEM format",
      "tls.clientCertificate.privateKey is missing",
      "tls.rejectUnauthorized is not a field here",
      "database must be a database number",
      "host is empty",
      "port must be a port",
      'databse is not a field here (did you mean "database"?)',
    ]);
    expect(
      mistakesOf({
        sentinel: { nodes: [{ host: "a", port: 0.5 }, "redis://:pw@b", 7], pasword: "x" },
        port: 6379,
      }),
    ).toEqual([
      "sentinel.nodes[0].port must be a port",
      "sentinel.nodes[1] has credentials or a database, which all nodes share",
      "sentinel.nodes[2] got a number",
      "sentinel.name is missing",
      'sentinel.pasword is not a field here (did you mean "password"?)',
      "port is not a field here",
    ]);
    expect(mistakesOf({ cluster: { nodes: [] }, database: 1 })).toEqual([
      "cluster.nodes must be a list of nodes",
      "database is not a field here",
    ]);
    expect(mistakesOf({ client: { isOpen: true, get() {} } })).toEqual([
      "client must be a client of node-redis 5",
    ]);
  });

  it("have a URL that Redis knows, and nothing twice", () => {
    expect(mistakesOf({ url: "localhost:6379" })).toEqual([
      "url has another scheme than redis: and rediss:",
    ]);
    expect(mistakesOf({ url: "redis://a:6379:1" })).toEqual(["url must be a URL"]);
    expect(mistakesOf({ url: "redis:///3" })).toEqual(["url names no host"]);
    expect(mistakesOf({ url: "redis://a/x" })).toEqual([
      "url has a path that is not a database number",
    ]);
    expect(mistakesOf({ url: "redis://a?family=6" })).toEqual(["url has a query or a fragment"]);
    expect(mistakesOf({ url: "redis://:%E0%A4%A@a" })).toEqual([
      "url has a user name or password that is badly encoded",
    ]);
    expect(mistakesOf({ url: "redis://${HOST}" })).toEqual([
      "url has a template that was not filled in (${…})",
    ]);
    expect(
      mistakesOf({ url: "redis://u:p@a/1", username: "u", password: "p", database: 1 }),
    ).toEqual(
      ["username", "password", "database"].map(
        (name) => `${name} is set twice, in the URL and as an option`,
      ),
    );
    expect(mistakesOf({ url: "redis://a", tls: true })).toEqual([
      "tls is set for a URL without TLS",
    ]);
    expect(mistakesOf({ url: "rediss://a", tls: false })).toEqual([
      "tls is false for a URL with TLS",
    ]);
  });

  it("are shown to nobody, by errors or by the cache", () => {
    const canary = "s3cret-canary";
    const shown = (value: unknown) =>
      `${inspect(value, { depth: 20, showHidden: true })} ${JSON.stringify(value)} ${String(value)}`;
    for (const options of [
      { url: `redis://user:${canary}@localhost:99999` },
      { url: `redis://user:${canary}@localhost/x` },
      { url: `http://user:${canary}@localhost` },
      { host: "localhost", password: [canary] },
      { cluster: { nodes: [`redis://user:${canary}@localhost`] } },
    ]) {
      try {
        (createRedisCache as (options: unknown) => unknown)(options);
        expect.unreachable();
      } catch (error) {
        expect(shown(error)).toContain("invalid_configuration");
        expect(shown(error)).not.toContain(canary);
      }
    }
    const cache = createRedisCache({
      url: `redis://user:${canary}@localhost`,
      tls: undefined,
      keyPrefix: "shop",
    });
    expect(shown(cache)).not.toContain(canary);
  });
});
