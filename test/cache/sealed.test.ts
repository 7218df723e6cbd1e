import { ConfigurationError, EndpointSecurity } from "endpoint-security";
import Keyv from "keyv";
import { describe, expect, test } from "vitest";
import { checkout, checkoutFor, issue, startTokenEndpoint } from "../tokens/token-endpoint.ts";

const keys = {
  old: "an encryption key of at least 32 characters",
  new: "another encryption key of 32 characters or more",
};

interface CacheFailure {
  operation: string;
  reason: string;
}

function listened(security: EndpointSecurity): { failures: CacheFailure[] } {
  const failures: CacheFailure[] = [];
  security.on("cacheFailed", ({ operation, reason }) => failures.push({ operation, reason }));
  return { failures };
}

/** A Keyv and the map that it keeps its entries in. */
function mapped() {
  const map = new Map<string, string>();
  return { map, cache: new Keyv({ store: map }) };
}

/** A token in the cache, its writer closed so that the write is over. */
async function filled(
  cache: Keyv,
  endpoint: ReturnType<typeof checkout>,
  encryptionKeys?: readonly string[],
): Promise<void> {
  const security = new EndpointSecurity({ cache, encryptionKeys });
  await security.getToken(endpoint);
  await security.close();
}

describe("a token in a shared cache", () => {
  test("is taken by another instance without a token request", async () => {
    const server = await startTokenEndpoint((res) => issue(res, "abc", { scope: "orders:read" }));
    const { cache } = mapped();
    const endpoint = checkout(server.tokenUrl);
    const first = new EndpointSecurity({ cache });
    const obtained = await first.getToken(endpoint);
    await first.close();
    const second = new EndpointSecurity({ cache });
    const taken = await second.getToken(endpoint);
    expect(taken.accessToken).toBe("abc");
    expect({ ...taken }).toEqual({ ...obtained, source: "cache" });
    expect(second.explain(endpoint)).toMatchObject({ source: "cache", token: "usable" });
    expect(server.requests).toHaveLength(1);
  });

  test("is taken by another instance that knows the same endpoint by another name", async () => {
    const server = await startTokenEndpoint();
    const { cache } = mapped();
    await filled(cache, checkout(server.tokenUrl));
    const renamed = checkout(server.tokenUrl, { name: "other", url: "https://x.example.test" });
    expect(await new EndpointSecurity({ cache }).getAuthHeader(renamed)).toBe("Bearer token-1");
  });

  test("is taken by another instance whose secret comes from a function of its own", async () => {
    const server = await startTokenEndpoint();
    const { cache } = mapped();
    const secretFrom = (value: string) =>
      checkout(server.tokenUrl, { clientSecret: async () => value });
    const header = async (value: string) => {
      const security = new EndpointSecurity({ cache });
      const found = await security.getAuthHeader(secretFrom(value));
      await security.close();
      return found;
    };
    expect(await header("first")).toBe("Bearer token-1");
    expect(await header("first")).toBe("Bearer token-1");
    expect(await header("second")).toBe("Bearer token-2");
  });

  test("is a miss with another secret", async () => {
    const server = await startTokenEndpoint();
    const { cache } = mapped();
    await filled(cache, checkout(server.tokenUrl));
    const security = new EndpointSecurity({ cache });
    const { failures } = listened(security);
    const other = checkout(server.tokenUrl, { clientSecret: "not-the-secret" });
    expect(await security.getAuthHeader(other)).toBe("Bearer token-2");
    expect(failures).toEqual([]);
  });

  test("is a miss with another password of the same user", async () => {
    const server = await startTokenEndpoint();
    const { cache } = mapped();
    const security = new EndpointSecurity({ cache });
    await security.getToken(checkoutFor(server.tokenUrl));
    const other = checkoutFor(server.tokenUrl, { password: "not-the-password" });
    expect(await security.getAuthHeader(other)).toBe("Bearer token-2");
  });

  test("is a miss with another encryption key, and with one more than before", async () => {
    const server = await startTokenEndpoint();
    const { cache } = mapped();
    const endpoint = checkout(server.tokenUrl);
    await filled(cache, endpoint, [keys.old]);
    await filled(cache, endpoint, [keys.new]);
    await filled(cache, endpoint);
    expect(server.requests).toHaveLength(3);
  });

  test("shows nothing of token, secrets, client, user or addresses to who dumps the cache", async () => {
    const server = await startTokenEndpoint((res) => issue(res, "the-access-token"));
    const { cache, map } = mapped();
    const endpoint = {
      ...checkoutFor(server.tokenUrl),
      // Long enough to be in no random text by chance.
      username: "the-username",
      name: "the-name",
      url: "https://the-backend.example.test",
      scope: "the-scope",
      audience: "the-audience",
      customParameters: { tenant: "the-tenant" },
      tokenRequest: { headers: { "X-Region": "the-region" } },
    };
    const security = new EndpointSecurity({ cache, encryptionKeys: [keys.old] });
    await security.getToken(endpoint);
    await security.close();
    expect(map.size).toBe(1);
    const stored = JSON.stringify([...map]);
    const decoded = stored
      .split(/[^\w-]+/)
      .map((part) => Buffer.from(part, "base64url").toString("latin1"))
      .join("\n");
    for (const dump of [stored, decoded]) {
      for (const word of [
        ...[
          "the-",
          "checkout",
          "username",
          "password",
          "secret",
          "127.0.0.1",
          "localhost",
          "token",
        ],
        ...["Bearer", "orders", new URL(server.tokenUrl).port, keys.old.slice(3, 20)],
      ]) {
        expect(dump.toLowerCase(), word).not.toContain(word.toLowerCase());
      }
    }
  });

  test("is sealed with a new nonce each time: the same token never looks the same", async () => {
    const server = await startTokenEndpoint((res) => issue(res, "abc"));
    const [one, two] = [mapped(), mapped()];
    const endpoint = checkout(server.tokenUrl);
    await filled(one.cache, endpoint);
    await filled(two.cache, endpoint);
    expect([...one.map.keys()]).toEqual([...two.map.keys()]);
    expect([...one.map.values()]).not.toEqual([...two.map.values()]);
  });

  test("lives as long as the token", async () => {
    const server = await startTokenEndpoint((res) => issue(res, "abc", { expires_in: 60 }));
    const { cache, map } = mapped();
    await filled(cache, checkout(server.tokenUrl));
    const [stored = ""] = map.values();
    const { expires } = JSON.parse(stored) as { expires: number };
    expect(expires).toBeGreaterThan(Date.now());
    expect(expires).toBeLessThanOrEqual(Date.now() + 60_000);
  });
});

