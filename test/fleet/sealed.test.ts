import { CompactEncrypt } from "jose";
import { expect, test } from "vitest";
import { describeWithRedis } from "../redis/redis-suite.ts";
import type { RunningRedis } from "../servers/redis/redis-server.ts";
import { checkout, checkoutFor } from "../tokens/token-endpoint.ts";
import { tokenIn } from "./fleet.ts";
import {
  instanceOf,
  patience,
  pollutedRedisHere,
  redisHere,
  tokenServerHere,
} from "./instances.ts";

const [oldKey = "", newKey = ""] = ["old", "new"].map((name) => name.padEnd(40, "-key"));

/** The text as it is, and at each place that it may have in base64 and base64url. */
function spellings(text: string): string[] {
  const encoded = [0, 1, 2].map((offset) => {
    const base64 = Buffer.from(" ".repeat(offset) + text).toString("base64");
    // The first and last characters hold bits of what stands around.
    return base64.replace(/=+$/, "").slice(offset === 0 ? 0 : 4, -2);
  });
  return [
    text,
    encodeURIComponent(text),
    Buffer.from(text).toString("hex"),
    ...encoded,
    ...encoded.map((base64) => base64.replaceAll("+", "-").replaceAll("/", "_")),
  ];
}

async function entryOf(server: RunningRedis): Promise<readonly [string, string]> {
  const entries = Object.entries(await server.dump());
  expect(entries).toHaveLength(1);
  const [entry = ["", ""]] = entries;
  return entry;
}

