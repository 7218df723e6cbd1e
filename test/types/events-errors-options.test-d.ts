import KeyvRedis from "@keyv/redis";
import {
  type AnyEndpointSecurityError,
  type ConfigurationProblem,
  type DigestUnavailableReason,
  EndpointSecurity,
  EndpointSecurityError,
  type EventName,
  isEndpointSecurityError,
  type TokenCache,
  type UnavailableReason,
} from "endpoint-security";
import Keyv from "keyv";
import { LRUCache } from "lru-cache";
import { describe, expectTypeOf, test } from "vitest";

const security = new EndpointSecurity();

describe("events", () => {
  test("have their own payload each", () => {
    security.on("tokenObtained", (event) => {
      expectTypeOf(event.endpoint).toBeString();
      expectTypeOf(event.grantType).toBeString();
      expectTypeOf(event.durationMs).toBeNumber();
      expectTypeOf(event.expiresAt).toBeNumber();
      expectTypeOf(event.trigger).toEqualTypeOf<"missing" | "ahead" | "rejected">();
      expectTypeOf(event.attempts).toBeNumber();
      expectTypeOf(event.scope).toEqualTypeOf<string | undefined>();
      expectTypeOf(event).not.toHaveProperty("accessToken");
    });
    security.on("tokenRequestFailed", ({ error }) => {
      expectTypeOf(error).toEqualTypeOf<AnyEndpointSecurityError>();
    });
    security.on("credentialsRejected", (event) => {
      expectTypeOf(event.status).toBeNumber();
      expectTypeOf(event.replayed).toBeBoolean();
    });
    security.on("cacheFailed", (event) => {
      expectTypeOf<"get" | "set" | "delete">().toExtend<typeof event.operation>();
      expectTypeOf(event.reason).toExtend<string>();
      expectTypeOf(event.message).toBeString();
    });
  });

  test("give a function that stops them", () => {
    expectTypeOf(security.on("tokenObtained", () => {})).toEqualTypeOf<() => void>();
  });

  test("that are unknown don't compile", () => {
    // @ts-expect-error
    security.on("tokenRevoked", () => {});
    // @ts-expect-error
    security.on("tokenObtained", (event: { status: number }) => event);
    expectTypeOf<"cacheFailed">().toExtend<EventName>();
  });
});

describe("errors", () => {
  test("differ by code", () => {
    const described = (error: AnyEndpointSecurityError): string => {
      switch (error.code) {
        case "invalid_configuration":
          expectTypeOf(error.problems).toEqualTypeOf<readonly ConfigurationProblem[]>();
          return error.problems.map(({ path }) => path).join();
        case "secret_unavailable":
          return error.field;
        case "grant_failed":
          return error.grantType;
        case "token_request_rejected":
          expectTypeOf(error.status).toBeNumber();
          expectTypeOf(error.error).toEqualTypeOf<string | undefined>();
          return error.errorDescription ?? error.tokenUrl;
        case "token_endpoint_unavailable":
          expectTypeOf(error.retryAfterMs).toEqualTypeOf<number | undefined>();
          expectTypeOf(error.reason).toEqualTypeOf<UnavailableReason>();
          return error.reason;
        case "invalid_token_response":
        case "token_expired_on_arrival":
        case "token_rejected":
          return error.tokenUrl;
        case "destination_refused":
          return `${error.destination} ${error.allowed}`;
        case "digest_unavailable":
          expectTypeOf(error.reason).toEqualTypeOf<DigestUnavailableReason>();
          return error.reason;
        case "closed":
          return error.message;
        default:
          // Nothing is left: a new code would not compile here.
          expectTypeOf(error).toBeNever();
          return error;
      }
    };
    expectTypeOf(described).returns.toBeString();
  });

  test("are narrowed from unknown by the guard", () => {
    const error: unknown = undefined;
    if (!isEndpointSecurityError(error)) return;
    expectTypeOf(error).toEqualTypeOf<AnyEndpointSecurityError>();
    expectTypeOf(error.retryable).toBeBoolean();
    expectTypeOf(error.endpoint).toEqualTypeOf<string | undefined>();
    // @ts-expect-error only some have a status
    error.status;
    if (error.code === "token_request_rejected") expectTypeOf(error.status).toBeNumber();
    // @ts-expect-error no such code
    if (error.code === "invalid_client") return;
  });

  test("are all Errors of one family", () => {
    expectTypeOf<AnyEndpointSecurityError>().toExtend<Error>();
    expectTypeOf<AnyEndpointSecurityError>().toExtend<EndpointSecurityError>();
    // @ts-expect-error nobody else makes them
    new EndpointSecurityError("x", false, {});
  });
});

describe("options", () => {
  test("take any Keyv as cache", () => {
    expectTypeOf(new Keyv()).toExtend<TokenCache>();
    expectTypeOf(new Keyv<string>()).toExtend<TokenCache>();
    new EndpointSecurity({ cache: new Keyv() });
    new EndpointSecurity({ cache: new Keyv<string>({ namespace: "tokens", ttl: 1000 }) });
    new EndpointSecurity({ cache: new Keyv({ store: new Map() }) });
    new EndpointSecurity({ cache: new Keyv({ store: new LRUCache({ max: 10 }) }) });
    new EndpointSecurity({ cache: new Keyv(new KeyvRedis("redis://localhost")) });
  });

  test("take a cache of the user's own", () => {
    new EndpointSecurity({
      cache: {
        get: async (key) => `${key.length}`,
        set: async (_key, _value, ttlMs) => ttlMs.toFixed(),
        delete: async () => true,
      },
    });
    // @ts-expect-error a Map answers at once, and forgets nothing
    new EndpointSecurity({ cache: new Map<string, string>() });
    // @ts-expect-error
    new EndpointSecurity({ cache: { get: async () => undefined } });
  });

  test("are checked", () => {
    // @ts-expect-error
    new EndpointSecurity({ maxEntires: 5 });
    // @ts-expect-error
    new EndpointSecurity({ encryptionKeys: "k".repeat(32) });
    // @ts-expect-error
    new EndpointSecurity({ grants: [{ parameters: () => ({}) }] });
    new EndpointSecurity({ fetch: globalThis.fetch, maxEntries: 5, cacheTimeoutMs: undefined });
  });

  test("of a call are its signal and the token that was refused", () => {
    const config = {
      grantType: "client_credentials",
      tokenUrl: "https://idp.test/token",
      clientId: "checkout",
      clientSecret: "secret",
    } as const;
    const { signal } = new AbortController();
    security.getAuthHeader(config, { signal, rejectedToken: "token" });
    security.getAuthHeaders(config, { request: { method: "GET", url: "https://orders.test" } });
    // @ts-expect-error
    security.getAuthHeader(config, { rejected: "token" });
    // @ts-expect-error
    security.getAuthHeaders(config, { request: { method: "GET" } });
  });
});