describe("encryption keys", () => {
  test("are rotated without a miss", async () => {
    const server = await startTokenEndpoint();
    const { cache } = mapped();
    const endpoint = checkout(server.tokenUrl);
    await filled(cache, endpoint, [keys.old]);
    await filled(cache, endpoint, [keys.new, keys.old]);
    expect(server.requests).toHaveLength(1);
  });

  test("are used first come, first to seal", async () => {
    const server = await startTokenEndpoint();
    const { cache } = mapped();
    const endpoint = checkout(server.tokenUrl);
    await filled(cache, endpoint, [keys.new, keys.old]);
    await filled(cache, endpoint, [keys.new]);
    expect(server.requests).toHaveLength(1);
    await filled(cache, endpoint, [keys.old]);
    expect(server.requests).toHaveLength(2);
  });

  test("let a token be forgotten under all of them", async () => {
    const server = await startTokenEndpoint();
    const { cache, map } = mapped();
    const endpoint = checkout(server.tokenUrl);
    await filled(cache, endpoint, [keys.old]);
    await filled(cache, endpoint, [keys.new]);
    expect(map.size).toBe(2);
    const security = new EndpointSecurity({ cache, encryptionKeys: [keys.new, keys.old] });
    await security.invalidate(endpoint);
    expect(map.size).toBe(0);
  });

  test("seal for clients that have no secret, which are refused without them", async () => {
    const server = await startTokenEndpoint();
    const { cache } = mapped();
    const { clientSecret: _, ...rest } = checkout(server.tokenUrl);
    const endpoint = { ...rest, tokenEndpointAuthMethod: "none" as const };
    const refused = new EndpointSecurity({ cache }).getAuthHeader(endpoint);
    await expect(refused).rejects.toThrow(ConfigurationError);
    await expect(refused).rejects.toThrow("encryptionKeys");
    expect(server.requests).toHaveLength(0);
    const security = new EndpointSecurity({ cache, encryptionKeys: [keys.old] });
    expect(await security.getAuthHeader(endpoint)).toBe("Bearer token-1");
  });
});

