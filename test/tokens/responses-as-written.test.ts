import { EndpointSecurity, type EndpointSecurityEvents } from "endpoint-security";
import Keyv from "keyv";
import { describe, expect, test } from "vitest";
import { unsignedJwt } from "./answering-fetch.ts";
import { scriptedFetch, stopTime, token } from "./fake-time.ts";
import { checkout } from "./token-endpoint.ts";

/** Token responses as real servers write them. */

const tokenUrl = "https://idp.example.test/token";
const second = 1_000;

async function lifetimeOf(members: object, more: object = {}): Promise<number> {
  stopTime();
  const { fetch } = scriptedFetch((n) => token(n, members));
  const security = new EndpointSecurity({ fetch });
  const { issuedAt, expiresAt } = await security.getToken(checkout(tokenUrl, more));
  return (expiresAt - issuedAt) / second;
}

const inSeconds = (seconds: number) => Math.floor(Date.now() / second) + seconds;

describe("the lifetime of a token", () => {
  test("is the shorter of expires_in and the JWT's own exp", async () => {
    stopTime();
    const jwt = unsignedJwt({ exp: inSeconds(4) });
    expect(await lifetimeOf({ access_token: jwt, expires_in: 3600 })).toBeLessThanOrEqual(4);
    const long = unsignedJwt({ exp: inSeconds(7200) });
    expect(await lifetimeOf({ access_token: long, expires_in: 60 })).toBe(60);
  });

  test("is expires_in where the JWT seems to have expired before it was issued, since clocks differ", async () => {
    stopTime();
    const jwt = unsignedJwt({ exp: inSeconds(-3600) });
    expect(await lifetimeOf({ access_token: jwt, expires_in: 60 })).toBe(60);
  });

  test.each([0, -1, "0"])("is the default where expires_in is %j", async (expires_in) => {
    expect(await lifetimeOf({ expires_in })).toBe(300);
    expect(await lifetimeOf({ expires_in }, { renewal: { defaultLifetimeMs: 60_000 } })).toBe(60);
  });

  test.each([
    ["expires_on", (at: number) => at],
    ["expires_at", (at: number) => String(at)],
    ["expires", (at: number) => new Date(at * second).toISOString()],
    ["expires_at", (at: number) => at * second],
  ])("is read from %s where there is no expires_in", async (member, written) => {
    stopTime();
    const members = { expires_in: undefined, [member]: written(inSeconds(60)) };
    expect(Math.round(await lifetimeOf(members))).toBeGreaterThanOrEqual(59);
    expect(Math.round(await lifetimeOf(members))).toBeLessThanOrEqual(60);
  });
});

describe("the type of a token", () => {
  test.each(["BearerToken", "bearer", "BEARER_TOKEN", "bearer token"])(
    "%s is Bearer",
    async (token_type) => {
      const { fetch } = scriptedFetch((n) => token(n, { token_type }));
      const header = new EndpointSecurity({ fetch }).getAuthHeader(checkout(tokenUrl));
      expect(await header).toBe("Bearer token-1");
    },
  );

  test("is named where it is another", async () => {
    const { fetch } = scriptedFetch((n) => token(n, { token_type: "mac" }));
    const header = new EndpointSecurity({ fetch }).getAuthHeader(checkout(tokenUrl));
    await expect(header).rejects.toThrow('a token of the type "mac"');
  });
});

describe("the other members of a token response", () => {
  test("are the token's parameters, frozen, also where another process reads it from the cache", async () => {
    const { fetch } = scriptedFetch((n) =>
      token(n, { instance_url: "https://eu1.test", roles: ["a"] }),
    );
    const cache = new Keyv();
    const endpoint = checkout(tokenUrl);
    const first = new EndpointSecurity({ fetch, cache });
    const issued = await first.getToken(endpoint);
    await first.close();
    const read = await new EndpointSecurity({ fetch, cache }).getToken(endpoint);
    expect([issued.source, read.source]).toEqual(["token_endpoint", "cache"]);
    for (const { parameters } of [issued, read]) {
      expect(parameters).toEqual({ instance_url: "https://eu1.test", roles: ["a"] });
      expect(Object.isFrozen(parameters)).toBe(true);
    }
    expect(JSON.stringify(issued)).not.toContain("eu1.test");
  });

  test("are an empty record where there are none, or far too many", async () => {
    const { fetch } = scriptedFetch((n) => token(n, n === 1 ? {} : { junk: "x".repeat(20_000) }));
    const security = new EndpointSecurity({ fetch });
    for (const clientId of ["a", "b"]) {
      const { parameters } = await security.getToken(checkout(tokenUrl, { clientId }));
      expect(parameters).toEqual({});
    }
  });
});

describe("the scopes of a token", () => {
  test("that were reduced are reported by an event and by explain", async () => {
    const { fetch } = scriptedFetch((n) => token(n, { scope: "read" }));
    const security = new EndpointSecurity({ fetch });
    const events: EndpointSecurityEvents["scopeReduced"][] = [];
    security.on("scopeReduced", (event) => events.push(event));
    const endpoint = checkout(tokenUrl, { scope: "write read admin" });
    await security.getToken(endpoint);
    expect(events).toEqual([
      {
        endpoint: "orders",
        requested: "write read admin",
        granted: "read",
        missing: ["write", "admin"],
      },
    ]);
    expect(security.explain(endpoint).missingScopes).toEqual(["write", "admin"]);
  });

  test("are a set: another order is the same token", async () => {
    const { fetch, times } = scriptedFetch((n) => token(n, { scope: "write read" }));
    const security = new EndpointSecurity({ fetch });
    for (const scope of ["read write", "write read", ["write", "read"], "write  read"]) {
      expect(await security.getAuthHeader(checkout(tokenUrl, { scope }))).toBe("Bearer token-1");
    }
    await security.getAuthHeader(checkout(tokenUrl, { scope: "read" }));
    expect(times).toHaveLength(2);
  });

  test.each([
    ["control characters", "a\u0007b"],
    ["far too much", "x".repeat(950_000)],
  ])("that hold %s count as not given", async (_what, scope) => {
    const { fetch } = scriptedFetch((n) => token(n, { scope }));
    const endpoint = checkout(tokenUrl, { scope: undefined });
    expect((await new EndpointSecurity({ fetch }).getToken(endpoint)).scope).toBeUndefined();
  });
});

describe("a token", () => {
  test("can't be changed by one of the callers that share it", async () => {
    const { fetch } = scriptedFetch((n) => token(n));
    const given = await new EndpointSecurity({ fetch }).getToken(checkout(tokenUrl));
    expect(Object.isFrozen(given)).toBe(true);
  });

  test("is given up where the clock was set back while it was used", async () => {
    stopTime();
    const { fetch } = scriptedFetch((n) => token(n));
    const security = new EndpointSecurity({ fetch });
    const endpoint = checkout(tokenUrl);
    const start = Date.now();
    await security.getToken(endpoint);
    const { setSystemTime } = (await import("vitest")).vi;
    setSystemTime(start + 1_800_000);
    expect(await security.getAuthHeader(endpoint)).toBe("Bearer token-1");
    setSystemTime(start + 600_000);
    expect(await security.getAuthHeader(endpoint)).toBe("Bearer token-2");
  });
});
