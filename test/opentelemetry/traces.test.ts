import { context, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { EndpointSecurity, type EndpointSecurityOptions } from "endpoint-security";
import { instrument } from "endpoint-security/opentelemetry";
import { createClock, createTokenEndpoint } from "endpoint-security/testing";
import Keyv from "keyv";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";

const contexts = new AsyncLocalStorageContextManager();
beforeAll(() => void context.setGlobalContextManager(contexts.enable()));
afterAll(() => void contexts.disable());

async function start(options: EndpointSecurityOptions = {}) {
  const clock = createClock();
  const idp = await createTokenEndpoint({ clock });
  onTestFinished(() => idp.close());
  const exporter = new InMemorySpanExporter();
  const tracerProvider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(exporter)],
  });
  const tracer = tracerProvider.getTracer("test");
  const security = new EndpointSecurity({ clock, tokenRequest: { retries: 0 }, ...options });
  onTestFinished(() => security.close());
  instrument(security, { tracerProvider });
  const orders = {
    name: "orders",
    grantType: "client_credentials",
    tokenUrl: idp.tokenUrl,
    clientId: "checkout",
    clientSecret: "canary-secret",
  } as const;
  /** Runs within a span of its own. @returns the span's id */
  const asCaller = (work: () => Promise<unknown>) =>
    tracer.startActiveSpan("caller", async (span) => {
      await work().catch(() => {});
      span.end();
      return span.spanContext().spanId;
    });
  const spans = (name: string) => exporter.getFinishedSpans().filter((span) => span.name === name);
  return { clock, idp, security, orders, asCaller, spans, exporter };
}

const tokenRequest = "endpoint_security.token_request";

describe("Traces", () => {
  it("have a token request below the caller that caused it, and linked to all others that wait", async () => {
    const { security, orders, asCaller, spans } = await start();
    const [first, ...others] = await Promise.all(
      [1, 2, 3].map(() => asCaller(() => security.getToken(orders))),
    );
    const [span, second] = spans(tokenRequest);
    expect(second).toBeUndefined();
    expect(span?.parentSpanContext?.spanId).toBe(first);
    expect(span?.links.map(({ context: { spanId } }) => spanId)).toEqual(others);
    expect(span?.attributes).toMatchObject({
      "endpoint_security.endpoint": "orders",
      "endpoint_security.grant_type": "client_credentials",
      "endpoint_security.trigger": "missing",
      "server.address": "127.0.0.1",
    });
  });

  it("have no span for a call that gets its token from memory", async () => {
    const { security, orders, asCaller, exporter } = await start();
    await security.getToken(orders);
    exporter.reset();
    await asCaller(() => security.getToken(orders));
    expect(exporter.getFinishedSpans().map(({ name }) => name)).toEqual(["caller"]);
  });

  it("have a renewal ahead of time as a trace of its own, linked to the caller that caused it", async () => {
    const { clock, security, orders, asCaller, spans } = await start();
    await security.getToken(orders);
    clock.advance(3_300_000);
    const caller = await asCaller(() => security.getToken(orders));
    await vi.waitFor(() => expect(spans(tokenRequest)).toHaveLength(2));
    const [, renewal] = spans(tokenRequest);
    expect(renewal?.parentSpanContext).toBeUndefined();
    expect(renewal?.links.map(({ context: { spanId } }) => spanId)).toEqual([caller]);
  });

  it("say what kind of error a token request ended with, and no secret", async () => {
    const { idp, security, orders, spans } = await start();
    idp.failWith(503);
    await security.getToken(orders).catch(() => {});
    const [span] = spans(tokenRequest);
    expect(span?.status.code).toBe(2);
    expect(span?.attributes["error.type"]).toBe("token_endpoint_unavailable");
    expect(JSON.stringify([span?.attributes, span?.events, span?.status])).not.toContain("canary");
  });

  it("have the operations of a shared cache", async () => {
    const { security, orders, asCaller, spans } = await start({ cache: new Keyv() });
    const caller = await asCaller(() => security.getToken(orders));
    const [read] = spans("endpoint_security.cache get");
    expect(read?.parentSpanContext?.spanId).toBe(caller);
    await vi.waitFor(() => expect(spans("endpoint_security.cache set")).toHaveLength(1));
  });

  it("say that an operation of the cache failed", async () => {
    const down = () => Promise.reject(new TypeError("down"));
    const cache = { get: down, set: down, delete: down };
    const { security, orders, spans } = await start({ cache });
    await security.getToken(orders);
    const [read] = spans("endpoint_security.cache get");
    expect(read?.attributes["error.type"]).toBe("TypeError");
  });

  it("put the requests of an HTTP instrumentation below the token request", async () => {
    let active: string | undefined;
    const fetch: typeof globalThis.fetch = (input, init) => {
      active = trace.getActiveSpan()?.spanContext().spanId;
      return globalThis.fetch(input, init);
    };
    const { security, orders, spans } = await start({ fetch });
    await security.getToken(orders);
    expect(active).toBe(spans(tokenRequest)[0]?.spanContext().spanId);
  });

  it("keep 128 links at most, however many wait", async () => {
    const { security, orders, asCaller, spans } = await start();
    await Promise.all(Array.from({ length: 500 }, () => asCaller(() => security.getToken(orders))));
    expect(spans(tokenRequest)[0]?.links.length).toBe(127);
  });
});