describe("an entry that isn't what it should be is a miss and an event", () => {
  const flip = (text: string, index: number) => {
    const at = index < 0 ? text.length + index : index;
    return `${text.slice(0, at)}${text[at] === "A" ? "B" : "A"}${text.slice(at + 1)}`;
  };
  test.each<[string, (sealed: string) => unknown]>([
    ["cut off", (sealed) => sealed.slice(0, -10)],
    ["cut to half", (sealed) => sealed.slice(0, sealed.length / 2)],
    ["with something behind it", (sealed) => `${sealed}AAAA`],
    ["with another initialisation vector", (sealed) => flip(sealed, sealed.indexOf("..") + 5)],
    ["with another tag", (sealed) => flip(sealed, -10)],
    ["with another text", (sealed) => flip(sealed, sealed.indexOf("..") + 40)],
    ["an empty string", () => ""],
    ["words", () => "Bearer planted-token"],
    ["JSON with a token", () => '{"accessToken":"planted","tokenType":"Bearer","expiresAt":9e15}'],
    ["an object with a token", () => ({ accessToken: "planted", expiresAt: 9e15 })],
    ["a number", () => 42],
    ["true", () => true],
    ["a list", () => ["planted"]],
    ["a JWE by somebody else", () => "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..MTIz.NDU2.Nzg5"],
    ["a JWE that wants no key", () => "eyJhbGciOiJub25lIn0....."],
    ["ten megabytes", () => "A".repeat(10_000_000)],
  ])("%s", async (_what, spoil) => {
    const server = await startTokenEndpoint();
    const { cache, map } = mapped();
    const endpoint = checkout(server.tokenUrl);
    await filled(cache, endpoint);
    for (const [key, stored] of map) {
      const entry = JSON.parse(stored) as { value: string };
      map.set(key, JSON.stringify({ ...entry, value: spoil(entry.value) }));
    }
    const security = new EndpointSecurity({ cache });
    const { failures } = listened(security);
    expect(await security.getAuthHeader(endpoint)).toBe("Bearer token-2");
    expect(failures).toEqual([{ operation: "get", reason: "unusable_entry" }]);
    await security.close();
    // And it is mended.
    expect(await new EndpointSecurity({ cache }).getAuthHeader(endpoint)).toBe("Bearer token-2");
  });

  test("of another endpoint", async () => {
    const server = await startTokenEndpoint();
    const { cache, map } = mapped();
    const [one, two] = [
      checkout(server.tokenUrl, { scope: "orders:read" }),
      checkout(server.tokenUrl, { scope: "orders:write" }),
    ];
    await filled(cache, one);
    await filled(cache, two);
    const [first, second] = [...map];
    if (first === undefined || second === undefined) throw new Error("two were written");
    map.set(first[0], second[1]).set(second[0], first[1]);
    const security = new EndpointSecurity({ cache });
    const { failures } = listened(security);
    expect(await security.getAuthHeader(one)).toBe("Bearer token-3");
    expect(await security.getAuthHeader(two)).toBe("Bearer token-4");
    expect(failures).toHaveLength(2);
  });

  test("but one that has merely expired is only a miss", async () => {
    const server = await startTokenEndpoint((res, count) =>
      issue(res, `token-${count}`, { expires_in: count === 1 ? 60 : 3600 }),
    );
    const { cache, map } = mapped();
    const endpoint = checkout(server.tokenUrl, { renewal: { expirySkewMs: 0 } });
    await filled(cache, endpoint);
    const [[key, stored] = ["", ""]] = map;
    const longer = { ...(JSON.parse(stored) as object), expires: Date.now() + 1e9 };
    map.set(key, JSON.stringify(longer));
    const later = Date.now() + 60_000;
    const { now } = Date;
    const security = new EndpointSecurity({ cache });
    const { failures } = listened(security);
    try {
      Date.now = () => later;
      expect(await security.getAuthHeader(endpoint)).toBe("Bearer token-2");
    } finally {
      Date.now = now;
    }
    expect(failures).toEqual([]);
  });
});

describe("any Keyv works", () => {
  test.each([
    ["as it comes", () => new Keyv()],
    ["over a map", () => new Keyv({ store: new Map() })],
    ["with a namespace", () => new Keyv({ namespace: "tokens" })],
    ["with a ttl of its own", () => new Keyv({ ttl: 60_000 })],
    ["without a key prefix", () => new Keyv({ useKeyPrefix: false })],
    ["that throws on errors", () => new Keyv({ throwOnErrors: true })],
    [
      "that doesn't serialise",
      () => {
        const keyv = new Keyv();
        keyv.serialize = undefined;
        keyv.deserialize = undefined;
        return keyv;
      },
    ],
  ])("%s", async (_what, make) => {
    const server = await startTokenEndpoint();
    const cache = make();
    const endpoint = checkout(server.tokenUrl);
    await filled(cache, endpoint);
    const second = new EndpointSecurity({ cache });
    const { failures } = listened(second);
    expect(await second.getAuthHeader(endpoint)).toBe("Bearer token-1");
    await second.invalidate(endpoint);
    expect(await second.getAuthHeader(endpoint)).toBe("Bearer token-2");
    expect(failures).toEqual([]);
  });

  test("also something with get, set and delete that is no Keyv", async () => {
    const server = await startTokenEndpoint();
    const map = new Map<string, unknown>();
    const cache = {
      get: async (key: string) => map.get(key),
      set: async (key: string, value: unknown) => map.set(key, value),
      delete: async (key: string) => map.delete(key),
    };
    const endpoint = checkout(server.tokenUrl);
    const first = new EndpointSecurity({ cache });
    await first.getToken(endpoint);
    await first.close();
    expect(await new EndpointSecurity({ cache }).getAuthHeader(endpoint)).toBe("Bearer token-1");
  });
});
