import { defineGrant, type EndpointConfig, EndpointSecurity } from "endpoint-security";
import { describe, expectTypeOf, test } from "vitest";
import { z } from "zod";

const base = {
  tokenUrl: "https://idp.test/token",
  clientId: "checkout",
  clientSecret: "secret",
} as const;

describe("the fields of a custom grant without a schema", () => {
  const device = defineGrant({
    grantType: "urn:example:device",
    credentials: { pin: "required", hint: "optional" },
    parameters: (fields: { serial: string; site?: string; pin: string; hint?: string }) => ({
      serial: fields.serial,
    }),
  });
  const security = new EndpointSecurity({ grants: [device] });
  const right = { ...base, grantType: "urn:example:device", serial: "abc" } as const;

  test("are typed through to getAuthHeader", () => {
    expectTypeOf(security.getAuthHeader).toBeCallableWith({ ...right, pin: "1", site: "main" });
    expectTypeOf(security.getAuthHeader).toBeCallableWith({ ...right, pin: async () => "1" });
    expectTypeOf(security.getAuthHeader).toBeCallableWith({ ...right, pin: "1", hint: () => "h" });
    expectTypeOf(security.wrapFetch).toBeCallableWith({
      ...right,
      pin: "1",
      url: "https://orders.test",
    });
  });

  test("are the type of a configuration written elsewhere", () => {
    const config: EndpointConfig<typeof device> = { ...right, pin: "1" };
    expectTypeOf(security.getAuthHeader).toBeCallableWith(config);
  });

  test("can't be left out, or have another type", () => {
    // @ts-expect-error pin is required
    security.getAuthHeader(right);
    // @ts-expect-error serial is required
    security.getAuthHeader({ ...base, grantType: "urn:example:device", pin: "1" });
    // @ts-expect-error
    security.getAuthHeader({ ...right, pin: "1", serial: 5 });
    // @ts-expect-error a credential is a string or a function
    security.getAuthHeader({ ...right, pin: 5 });
    // @ts-expect-error
    security.getAuthHeader({ ...right, pin: "1", grantType: "urn:example:other" });
  });

  test("leave the library's own grants as they are", () => {
    expectTypeOf(security.getAuthHeader).toBeCallableWith({
      ...base,
      grantType: "client_credentials",
    });
    // @ts-expect-error
    security.getAuthHeader({ ...base, grantType: "password" });
    // @ts-expect-error the grant was not given to this one
    new EndpointSecurity().getAuthHeader({ ...right, pin: "1" });
  });
});

describe("the fields of a custom grant with a schema", () => {
  const shop = defineGrant({
    grantType: "urn:example:shop",
    schema: z.object({
      serial: z.string().transform(Number),
      site: z.string().default("main"),
    }),
    credentials: { pin: "required" },
    parameters: (fields: { serial: number; site: string; pin: string }) => ({
      serial: String(fields.serial),
    }),
  });
  const security = new EndpointSecurity({ grants: [shop] });
  const right = { ...base, grantType: "urn:example:shop", pin: "1" } as const;

  test("are what the schema takes, not what it makes of it", () => {
    expectTypeOf(security.getAuthHeader).toBeCallableWith({ ...right, serial: "5" });
    expectTypeOf(security.getAuthHeader).toBeCallableWith({ ...right, serial: "5", site: "a" });
    // @ts-expect-error
    security.getAuthHeader({ ...right, serial: 5 });
    // @ts-expect-error
    security.getAuthHeader(right);
  });
});

describe("the parameters of a custom grant with a schema", () => {
  const grantType = "urn:example:shop";
  const schema = z.object({ serial: z.string().transform(Number) });

  test("take what the schema gives, and the credentials", () => {
    defineGrant({
      grantType,
      schema,
      credentials: { pin: "required", code: "optional" },
      parameters: (fields: { serial: number; pin: string; code?: string }) => ({
        serial: String(fields.serial),
        pin: fields.pin,
        code: fields.code,
      }),
    });
  });

  test("can't take it for something else", () => {
    defineGrant({
      grantType,
      schema,
      // @ts-expect-error the schema makes it a number
      parameters: (fields: { serial: string }) => ({ serial: fields.serial }),
    });
    defineGrant({
      grantType,
      schema,
      // @ts-expect-error the schema knows no site
      parameters: (fields: { site: string }) => ({ site: fields.site }),
    });
    defineGrant({
      grantType,
      schema,
      credentials: { pin: "optional" },
      // @ts-expect-error the pin may be left out
      parameters: (fields: { pin: string }) => ({ pin: fields.pin }),
    });
  });
});

describe("several custom grants", () => {
  const one = defineGrant({
    grantType: "urn:example:one",
    parameters: (fields: { a: string }) => ({ a: fields.a }),
  });
  const two = defineGrant({
    grantType: "urn:example:two",
    parameters: (fields: { b: string }) => ({ b: fields.b }),
  });
  const security = new EndpointSecurity({ grants: [one, two] });

  test("have each their own fields", () => {
    expectTypeOf(security.getToken).toBeCallableWith({ ...base, grantType: one.grantType, a: "x" });
    expectTypeOf(security.getToken).toBeCallableWith({ ...base, grantType: two.grantType, b: "x" });
    // @ts-expect-error
    security.getToken({ ...base, grantType: one.grantType, b: "x" });
    // @ts-expect-error
    security.getToken({ ...base, grantType: two.grantType });
  });
});

describe("a strategy", () => {
  test("keeps its exact grant type", () => {
    const grant = defineGrant({ grantType: "urn:example:exact", parameters: () => ({}) });
    expectTypeOf(grant.grantType).toEqualTypeOf<"urn:example:exact">();
  });

  test("that isn't one doesn't compile", () => {
    // @ts-expect-error it has no parameters
    defineGrant({ grantType: "urn:example:none" });
    // @ts-expect-error a parameter is a string or a list of them
    defineGrant({ grantType: "urn:example:number", parameters: () => ({ count: 5 }) });
    defineGrant({
      grantType: "urn:example:maybe",
      // @ts-expect-error a credential is required or optional
      credentials: { pin: "maybe" },
      parameters: () => ({}),
    });
  });
});
