import { EndpointSecurity, type Transport } from "endpoint-security";
import nock from "nock";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { orders as mocked, mockTokenEndpoint } from "../configuration/mocked-token-endpoint.ts";
import {
  type CertificateAuthority,
  createCertificateAuthority,
} from "../servers/certificate-authority.ts";
import { startForwardProxy } from "../servers/forward-proxy.ts";
import { respond } from "../servers/http-server.ts";
import { Latch } from "../tokens/latch.ts";
import { account, orders, startService } from "./service.ts";
import { wrappers } from "./wrappers.ts";

let authority: CertificateAuthority;
beforeAll(async () => {
  authority = await createCertificateAuthority();
});

function instance(transport: Transport = {}): EndpointSecurity {
  const security = new EndpointSecurity({ transport: { ca: authority.certificate, ...transport } });
  onTestFinished(() => security.close());
  return security;
}

/** Asks the client to keep connections for as long as it likes. */
function startKeeping() {
  return startService({
    authority,
    answer: (res) => {
      res.setHeader("keep-alive", "timeout=600");
      return false;
    },
  });
}

const forLong = { keepAliveTimeoutMs: 600_000 };
// undici opens a second one for a request that follows another within the same turn.
const mostOpen = 2;

describe.each(wrappers)("%s", (_name, wrap) => {
  test("keeps connections for the requests to come, and shares them with its token requests", async () => {
    const service = await startKeeping();
    const security = instance(forLong);
    const get = wrap(security, orders(service));
    for (const path of ["/1", "/2", "/3"]) {
      await get(path);
      await security.invalidate(orders(service));
    }
    expect(service.paths).toEqual(["/token", "/1", "/token", "/2", "/token", "/3"]);
    expect(service.connections.opened).toBeLessThanOrEqual(mostOpen);
  });

  test("leaves no connection open when the instance is closed", async () => {
    const service = await startKeeping();
    const security = instance(forLong);
    await wrap(security, orders(service))("/1");
    expect(service.connections.open).toBeGreaterThan(0);
    await security.close();
    await expect.poll(() => service.connections.open).toBe(0);
  });

  test("opens no more connections than maxConnections", async () => {
    const service = await startKeeping();
    const get = wrap(instance({ ...forLong, maxConnections: 1 }), account(service.origin));
    await Promise.all(["/1", "/2", "/3"].map(get));
    expect(service.requests).toHaveLength(3);
    expect(service.connections.opened).toBe(1);
  });

  test("opens one for each of several requests at once, where there is no limit", async () => {
    const all = new Latch();
    let arrived = 0;
    const service = await startService({
      answer: async (res) => {
        arrived += 1;
        if (arrived === 3) all.open();
        await all.opened;
        respond(res, 200);
      },
    });
    const get = wrap(instance(), account(service.origin));
    await Promise.all(["/1", "/2", "/3"].map(get));
    expect(service.connections.opened).toBe(3);
  });
});

test("keepAliveTimeoutMs ends an idle connection, whatever the server would keep", async () => {
  const [kept, ended] = [await startKeeping(), await startKeeping()];
  await (await instance(forLong).wrapFetch(account(kept.origin))("/1")).text();
  await (await instance({ keepAliveTimeoutMs: 50 }).wrapFetch(account(ended.origin))("/1")).text();
  await expect.poll(() => ended.connections.open, { timeout: 10_000 }).toBe(0);
  expect(kept.connections.open).toBe(1);
});

test("close waits for requests under way, and ends their connections then", async () => {
  const [arrived, over] = [new Latch(), new Latch()];
  const service = await startService({
    answer: async (res) => {
      arrived.open();
      await over.opened;
      respond(res, 200, "whole");
    },
  });
  const security = instance(forLong);
  const call = security.wrapFetch(account(service.origin))("/1");
  await arrived.opened;
  await security.close();
  over.open();
  expect(await (await call).text()).toBe("whole");
  await expect.poll(() => service.connections.open).toBe(0);
});