describeWithRedis("What the fleet keeps in Redis", () => {
  test("shows no token, secret, client id, user name nor token URL, in any spelling", async () => {
    const [server, tokens] = [await redisHere(), await tokenServerHere()];
    const { security } = instanceOf({ url: server.url });
    const keyed = instanceOf({ url: server.url }, { ...patience, encryptionKeys: [oldKey] });
    const secrets = ["checkout", "checkout-secret", "svc", "svc-password", oldKey];
    secrets.push(tokens.tokenUrl, new URL(tokens.tokenUrl).host);
    for (const one of [security, keyed.security]) {
      for (const endpoint of [checkout(tokens.tokenUrl), checkoutFor(tokens.tokenUrl)]) {
        secrets.push(tokenIn(await one.getAuthHeader(endpoint)));
      }
      await one.close();
    }
    const dump = await server.dump();
    expect(Object.keys(dump)).toHaveLength(4);
    const shown = Object.entries(dump).flat();
    const segments = shown.flatMap((text) => text.split(/[^\w-]+/));
    const text = [...shown, ...segments.map((one) => Buffer.from(one, "base64url"))].join("\n");
    for (const secret of secrets) {
      // Shorter ones are found by chance.
      for (const spelling of spellings(secret).filter(({ length }) => length > 4)) {
        expect(text).not.toContain(spelling);
      }
    }
  });

  test("is never shared by two clients that differ in nothing but their secret", async () => {
    const [server, tokens] = [await redisHere(), await tokenServerHere()];
    const [one, other] = [instanceOf({ url: server.url }), instanceOf({ url: server.url })];
    const endpoint = checkout(tokens.tokenUrl);
    const first = await one.security.getAuthHeader(endpoint);
    await one.security.close();
    tokens.setClientSecret("checkout", "another-secret");
    const renamed = { ...endpoint, clientSecret: "another-secret" };
    expect(await other.security.getAuthHeader(renamed)).not.toBe(first);
    await other.security.close();
    expect(Object.keys(await server.dump())).toHaveLength(2);
    expect(tokens.countTokenRequests()).toBe(2);
    expect([...one.events, ...other.events]).toEqual([]);
  });

  test("survives new encryption keys, one deployment after another", async () => {
    const [server, tokens] = [await redisHere(), await tokenServerHere()];
    const endpoint = checkout(tokens.tokenUrl);
    const headers = new Set<string>();
    for (const encryptionKeys of [[oldKey], [oldKey, newKey], [newKey, oldKey]]) {
      const { security, events } = instanceOf({ url: server.url }, { ...patience, encryptionKeys });
      headers.add(await security.getAuthHeader(endpoint));
      await security.close();
      expect(events).toEqual([]);
    }
    expect(headers.size).toBe(1);
    expect(tokens.countTokenRequests()).toBe(1);
  });

  test("is renewed once for a revoked token, while two orders of the keys are about", async () => {
    const [server, tokens] = [await redisHere(), await tokenServerHere()];
    const endpoint = checkout(tokens.tokenUrl);
    const keys = { earlier: [oldKey, newKey], later: [newKey, oldKey] };
    const earlier = instanceOf({ url: server.url }, { ...patience, encryptionKeys: keys.earlier });
    const later = instanceOf({ url: server.url }, { ...patience, encryptionKeys: keys.later });
    const revoked = tokenIn(await later.security.getAuthHeader(endpoint));
    await later.security.getAuthHeader(endpoint);
    expect(await earlier.security.getAuthHeader(endpoint)).toBe(`Bearer ${revoked}`);
    const rejection = { rejectedToken: revoked };
    const next = await earlier.security.getAuthHeader(endpoint, rejection);
    expect(await later.security.getAuthHeader(endpoint, rejection)).toBe(next);
    expect(tokens.countTokenRequests()).toBe(2);
  });

  const value = (jwe: string) => JSON.stringify({ value: jwe });
  const jweOf = (entry: string): string => JSON.parse(entry).value;
  const damaged: Record<string, (entry: string, others: string) => string | Promise<string>> = {
    "planted by somebody without the secret": async () =>
      value(
        await new CompactEncrypt(Buffer.from('{"accessToken":"planted"}'))
          .setProtectedHeader({ alg: "dir", enc: "A256GCM", typ: "v1" })
          .encrypt(new Uint8Array(32)),
      ),
    "planted as plain JSON": () =>
      value(JSON.stringify({ accessToken: "planted", tokenType: "Bearer", expiresAt: 9e15 })),
    "that is another's": (_entry, others) => others,
    "cut off": (entry) => value(jweOf(entry).slice(0, -10)),
    "cut off in the middle of its JSON": (entry) => entry.slice(0, -10),
    "with one bit changed": (entry) =>
      // The first of a part: some bits of the last may mean nothing.
      value(jweOf(entry).replace(/(?<=\.)[^.](?=[^.]+$)/, (first) => (first === "A" ? "B" : "A"))),
    "of a future version": (entry) => {
      const header = Buffer.from('{"alg":"dir","enc":"A256GCM","typ":"v2"}').toString("base64url");
      return value(jweOf(entry).replace(/^[^.]+/, header));
    },
    "with nothing in it": () => "",
    "that is JSON, and nothing else": () => '{"value":{"accessToken":"planted"}}',
  };
  test.each(Object.entries(damaged))("is not used when it is one %s", async (_what, damage) => {
    const [server, tokens] = [await redisHere(), await tokenServerHere()];
    const endpoint = checkout(tokens.tokenUrl);
    const user = checkoutFor(tokens.tokenUrl);
    const writer = instanceOf({ url: server.url });
    const first = await writer.security.getAuthHeader(endpoint);
    await writer.security.invalidate(user);
    await expect.poll(async () => Object.keys(await server.dump())).toHaveLength(1);
    const [key, entry] = await entryOf(server);
    const before = tokens.countTokenRequests();
    const usersToken = await writer.security.getAuthHeader(user);
    await writer.security.close();
    const { [key]: _mine, ...rest } = await server.dump();
    const [[, others] = ["", ""]] = Object.entries(rest);
    await server.cli("SET", key, await damage(entry, others));

    const { security, failures } = instanceOf({ url: server.url });
    const header = await security.getAuthHeader(endpoint);
    expect(tokens.isActive(tokenIn(header))).toBe(true);
    expect([first, usersToken]).not.toContain(header);
    expect(tokens.countTokenRequests()).toBe(before + 2);
    expect(failures[0]).toMatchObject({ operation: "get", reason: "unusable_entry" });
    await security.close();
    // And it is mended for everybody.
    const reader = instanceOf({ url: server.url });
    expect(await reader.security.getAuthHeader(endpoint)).toBe(header);
    expect(reader.events).toEqual([]);
  });

  test("is reported once when it can't be used, however many wait for the next", async () => {
    const [server, tokens] = [await redisHere(), await tokenServerHere()];
    const endpoint = checkout(tokens.tokenUrl);
    const writer = instanceOf({ url: server.url });
    await writer.security.getAuthHeader(endpoint);
    await writer.security.close();
    const [key] = await entryOf(server);
    await server.cli("SET", key, value("planted"));
    tokens.setLatency(1000);
    const readers = [instanceOf({ url: server.url }), instanceOf({ url: server.url })];
    await Promise.all(readers.map(({ security }) => security.getAuthHeader(endpoint)));
    expect(tokens.countTokenRequests()).toBe(2);
    for (const { events } of readers) expect(events).toEqual(["failed"]);
  });

  test("of a future version stands beside it, untouched", async () => {
    const [server, tokens] = [await pollutedRedisHere(), await tokenServerHere()];
    const endpoint = checkout(tokens.tokenUrl);
    const old = instanceOf({ url: server.url });
    const header = await old.security.getAuthHeader(endpoint);
    await expect.poll(async () => Object.keys(await server.dump())).toHaveLength(1);
    const [key] = await entryOf(server);
    expect(key).toContain(":v1:");
    const future = key.replace(":v1:", ":v2:");
    await server.cli("SET", future, "of tomorrow");
    const next = await old.security.getAuthHeader(endpoint, { rejectedToken: tokenIn(header) });
    await old.security.invalidate(endpoint);
    expect(next).not.toBe(header);
    expect(await server.dump()).toEqual({ [future]: "of tomorrow" });
    expect(old.events).toEqual([]);
  });
});
