import { inspect } from "node:util";
import { defineGrant, EndpointSecurity, isEndpointSecurityError } from "endpoint-security";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { configurationError, mistakesIn } from "../configuration/mistakes.ts";
import { mockTokenEndpoint, orders } from "../configuration/mocked-token-endpoint.ts";

const device = defineGrant({
  grantType: "urn:example:device",
  schema: z.object({
    serial: z
      .string()
      .min(3)
      .transform((serial) => serial.toUpperCase()),
    site: z.string().default("main"),
    tags: z.array(z.object({ name: z.string() })).optional(),
  }),
  credentials: { pin: "required", hint: "optional" },
  parameterNames: ["serial", "pin"],
  parameters: (fields: { serial: string; site: string; pin: string; hint?: string }) => ({
    serial: fields.serial,
    site: fields.site,
    pin: fields.pin,
    hint: fields.hint,
  }),
});
const grantType = device.grantType;
const config = { ...orders, grantType, serial: "abc", pin: "1234" };
const grants = [device] as const;

describe("a grant with a schema", () => {
  test("gets its fields as the schema leaves them: defaults and transformations", async () => {
    const requests = mockTokenEndpoint();
    const header = await new EndpointSecurity({ grants }).getAuthHeader(config);
    expect(header).toBe("Bearer token-1");
    expect(Object.fromEntries(requests[0]?.body ?? [])).toEqual({
      grant_type: "urn:example:device",
      serial: "ABC",
      site: "main",
      pin: "1234",
    });
    expect(requests[0]?.headers.authorization).toMatch(/^Basic /);
  });

  test("is asked together with everything that every grant has", async () => {
    const requests = mockTokenEndpoint();
    await new EndpointSecurity({ grants }).getAuthHeader({
      ...config,
      scope: ["a", "b"],
      resource: ["https://a.test", "https://b.test"],
      customParameters: { tenant: "t" },
    });
    expect(requests[0]?.body.get("scope")).toBe("a b");
    expect(requests[0]?.body.getAll("resource")).toEqual(["https://a.test", "https://b.test"]);
    expect(requests[0]?.body.get("tenant")).toBe("t");
  });

  test("reports what the schema finds among the library's own mistakes", async () => {
    const wrong = { ...config, serial: "a", tags: [{ name: "x" }, { name: 5 }], clientId: "" };
    const mistakes = await mistakesIn(wrong, grants);
    expect(mistakes.map(({ path }) => path).sort()).toEqual(["clientId", "serial", "tags.1.name"]);
    expect(mistakes.find(({ path }) => path === "serial")?.problem).toMatch(
      /^doesn't match the grant's schema: /,
    );
  });

  test("reports a missing field by its name", async () => {
    const { serial, ...without } = config;
    expect(await mistakesIn(without, grants)).toMatchObject([{ path: "serial" }]);
  });

  test("refuses a schema that validates asynchronously", async () => {
    const slow = defineGrant({
      grantType: "urn:example:slow",
      schema: z.object({ code: z.string().refine(async () => true) }),
      parameters: () => ({}),
    });
    const mistakes = await mistakesIn({ ...orders, grantType: "urn:example:slow", code: "x" }, [
      slow,
    ]).catch((error: unknown) => error);
    expect(mistakes).toMatchObject([
      { path: "grantType", problem: expect.stringContaining("asynchronously") },
    ]);
  });

  test("sees a field edited in place", async () => {
    const requests = mockTokenEndpoint();
    const security = new EndpointSecurity({ grants });
    const editable = { ...config };
    await security.getAuthHeader(editable);
    editable.serial = "xyz";
    expect(await security.getAuthHeader(editable)).toBe("Bearer token-2");
    expect(requests.map(({ body }) => body.get("serial"))).toEqual(["ABC", "XYZ"]);
  });
});