test("close ends the tunnels through a proxy", async () => {
  const service = await startKeeping();
  const proxy = await startForwardProxy();
  onTestFinished(proxy.close);
  const security = instance({ ...forLong, proxy: proxy.url });
  await (await security.wrapFetch(account(service.origin))("/1")).text();
  expect(service.connections.open).toBe(1);
  await security.close();
  await expect.poll(() => service.connections.open).toBe(0);
});

test("close ends the connections to hosts that are reached without the proxy, too", async () => {
  const service = await startKeeping();
  const proxy = await startForwardProxy();
  onTestFinished(proxy.close);
  const { hostname } = new URL(service.origin);
  const security = instance({ ...forLong, proxy: proxy.url, noProxy: [hostname] });
  await (await security.wrapFetch(account(service.origin))("/1")).text();
  expect(service.connections.open).toBe(1);
  await security.close();
  await expect.poll(() => service.connections.open).toBe(0);
});

describe("connections are shared", () => {
  test("by all endpoints whose transport says the same", async () => {
    const service = await startKeeping();
    const security = instance(forLong);
    for (let index = 0; index < 8; index++) {
      const clientId = `client-${index}`;
      const transport = index % 2 === 0 ? {} : { ...forLong, ca: authority.certificate };
      const wrapped = security.wrapFetch(orders(service, { clientId, transport }));
      await (await wrapped("/42")).text();
    }
    expect(service.requests).toHaveLength(16);
    expect(service.connections.opened).toBeLessThanOrEqual(mostOpen);
  });

  test("by nobody who shows another certificate, or none", async () => {
    const service = await startKeeping();
    const security = instance(forLong);
    const [first, second] = await Promise.all([
      authority.clientCertificate(),
      authority.clientCertificate(),
    ]);
    for (let round = 0; round < 2; round++) {
      for (const shown of [first, second, undefined]) {
        const transport = shown && { clientCertificate: shown };
        const wrapped = security.wrapFetch(account(service.origin, { transport }));
        await (await wrapped("/42")).text();
      }
    }
    expect(new Set(service.certificates.slice(0, 3)).size).toBe(3);
    expect(service.certificates.slice(3)).toEqual(service.certificates.slice(0, 3));
    expect(service.connections.opened).toBe(3);
  });

  test("by no two instances", async () => {
    const service = await startKeeping();
    for (const security of [instance(forLong), instance(forLong)]) {
      await (await security.wrapFetch(account(service.origin))("/42")).text();
    }
    expect(service.connections.opened).toBe(2);
  });
});

describe("a fetch that was given or replaced", () => {
  test("is sent by, with the dispatcher among its options", async () => {
    const service = await startService({ authority });
    const seen: string[] = [];
    const given: typeof fetch = (input, init) => {
      seen.push(new URL(String(input)).pathname);
      expect(init).toHaveProperty("dispatcher");
      return fetch(input, init);
    };
    const transport = { ca: authority.certificate };
    const security = new EndpointSecurity({ transport, fetch: given });
    onTestFinished(() => security.close());
    await security.wrapFetch(orders(service), { fetch: given })("/42");
    expect(seen).toEqual(["/token", "/42"]);
  });

  test("such as nock's sees token requests and requests to the backend", async () => {
    const requests = mockTokenEndpoint();
    nock("https://orders.test")
      .get("/v1/42")
      .matchHeader("authorization", "Bearer token-1")
      .reply(200, { ok: true });
    const { certificate, privateKey } = await authority.clientCertificate();
    const security = instance({
      connectTimeoutMs: 1_000,
      proxy: "http://proxy.test:3128",
      clientCertificate: { certificate, privateKey },
    });
    const wrapped = security.wrapFetch({ ...mocked, url: "https://orders.test/v1" });
    expect(await (await wrapped("/42")).json()).toEqual({ ok: true });
    expect(requests).toHaveLength(1);
  });
});
