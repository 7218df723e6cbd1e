import type { Attributes, Meter, ObservableResult } from "@opentelemetry/api";
import type { EndpointSecurity } from "../endpoint-security.ts";
import type { EndpointState } from "../endpoint-state.ts";
import { attribute, endpointName, errorType, serverOf } from "./attributes.ts";

/** @see https://opentelemetry.io/docs/specs/semconv/http/http-metrics/#metric-httpclientrequestduration */
const durationBoundaries = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
];

/** The metrics of one instance. */
export class InstanceMetrics {
  readonly #security: Pick<EndpointSecurity, "on" | "endpoints">;
  readonly #ends: (() => void)[] = [];
  #sharedHits = 0;

  constructor(
    meter: Meter,
    security: Pick<EndpointSecurity, "on" | "endpoints">,
    memoryHits: () => number,
  ) {
    this.#security = security;
    this.#reportTokenRequests(meter);
    this.#reportBackends(meter);
    this.#reportCache(meter, memoryHits);
    this.#reportEndpoints(meter);
  }

  end(): void {
    for (const end of this.#ends) end();
  }

  #reportTokenRequests(meter: Meter): void {
    const duration = meter.createHistogram("endpoint_security.token_request.duration", {
      description: "Duration of token requests, retries included.",
      unit: "s",
      advice: { explicitBucketBoundaries: durationBoundaries },
    });
    const renewals = meter.createCounter("endpoint_security.token.renewals", {
      description: "Tokens that were obtained, by what caused it: missing, ahead or rejected.",
      unit: "{token}",
    });
    const coolDowns = meter.createCounter("endpoint_security.cool_downs", {
      description: "Pauses in which no token request is sent, because the last one failed.",
      unit: "{cool_down}",
    });
    this.#on("tokenObtained", ({ endpoint, grantType, durationMs, tokenUrl, trigger }) => {
      const attributes = { ...ofGrant(endpoint, grantType), [attribute.outcome]: "success" };
      duration.record(durationMs / 1_000, { ...attributes, ...serverOf(tokenUrl) });
      renewals.add(1, { ...ofGrant(endpoint, grantType), [attribute.trigger]: trigger });
    });
    this.#on("tokenRequestFailed", ({ endpoint, grantType, durationMs, tokenUrl, error }) => {
      duration.record(durationMs / 1_000, {
        ...ofGrant(endpoint, grantType),
        [attribute.outcome]: "failure",
        "error.type": errorType(error),
        ...serverOf(tokenUrl),
      });
    });
    this.#on("coolDownStarted", ({ endpoint, grantType, reason }) => {
      coolDowns.add(1, { ...ofGrant(endpoint, grantType), [attribute.reason]: reason });
    });
  }

  #reportBackends(meter: Meter): void {
    const rejections = meter.createCounter("endpoint_security.rejections", {
      description: "Requests whose credentials the backend rejected.",
      unit: "{request}",
    });
    this.#on("credentialsRejected", ({ endpoint, status, replayed, reason }) => {
      rejections.add(1, {
        [attribute.endpoint]: endpointName(endpoint),
        "http.response.status_code": status,
        [attribute.replayed]: replayed,
        ...(reason !== undefined && { [attribute.reason]: reason }),
      });
    });
  }

  #reportCache(meter: Meter, memoryHits: () => number): void {
    const hits = meter.createObservableCounter("endpoint_security.cache.hits", {
      description: "Tokens that were found: in memory, or in the cache that processes share.",
      unit: "{token}",
    });
    const waits = meter.createCounter("endpoint_security.lease.waits", {
      description: "Tokens that were waited for while another process requested them.",
      unit: "{wait}",
    });
    const failures = meter.createCounter("endpoint_security.cache.failures", {
      description: "Times that the shared cache began to fail.",
      unit: "{failure}",
    });
    this.#on("tokenFound", ({ endpoint, waitedMs }) => {
      this.#sharedHits++;
      if (waitedMs > 0) waits.add(1, { [attribute.endpoint]: endpointName(endpoint) });
    });
    this.#on("cacheFailed", ({ operation, reason }) => {
      failures.add(1, { [attribute.cacheOperation]: operation, [attribute.reason]: reason });
    });
    this.#observe(hits, (result) => {
      result.observe(memoryHits(), { [attribute.cacheLevel]: "memory" });
      result.observe(this.#sharedHits, { [attribute.cacheLevel]: "shared" });
    });
  }

  #reportEndpoints(meter: Meter): void {
    const known = meter.createObservableGauge("endpoint_security.endpoints", {
      description: "Endpoints that are known, by their state.",
      unit: "{endpoint}",
    });
    const expiry = meter.createObservableGauge("endpoint_security.token.time_to_expiry", {
      description: "Until the token expires; less than 0 after it has expired.",
      unit: "s",
    });
    this.#observe(known, (result) => {
      for (const [state, count] of this.#states()) {
        result.observe(count, { [attribute.state]: state });
      }
    });
    this.#observe(expiry, (result) => {
      for (const [endpoint, seconds] of this.#secondsToExpiry()) {
        result.observe(seconds, { [attribute.endpoint]: endpoint });
      }
    });
  }

  #states(): Map<EndpointState, number> {
    // Each is reported, so that one that ends is seen to be 0.
    const counts = new Map<EndpointState, number>([
      ["ready", 0],
      ["idle", 0],
      ["degraded", 0],
      ["failing", 0],
      ["rejected", 0],
    ]);
    for (const { state } of this.#security.endpoints()) {
      counts.set(state, (counts.get(state) ?? 0) + 1);
    }
    return counts;
  }

  /** Of endpoints of one name, the one that expires first. */
  #secondsToExpiry(): Map<string, number> {
    const soonest = new Map<string, number>();
    for (const { endpoint, expiresAt, issuedAt = "", ageMs = 0 } of this.#security.endpoints()) {
      if (expiresAt === undefined) continue;
      // By the instance's own clock.
      const seconds = (Date.parse(expiresAt) - Date.parse(issuedAt) - ageMs) / 1_000;
      const name = endpointName(endpoint);
      soonest.set(name, Math.min(seconds, soonest.get(name) ?? Infinity));
    }
    return soonest;
  }

  #on: EndpointSecurity["on"] = (name, listener) => {
    const end = this.#security.on(name, listener);
    this.#ends.push(end);
    return end;
  };

  #observe(
    instrument: ReturnType<Meter["createObservableGauge"]>,
    report: (result: ObservableResult) => void,
  ): void {
    instrument.addCallback(report);
    this.#ends.push(() => instrument.removeCallback(report));
  }
}

function ofGrant(endpoint: string, grantType: string): Attributes {
  return { [attribute.endpoint]: endpointName(endpoint), [attribute.grantType]: grantType };
}
