import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { EndpointSecurity, type EndpointSecurityOptions, type TokenCache } from "endpoint-security";
import { instrument } from "endpoint-security/opentelemetry";
import { createClock, createTokenEndpoint } from "endpoint-security/testing";
import Keyv from "keyv";
import { describe, expect, it, onTestFinished } from "vitest";

/** An instrumented instance, whose metrics are collected when they are asked for. */
async function start(options: EndpointSecurityOptions = {}) {
  const clock = createClock();
  const idp = await createTokenEndpoint({ clock });
  onTestFinished(() => idp.close());
  const security = new EndpointSecurity({ clock, tokenRequest: { retries: 0 }, ...options });
  onTestFinished(() => security.close());
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const meterProvider = new MeterProvider({ readers: [reader] });
  onTestFinished(() => meterProvider.shutdown());
  const stop = instrument(security, { meterProvider });
  const orders = {
    name: "orders",
    url: idp.resourceUrl,
    grantType: "client_credentials",
    tokenUrl: idp.tokenUrl,
    clientId: "checkout",
    clientSecret: "canary-secret",
  } as const;
  /** The points of a metric: their attributes and values. */
  async function points(name: string) {
    exporter.reset();
    await meterProvider.forceFlush();
    const all = exporter
      .getMetrics()
      .flatMap((one) => one.scopeMetrics.flatMap((scope) => scope.metrics));
    const found = all.find(({ descriptor }) => descriptor.name === `endpoint_security.${name}`);
    return (found?.dataPoints ?? []).map(({ attributes, value }) => ({
      ...attributes,
      value: typeof value === "object" ? `${value.count} times` : value,
    }));
  }
  const everything = async () => {
    await points("");
    return JSON.stringify(exporter.getMetrics());
  };
  return { clock, idp, security, orders, points, stop, everything };
}

const client = {
  "endpoint_security.endpoint": "orders",
  "endpoint_security.grant_type": "client_credentials",
};

describe("Metrics", () => {
  it("have the duration of token requests, with outcome, server and type of error", async () => {
    const { idp, security, orders, points } = await start();
    await security.getToken(orders);
    idp.failWith(503);
    await security.getToken({ ...orders, scope: "more" }).catch(() => {});
    const server = {
      "server.address": "127.0.0.1",
      "server.port": Number(new URL(idp.tokenUrl).port),
    };
    expect(await points("token_request.duration")).toEqual([
      { ...client, ...server, "endpoint_security.outcome": "success", value: "1 times" },
      {
        ...client,
        ...server,
        "endpoint_security.outcome": "failure",
        "error.type": "token_endpoint_unavailable",
        value: "1 times",
      },
    ]);
  });

  it("count hits in memory and in the shared cache", async () => {
    const cache = new Keyv();
    const other = new EndpointSecurity({ cache });
    const { security, orders, points } = await start({ cache });
    await other.getToken(orders);
    await security.getToken(orders);
    await security.getToken(orders);
    await security.getAuthHeader(orders);
    expect(await points("cache.hits")).toEqual([
      { "endpoint_security.cache.level": "memory", value: 2 },
      { "endpoint_security.cache.level": "shared", value: 1 },
    ]);
  });

  it("count renewals by what caused them", async () => {
    const { idp, clock, security, orders, points } = await start();
    const { accessToken } = await security.getToken(orders);
    idp.revoke(accessToken);
    await security.wrapFetch(orders)("/");
    const renewed = new Promise((done) => security.on("tokenObtained", done));
    clock.advance(3_300_000);
    await security.getToken(orders);
    await renewed;
    expect(await points("token.renewals")).toEqual(
      ["missing", "rejected", "ahead"].map((trigger) => ({
        ...client,
        "endpoint_security.trigger": trigger,
        value: 1,
      })),
    );
  });

  it("count rejections by the backend, and cool-downs", async () => {
    const { idp, security, orders, points } = await start();
    const { accessToken } = await security.getToken(orders);
    idp.revoke(accessToken);
    idp.failWith(503);
    await security.wrapFetch(orders)("/");
    expect(await points("rejections")).toEqual([
      {
        "endpoint_security.endpoint": "orders",
        "http.response.status_code": 401,
        "endpoint_security.replayed": false,
        "endpoint_security.reason": "token_unavailable",
        value: 1,
      },
    ]);
    expect(await points("cool_downs")).toEqual([
      { ...client, "endpoint_security.reason": "unavailable", value: 1 },
    ]);
  });

  it("count waits for the token of another process, and failures of the cache", async () => {
    const held = new Keyv();
    let isTaken = true;
    const leases = {
      acquire: async () => !isTaken,
      extend: async () => true,
      release: async () => true,
    };
    const cache: TokenCache = {
      get: async (key) => {
        // By its second look the other process has written its token.
        if (isTaken && looks++ === 2) {
          isTaken = false;
          await other.getToken(orders);
        }
        return held.get(key);
      },
      set: (key, value, ttlMs) => held.set(key, value, ttlMs),
      delete: (key) => held.delete(key),
      leases,
    };
    let looks = 0;
    const other = new EndpointSecurity({ cache: held });
    const { security, orders, points } = await start({ cache });
    await security.getToken(orders);
    expect(await points("lease.waits")).toEqual([
      { "endpoint_security.endpoint": "orders", value: 1 },
    ]);
    cache.get = () => Promise.reject(new Error("down"));
    await security.getToken({ ...orders, scope: "more" });
    expect(await points("cache.failures")).toEqual([
      {
        "endpoint_security.cache.operation": "get",
        "endpoint_security.reason": "error",
        value: 1,
      },
    ]);
  });

  it("have the endpoints by state, and the seconds until a token expires", async () => {
    const { clock, idp, security, orders, points } = await start({
      renewal: { refreshAhead: false },
    });
    await security.getToken(orders);
    idp.failWith(400);
    await security.getToken({ ...orders, name: "files", clientId: "other" }).catch(() => {});
    clock.advance(600_000);
    expect(await points("endpoints")).toEqual(
      Object.entries({ ready: 1, idle: 0, degraded: 0, failing: 1, rejected: 0 }).map(
        ([state, value]) => ({ "endpoint_security.state": state, value }),
      ),
    );
    expect(await points("token.time_to_expiry")).toEqual([
      { "endpoint_security.endpoint": "orders", value: 3_000 },
    ]);
    clock.advance(3_600_000);
    expect(await points("token.time_to_expiry")).toMatchObject([{ value: -600 }]);
  });

  it("name endpoints by name alone, and hold nothing secret", async () => {
    const { security, orders, points, everything } = await start();
    const { name: _, ...unnamed } = orders;
    const { accessToken } = await security.getToken(unnamed);
    expect(await points("token.renewals")).toMatchObject([
      { "endpoint_security.endpoint": "unnamed" },
    ]);
    expect(await everything()).not.toMatch(/canary|\/resource|\/token"/);
    expect(await everything()).not.toContain(accessToken);
  });

  it("end when they are told to", async () => {
    const { security, orders, points, stop } = await start();
    stop();
    await security.getToken(orders);
    expect(await points("token.renewals")).toEqual([]);
    expect(await points("endpoints")).toEqual([]);
  });
});
