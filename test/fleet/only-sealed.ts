import { expect } from "vitest";
import type { RunningRedis } from "../servers/redis/redis-server.ts";

/** What tests fill a Redis with themselves. */
export const filler = "filler:";

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
// Nobody's client, user, secret, scheme or address is in it.
const words = /checkout|svc-password|secret|bearer|127\.0\.0\.1|localhost/i;

/**
 * Looks at all that a Redis holds: names that are MACs, values that are JWEs and say nothing but how
 * they are sealed, and leases whose owners are random.
 */
export async function expectOnlySealed(redis: RunningRedis): Promise<void> {
  const dump = Object.entries(await redis.dump()).filter(([key]) => !key.startsWith(filler));
  for (const [key, value] of dump) {
    expect(`${key} ${value}`).not.toMatch(words);
    expect(key).toMatch(/^endpoint-security::v1:[\w-]{43}(:lease)?$/);
    if (key.endsWith(":lease")) {
      expect(value).toMatch(uuid);
      continue;
    }
    const { value: jwe, ...more } = JSON.parse(value) as { value: string };
    expect(more).toEqual({});
    const [header = "", encryptedKey, ...sealed] = jwe.split(".");
    expect(JSON.parse(Buffer.from(header, "base64url").toString())).toEqual({
      alg: "dir",
      enc: "A256GCM",
      typ: "v1",
    });
    expect(encryptedKey).toBe("");
    expect(sealed).toHaveLength(3);
  }
}