describe("a grant's credentials", () => {
  test("may be functions, read again at each token request", async () => {
    const requests = mockTokenEndpoint();
    const security = new EndpointSecurity({ grants });
    let read = 0;
    const asked = { ...config, pin: async () => `pin-${++read}`, hint: () => "blue" };
    await security.getAuthHeader(asked);
    await security.getAuthHeader(asked);
    await security.getAuthHeader(asked, { rejectedToken: "token-1" });
    expect(requests.map(({ body }) => [body.get("pin"), body.get("hint")])).toEqual([
      ["pin-1", "blue"],
      ["pin-2", "blue"],
    ]);
  });

  test("never share a token between two values", async () => {
    const requests = mockTokenEndpoint();
    const security = new EndpointSecurity({ grants });
    for (const pin of ["1", "2", () => "1", () => "2"]) {
      await security.getAuthHeader({ ...config, pin });
    }
    await security.getAuthHeader({ ...config, pin: "1", hint: "h" });
    expect(requests).toHaveLength(3);
  });

  test.each<[path: string, own: object, problem: RegExp]>([
    ["pin", { pin: undefined }, /is missing/],
    ["pin", { pin: "****" }, /is masked/],
    ["pin", { pin: 1234 }, /got a number/],
    ["hint", { hint: "" }, /is empty/],
    ["hint", { hint: "${HINT}" }, /template that was not filled in/],
  ])("are checked like clientSecret: %s of %o", async (path, own, problem) => {
    expect(await mistakesIn({ ...config, ...own }, grants)).toMatchObject([
      { path, problem: expect.stringMatching(problem) },
    ]);
  });

  test("that are optional may be left out or undefined", async () => {
    const requests = mockTokenEndpoint();
    const security = new EndpointSecurity({ grants });
    await security.getAuthHeader(config);
    await security.getAuthHeader({ ...config, hint: undefined });
    expect(requests).toHaveLength(1);
    expect(requests[0]?.body.has("hint")).toBe(false);
  });
});

describe("a grant's parameters", () => {
  test("that it names can't be custom parameters", async () => {
    const customParameters = { serial: "x", pin: "y", site: "z" };
    expect(await mistakesIn({ ...config, customParameters }, grants)).toMatchObject([
      { path: "customParameters.serial" },
      { path: "customParameters.pin" },
    ]);
  });

  test("that it sets without naming them are refused when the request is made", async () => {
    const requests = mockTokenEndpoint();
    const security = new EndpointSecurity({ grants });
    const error = await configurationError(
      security.getAuthHeader({ ...config, customParameters: { site: "z" } }),
    );
    expect(error.problems).toMatchObject([{ path: "customParameters.site" }]);
    expect(requests).toHaveLength(0);
  });

  test("that are also a common field are refused, instead of being sent twice", async () => {
    const scoped = defineGrant({
      grantType: "urn:example:scoped",
      parameters: () => ({ scope: "from the grant" }),
    });
    mockTokenEndpoint();
    const security = new EndpointSecurity({ grants: [scoped] });
    const base = { ...orders, grantType: scoped.grantType };
    await expect(security.getAuthHeader(base)).resolves.toBe("Bearer token-1");
    const error = await configurationError(security.getAuthHeader({ ...base, scope: "a" }));
    expect(error.problems).toMatchObject([{ path: "scope" }]);
  });

  test("may be lists, asynchronous, and undefined", async () => {
    const several = defineGrant({
      grantType: "urn:example:several",
      parameters: async () => ({ many: ["1", "2"], none: undefined, empty: "" }),
    });
    const requests = mockTokenEndpoint();
    await new EndpointSecurity({ grants: [several] }).getAuthHeader({
      ...orders,
      grantType: several.grantType,
    });
    expect([...(requests[0]?.body ?? [])].sort()).toEqual([
      ["empty", ""],
      ["grant_type", "urn:example:several"],
      ["many", "1"],
      ["many", "2"],
    ]);
  });

  test("may be made by a method of a class", async () => {
    class Signed {
      readonly grantType = "urn:example:signed";
      readonly #signature = "signed";
      parameters(fields: { code: string }) {
        return { code: `${fields.code}.${this.#signature}` };
      }
    }
    const requests = mockTokenEndpoint();
    await new EndpointSecurity({ grants: [new Signed()] }).getAuthHeader({
      ...orders,
      grantType: "urn:example:signed",
      code: "c",
    });
    expect(requests[0]?.body.get("code")).toBe("c.signed");
  });

  test.each([
    ["throws", () => raise(new RangeError("canary"))],
    ["rejects", async () => raise(new RangeError("canary"))],
  ])("of a strategy that %s: a typed error that shows nothing of it", async (_, parameters) => {
    const broken = defineGrant({ grantType: "urn:example:broken", parameters });
    const requests = mockTokenEndpoint();
    const security = new EndpointSecurity({ grants: [broken] });
    const call = security.getAuthHeader({ ...orders, grantType: "urn:example:broken" });
    const error: unknown = await call.catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: "grant_failed",
      message: expect.stringMatching(/urn:example:broken.*threw RangeError/),
    });
    expect(inspect(error)).not.toContain("canary");
    expect(requests).toHaveLength(0);
  });

  test.each([undefined, null, { count: 5 }, { count: null }])(
    "of a strategy that returns %j: a typed error, and no request",
    async (answer) => {
      const odd = { grantType: "urn:example:odd", parameters: () => answer as never };
      const requests = mockTokenEndpoint();
      const security = new EndpointSecurity({ grants: [odd] });
      const call = security.getAuthHeader({ ...orders, grantType: "urn:example:odd" });
      await expect(call).rejects.toSatisfy(isEndpointSecurityError);
      expect(requests).toHaveLength(0);
    },
  );

  test("can't change the grant type or the client", async () => {
    const rude = defineGrant({
      grantType: "urn:example:rude",
      parameters: () => ({ grant_type: "password", client_id: "other", client_secret: "other" }),
    });
    const requests = mockTokenEndpoint();
    const security = new EndpointSecurity({ grants: [rude] });
    const asked = {
      ...orders,
      grantType: rude.grantType,
      tokenEndpointAuthMethod: "client_secret_post",
    } as const;
    // Refusing it would do as well.
    await security.getAuthHeader(asked).catch(() => {});
    for (const { body } of requests) {
      expect(body.getAll("grant_type")).toEqual(["urn:example:rude"]);
      expect(body.getAll("client_id")).toEqual(["checkout"]);
      expect(body.getAll("client_secret")).toEqual(["checkout-secret"]);
    }
  });
});

