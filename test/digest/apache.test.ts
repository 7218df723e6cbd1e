import axios from "axios";
import { EndpointSecurity } from "endpoint-security";
import { wrapAxios } from "endpoint-security/axios";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { apacheForTests, type RunningApache, startApache } from "../servers/apache.ts";

const svc = { username: "svc", password: "open: sesame" };
const müller = { username: 'M\u00fcller "\u00d6"', password: "gr\u00fc\u00dfe" };

const found = await apacheForTests();
if ("skipped" in found) console.warn(found.skipped);

describe.skipIf("skipped" in found)("Apache's mod_auth_digest", () => {
  let apache: RunningApache;
  let security: EndpointSecurity;
  let before: number;
  const proofFailures: unknown[] = [];

  const endpoint = (user = svc) => ({ type: "digest" as const, url: apache.origin, ...user });
  /** What Apache answered since the test began. */
  const answered = async () => (await apache.statuses()).slice(before);

  beforeAll(async () => {
    if ("skipped" in found) return;
    apache = await startApache(found, [svc, müller]);
  });
  afterAll(() => apache?.stop());
  beforeEach(async () => {
    before = (await apache.statuses()).length;
    security = new EndpointSecurity();
    proofFailures.length = 0;
    security.on("serverProofFailed", (event) => proofFailures.push(event));
    return () => security.close();
  });

  it("asks for credentials once, and takes all further requests at first sight", async () => {
    const wrapped = security.wrapFetch(endpoint());
    for (const path of ["/page.txt", "/page.txt?a=b&c='d'", "/page.txt"]) {
      const response = await wrapped(path);
      expect([response.status, await response.text()]).toEqual([200, "hello"]);
    }
    await expect.poll(answered).toEqual([401, 200, 200, 200]);
    // It proves itself with each answer.
    expect(proofFailures).toEqual([]);
  });

  it("takes what axios sends, params and all", async () => {
    const client = axios.create();
    wrapAxios(client, security, endpoint());
    for (const params of [undefined, { name: "O'Brien, [x]", n: [1, 2] }]) {
      expect((await client.get("/page.txt", { params })).data).toBe("hello");
    }
    await expect.poll(answered).toEqual([401, 200, 200]);
  });

  it("knows a user by the letters of UTF-8", async () => {
    expect((await security.wrapFetch(endpoint(müller))("/page.txt")).status).toBe(200);
  });

  it("has its stale nonces replaced, without the caller noticing", async () => {
    const wrapped = security.wrapFetch(endpoint());
    expect((await wrapped("/page.txt")).status).toBe(200);
    await apache.restart();
    expect((await wrapped("/page.txt")).status).toBe(200);
    expect((await wrapped("/page.txt")).status).toBe(200);
    await expect.poll(answered).toEqual([401, 200, 401, 200, 200]);
  });

  it("may let its nonces live for a second: it names the next one with each answer", async () => {
    const wrapped = security.wrapFetch({ ...endpoint(), url: `${apache.origin}/brief` });
    expect((await wrapped("/page.txt")).status).toBe(200);
    const { headers } = await wrapped("/page.txt");
    expect(headers.get("authentication-info")).toContain("nextnonce=");
    // Sooner or later one is too old, and every call is good all the same.
    await expect
      .poll(
        async () => {
          expect((await wrapped("/page.txt")).status).toBe(200);
          return (await answered()).filter((status) => status === 401).length;
        },
        { interval: 1_100, timeout: 20_000 },
      )
      .toBeGreaterThan(1);
  });

  it("refuses a wrong password, which is tried once for each call", async () => {
    const wrapped = security.wrapFetch(endpoint({ ...svc, password: "wrong" }));
    expect((await wrapped("/page.txt")).status).toBe(401);
    expect((await wrapped("/page.txt")).status).toBe(401);
    await expect.poll(answered).toEqual([401, 401, 401]);
  });

  it("serves many at once", async () => {
    const wrapped = security.wrapFetch(endpoint());
    const all = await Promise.all(
      Array.from({ length: 50 }, async () => (await wrapped("/page.txt")).status),
    );
    expect(new Set(all)).toEqual(new Set([200]));
    await expect.poll(async () => (await answered()).length).toBe(51);
  });
});