describe("a grant without a schema", () => {
  const plain = defineGrant({
    grantType: "urn:example:plain",
    parameters: (fields: { code: string; nested?: { list: string[] } }) => ({
      code: fields.code,
      list: fields.nested?.list,
    }),
  });
  const base = { ...orders, grantType: plain.grantType, code: "c" };

  test("gets its fields as they are, and none of the common ones", async () => {
    let got: unknown;
    const curious = defineGrant({
      grantType: "urn:example:curious",
      credentials: { pin: "required" },
      parameters: (fields: { pin: string; own: unknown }) => {
        got = fields;
        return {};
      },
    });
    mockTokenEndpoint();
    await new EndpointSecurity({ grants: [curious] }).getAuthHeader({
      ...orders,
      name: "orders",
      url: "https://orders.test",
      scope: "a",
      grantType: curious.grantType,
      own: { list: [1, null] },
      pin: async () => "1234",
    });
    expect(got).toMatchObject({ own: { list: [1, null] }, pin: "1234" });
    for (const common of ["name", "url", "scope", "tokenUrl", "clientId", "grantType"]) {
      expect(got).not.toHaveProperty(common);
    }
  });

  test("takes any other field", async () => {
    const requests = mockTokenEndpoint();
    const security = new EndpointSecurity({ grants: [plain] });
    await security.getAuthHeader({ ...base, nested: { list: ["a", "b"] } });
    expect(requests[0]?.body.getAll("list")).toEqual(["a", "b"]);
  });

  test("that lists its fields reports any other, with what was meant", async () => {
    const strict = { ...plain, grantType: "urn:example:strict", fields: ["code"] };
    const wrong = { ...orders, grantType: "urn:example:strict", coed: "c" };
    expect(await mistakesIn(wrong, [strict])).toMatchObject([
      { path: "coed", problem: 'is not a field here (did you mean "code"?)' },
    ]);
  });
});

describe("two strategies of one grant type", () => {
  test.each(["client_credentials", "password", "urn:example:twice"])("are refused: %s", (name) => {
    const twice = [1, 2].map(() => ({ grantType: name, parameters: () => ({}) }));
    expect(() => new EndpointSecurity({ grants: twice })).toThrow(
      expect.objectContaining({
        code: "invalid_configuration",
        message: expect.stringContaining(`"${name}" twice`),
      }),
    );
  });
});

function raise(error: Error): never {
  throw error;
}
