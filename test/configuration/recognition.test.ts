import { defineGrant, EndpointSecurity } from "endpoint-security";
import { describe, expect, test } from "vitest";
import { mockTokenEndpoint, orders } from "./mocked-token-endpoint.ts";

/** A grant whose fields are taken as they are, and which sends none of them. */
const anything = defineGrant({
  grantType: "urn:example:anything",
  parameters: (_: Record<string, unknown>) => ({}),
});

/** The headers in a configuration, to be changed in place. */
function headersOf(config: object): object {
  return Object(Reflect.get(Object(Reflect.get(config, "tokenRequest")), "headers"));
}

describe("the same configuration object", () => {
  test("gets the same token, with no second request", async () => {
    const requests = mockTokenEndpoint();
    const security = new EndpointSecurity();
    const config = { ...orders, customParameters: { tenant: "a" } };
    for (let call = 0; call < 5; call++) {
      expect(await security.getAuthHeader(config)).toBe("Bearer token-1");
    }
    expect((await security.getToken(config)).accessToken).toBe("token-1");
    expect(await security.getAuthHeaders(config)).toEqual({ Authorization: "Bearer token-1" });
    expect(requests).toHaveLength(1);
  });

  test.each<[string, object, (config: { [name: string]: never }) => void]>([
    ["a field added", {}, (config) => Object.assign(config, { scope: "orders:read" })],
    ["a field edited", { scope: "a" }, (config) => Object.assign(config, { scope: "b" })],
    ["a field removed", { scope: "a" }, (config) => delete config.scope],
    ["a field emptied", { scope: "a" }, (config) => Object.assign(config, { scope: undefined })],
    ["a field renamed", { audience: "a" }, renamed("audience", "resource")],
    [
      "a parameter added",
      { customParameters: { a: "1" } },
      (config) => Object.assign(config.customParameters ?? {}, { b: "2" }),
    ],
    [
      "a parameter edited",
      { customParameters: { a: "1" } },
      (config) => Object.assign(config.customParameters ?? {}, { a: "2" }),
    ],
    [
      "a parameter removed",
      { customParameters: { a: "1", b: "2" } },
      (config) => Reflect.deleteProperty(config.customParameters ?? {}, "a"),
    ],
    [
      "a parameter renamed",
      { customParameters: { a: "1" } },
      (config) => renamed("a", "b")(config.customParameters ?? {}),
    ],
    [
      "a value moved to the next parameter",
      { customParameters: { a: "12", b: "3" } },
      (config) => Object.assign(config.customParameters ?? {}, { a: "1", b: "23" }),
    ],
    [
      "values joined",
      { customParameters: { a: ["1", "2"] } },
      (config) => list(config.customParameters, "a").splice(0, 2, "12"),
    ],
    [
      "a parameter's values edited",
      { customParameters: { a: ["1", "2"] } },
      (config) => list(config.customParameters, "a").splice(1, 1, "3"),
    ],
    [
      "a parameter's values swapped",
      { customParameters: { a: ["1", "2"] } },
      (config) => list(config.customParameters, "a").reverse(),
    ],
    [
      "a value added to a parameter's",
      { customParameters: { a: ["1"] } },
      (config) => list(config.customParameters, "a").push("2"),
    ],
    ["a scope taken back", { scope: ["a", "b"] }, (config) => list(config, "scope").pop()],
    ["a resource edited", { resource: ["https://a.test"] }, replaced("resource", "https://b.test")],
    ["a list made longer", { audience: ["a"] }, (config) => list(config, "audience").push("b")],
    [
      "a header edited",
      { tokenRequest: { headers: { "X-Tenant": "a" } } },
      (config) => Object.assign(headersOf(config), { "X-Tenant": "b" }),
    ],
  ])("gets another token after a change in place: %s", async (_, fields, change) => {
    const requests = mockTokenEndpoint();
    const security = new EndpointSecurity();
    const config = { ...orders, ...structuredClone(fields) };
    expect(await security.getAuthHeader(config)).toBe("Bearer token-1");
    expect(await security.getAuthHeader(config)).toBe("Bearer token-1");
    change(config as never);
    expect(await security.getAuthHeader(config)).toBe("Bearer token-2");
    expect(await security.getAuthHeader(config)).toBe("Bearer token-2");
    expect(requests).toHaveLength(2);
    expect(String(requests[0]?.body) + JSON.stringify(requests[0]?.headers)).not.toBe(
      String(requests[1]?.body) + JSON.stringify(requests[1]?.headers),
    );
  });

  test("gets its first token again once it is changed back", async () => {
    const requests = mockTokenEndpoint();
    const security = new EndpointSecurity();
    const config = { ...orders, scope: "a" };
    await security.getAuthHeader(config);
    config.scope = "b";
    await security.getAuthHeader(config);
    config.scope = "a";
    expect(await security.getAuthHeader(config)).toBe("Bearer token-1");
    expect(requests).toHaveLength(2);
  });

  test("changed while a token request is under way gets a token for what it says then", async () => {
    const requests = mockTokenEndpoint();
    const security = new EndpointSecurity();
    const config = { ...orders, scope: "a" };
    const before = security.getAuthHeader(config);
    config.scope = "b";
    const after = security.getAuthHeader(config);
    expect(await before).not.toBe(await after);
    expect(requests.map(({ body }) => body.get("scope")).sort()).toEqual(["a", "b"]);
    expect(await security.getAuthHeader(config)).toBe(await after);
  });

  test("that only changes its name or url keeps its token", async () => {
    const requests = mockTokenEndpoint();
    const security = new EndpointSecurity();
    const config = { ...orders, name: "a", url: "https://orders.test/v1" };
    await security.getAuthHeader(config);
    Object.assign(config, { name: "b", url: "https://orders.test/v2" });
    expect(await security.getAuthHeader(config)).toBe("Bearer token-1");
    expect(requests).toHaveLength(1);
    expect(security.explain(config).endpoint).toBe("b");
  });
});

describe("a new literal with the same content", () => {
  test("gets the same token, with no second request", async () => {
    const requests = mockTokenEndpoint();
    const security = new EndpointSecurity();
    for (let call = 0; call < 5; call++) {
      const header = await security.getAuthHeader({
        grantType: "client_credentials",
        tokenUrl: "https://idp.test/token",
        clientId: "checkout",
        clientSecret: "checkout-secret",
        scope: ["a", "b"],
        customParameters: { tenant: "a", groups: ["x", "y"] },
      });
      expect(header).toBe("Bearer token-1");
    }
    expect(requests).toHaveLength(1);
  });

  test("in another order gets it too, at every level", async () => {
    const requests = mockTokenEndpoint();
    const security = new EndpointSecurity();
    await security.getAuthHeader({ ...orders, customParameters: { a: "1", b: ["2", "3"] } });
    const header = await security.getAuthHeader({
      customParameters: { b: ["2", "3"], a: "1" },
      clientSecret: "checkout-secret",
      clientId: "checkout",
      tokenUrl: "https://idp.test/token",
      grantType: "client_credentials",
    });
    expect(header).toBe("Bearer token-1");
    expect(requests).toHaveLength(1);
  });

  test("that was changed and recognised no longer is taken for the first", async () => {
    const requests = mockTokenEndpoint();
    const security = new EndpointSecurity();
    const first = { ...orders, customParameters: { tenant: "a" } };
    await security.getAuthHeader(first);
    first.customParameters.tenant = "b";
    expect(await security.getAuthHeader({ ...orders, customParameters: { tenant: "a" } })).toBe(
      "Bearer token-1",
    );
    expect(await security.getAuthHeader({ ...orders, customParameters: { tenant: "b" } })).toBe(
      "Bearer token-2",
    );
    expect(await security.getAuthHeader(first)).toBe("Bearer token-2");
    expect(requests).toHaveLength(2);
  });

  test("among more literals than are remembered still gets its token", async () => {
    const requests = mockTokenEndpoint();
    const security = new EndpointSecurity();
    const literal = (tenant: number) => ({ ...orders, customParameters: { tenant: `${tenant}` } });
    const first = await security.getAuthHeader(literal(0));
    for (let tenant = 1; tenant <= 1500; tenant++) security.explain(literal(tenant));
    expect(await security.getAuthHeader(literal(0))).toBe(first);
    expect(requests).toHaveLength(1);
  });

  test("with no prototype, or with a class of its own, is the same configuration", async () => {
    class Configuration {
      grantType = "client_credentials" as const;
      tokenUrl = "https://idp.test/token";
      clientId = "checkout";
      clientSecret = "checkout-secret";
    }
    const requests = mockTokenEndpoint();
    const security = new EndpointSecurity();
    await security.getAuthHeader(orders);
    await security.getAuthHeader(Object.assign(Object.create(null), orders));
    await security.getAuthHeader(new Configuration());
    await security.getAuthHeader(Object.create(orders));
    expect(requests).toHaveLength(1);
  });
});

describe("a new literal around an inner object that others hold too", () => {
  test.each<[string, Record<string, string | string[]>, (parameters: object) => void]>([
    ["a parameter edited", { a: "1" }, (inner) => Object.assign(inner, { a: "2" })],
    ["a parameter renamed", { a: "1" }, (inner) => renamed("a", "b")(inner as never)],
    ["a value moved", { a: "12", b: "3" }, (inner) => Object.assign(inner, { a: "1", b: "23" })],
    ["an empty parameter added", { a: "1" }, (inner) => Object.assign(inner, { b: "" })],
    ["values joined", { a: ["1", "2"] }, (inner) => list(inner, "a").splice(0, 2, "12")],
    ["a list made of a value", { a: "1" }, (inner) => Object.assign(inner, { a: ["1"] })],
  ])("gets another token when that changes: %s", async (_, parameters, change) => {
    mockTokenEndpoint();
    const security = new EndpointSecurity();
    const customParameters = structuredClone(parameters);
    expect(await security.getAuthHeader({ ...orders, customParameters })).toBe("Bearer token-1");
    change(customParameters);
    expect(await security.getAuthHeader({ ...orders, customParameters })).toBe("Bearer token-2");
    expect(
      await security.getAuthHeader({ ...orders, customParameters: structuredClone(parameters) }),
    ).toBe("Bearer token-1");
  });

  test("gets another token when its bytes change", async () => {
    mockTokenEndpoint();
    const security = new EndpointSecurity({ grants: [anything] });
    const bytes = Buffer.from("abc");
    const literal = () => ({ ...orders, grantType: anything.grantType, bytes });
    expect(await security.getAuthHeader(literal())).toBe("Bearer token-1");
    bytes[0] = 0;
    expect(await security.getAuthHeader(literal())).toBe("Bearer token-2");
  });
});

describe("a frozen configuration", () => {
  test("gets its token, with no second request", async () => {
    const requests = mockTokenEndpoint();
    const security = new EndpointSecurity();
    const config = deeplyFrozen({ ...orders, scope: ["a"], customParameters: { b: ["c"] } });
    for (let call = 0; call < 3; call++) {
      expect(await security.getAuthHeader(config)).toBe("Bearer token-1");
    }
    expect(requests).toHaveLength(1);
  });

  test.each([
    ["customParameters", (inner: Record<string, string>) => ({ customParameters: inner })],
    ["headers", (inner: Record<string, string>) => ({ tokenRequest: { headers: inner } })],
  ])("gets another token when its %s, which are not frozen, change", async (_field, fieldsOf) => {
    mockTokenEndpoint();
    const security = new EndpointSecurity();
    const inner = { "X-Tenant": "a" };
    const config = Object.freeze({ ...orders, ...fieldsOf(inner) });
    expect(await security.getAuthHeader(config)).toBe("Bearer token-1");
    inner["X-Tenant"] = "b";
    expect(await security.getAuthHeader(config)).toBe("Bearer token-2");
  });

  test("gets another token when a list in its frozen parameters changes", async () => {
    mockTokenEndpoint();
    const security = new EndpointSecurity();
    const groups = ["a"];
    const config = Object.freeze({ ...orders, customParameters: Object.freeze({ groups }) });
    expect(await security.getAuthHeader(config)).toBe("Bearer token-1");
    groups.push("b");
    expect(await security.getAuthHeader(config)).toBe("Bearer token-2");
  });

  test("gets another token when an object that it inherits from changes", async () => {
    mockTokenEndpoint();
    const security = new EndpointSecurity();
    const defaults = { ...orders, scope: "a" };
    const config: typeof defaults = Object.freeze(Object.create(defaults));
    expect(await security.getAuthHeader(config)).toBe("Bearer token-1");
    defaults.scope = "b";
    expect(await security.getAuthHeader(config)).toBe("Bearer token-2");
  });
});

describe("a configuration with getters", () => {
  test.each(["open", "frozen"])("is read again at each call (%s)", async (kind) => {
    const requests = mockTokenEndpoint();
    const security = new EndpointSecurity();
    let tenant = "a";
    const parameters = {
      get tenant() {
        return tenant;
      },
    };
    const config = { ...orders, customParameters: parameters };
    if (kind === "frozen") deeplyFrozen(config);
    expect(await security.getAuthHeader(config)).toBe("Bearer token-1");
    expect(await security.getAuthHeader(config)).toBe("Bearer token-1");
    tenant = "b";
    expect(await security.getAuthHeader(config)).toBe("Bearer token-2");
    tenant = "a";
    expect(await security.getAuthHeader(config)).toBe("Bearer token-1");
    expect(requests).toHaveLength(2);
  });

  test("that make a new list each time keep their token", async () => {
    const requests = mockTokenEndpoint();
    const security = new EndpointSecurity();
    const config = {
      ...orders,
      get scope() {
        return ["a", "b"];
      },
    };
    await security.getAuthHeader(config);
    await security.getAuthHeader(config);
    expect(requests).toHaveLength(1);
  });

  test.each(Array.from({ length: 16 }, (_, reads) => reads))(
    "that change in the middle of a call never leave the old token to later calls (after %i)",
    async (readsBefore) => {
      mockTokenEndpoint();
      const security = new EndpointSecurity();
      const old = await security.getAuthHeader({ ...orders, scope: "old" });
      let reads = 0;
      const config = {
        ...orders,
        get scope() {
          return reads++ < readsBefore ? "old" : "new";
        },
      };
      while (reads <= readsBefore) await security.getAuthHeader(config);
      expect(await security.getAuthHeader(config)).not.toBe(old);
      expect(await security.getAuthHeader({ ...orders, scope: "new" })).not.toBe(old);
      expect(await security.getAuthHeader({ ...orders, scope: "old" })).toBe(old);
    },
  );

  test.each(["cold", "warm"])("that throw make the call reject (%s)", async (state) => {
    mockTokenEndpoint();
    const security = new EndpointSecurity();
    let broken = false;
    const config = {
      ...orders,
      get scope(): string {
        if (broken) throw new Error("broken");
        return "a";
      },
    };
    if (state === "warm") {
      await security.getAuthHeader(config);
      await security.getAuthHeader(config);
    }
    broken = true;
    let call: Promise<string> | undefined;
    expect(() => {
      call = security.getAuthHeader(config);
    }).not.toThrow();
    await expect(call).rejects.toThrow();
  });
});

describe("parameters that are an instance of a class", () => {
  test("are refused, or seen when they change in place", async () => {
    class Parameters {
      [name: string]: string;
      tenant = "a";
    }
    mockTokenEndpoint();
    const security = new EndpointSecurity();
    const config = { ...orders, customParameters: new Parameters() };
    const before = await security.getAuthHeader(config).catch(() => "refused");
    config.customParameters.tenant = "b";
    const after = await security.getAuthHeader(config).catch(() => "refused");
    expect([before, after]).toSatisfy(([first, second]) => first === "refused" || first !== second);
  });
});

describe("the fields of a custom grant", () => {
  const assertion = () => ({
    ...orders,
    grantType: "urn:example:anything" as const,
    nested: { list: ["a", { deep: "b" }] as unknown[] },
    bytes: Buffer.from("abc"),
  });

  test("that are the same share a token, whatever they hold", async () => {
    const requests = mockTokenEndpoint();
    const security = new EndpointSecurity({ grants: [anything] });
    await security.getAuthHeader(assertion());
    await security.getAuthHeader(assertion());
    await security.getAuthHeader({ ...assertion(), bytes: new Uint8Array([97, 98, 99]) });
    expect(requests).toHaveLength(1);
  });

  test.each<[string, (config: ReturnType<typeof assertion>) => void]>([
    ["a byte", ({ bytes }) => bytes.writeUInt8(120, 1)],
    ["a nested list", ({ nested }) => nested.list.push("c")],
    ["a record in a list", ({ nested }) => Object.assign(nested.list[1] ?? {}, { deep: "c" })],
    ["a field more", (config) => Object.assign(config, { more: 1 })],
  ])("get another token when changed in place: %s", async (_, change) => {
    mockTokenEndpoint();
    const security = new EndpointSecurity({ grants: [anything] });
    const config = assertion();
    expect(await security.getAuthHeader(config)).toBe("Bearer token-1");
    change(config);
    expect(await security.getAuthHeader(config)).toBe("Bearer token-2");
  });

  test("see a byte change in a frozen configuration too", async () => {
    mockTokenEndpoint();
    const security = new EndpointSecurity({ grants: [anything] });
    const config = Object.freeze(assertion());
    Object.freeze(config.nested);
    await security.getAuthHeader(config);
    config.bytes[0] = 0;
    expect(await security.getAuthHeader(config)).toBe("Bearer token-2");
  });

  test("that are functions or instances never share a token with another one", async () => {
    const requests = mockTokenEndpoint();
    const security = new EndpointSecurity({ grants: [anything] });
    const one = () => 1;
    const date = new Date(0);
    const each = [one, () => 1, date, new Date(0), Symbol.iterator, 1, "1", 1n, true, null];
    for (const value of [...each, ...each]) {
      await security.getAuthHeader({
        ...orders,
        grantType: "urn:example:anything",
        value,
      });
    }
    expect(requests).toHaveLength(each.length);
  });
});

describe("a credential that got a function", () => {
  test("written again at each call costs one token request", async () => {
    const requests = mockTokenEndpoint();
    const security = new EndpointSecurity();
    for (let call = 0; call < 20; call++) {
      const clientSecret = () => "checkout-secret";
      expect(await security.getAuthHeader({ ...orders, clientSecret })).toBe("Bearer token-1");
    }
    expect(requests).toHaveLength(1);
  });

  test("shares the token with the same secret given as a string", async () => {
    const requests = mockTokenEndpoint();
    const security = new EndpointSecurity();
    await security.getAuthHeader(orders);
    await security.getAuthHeader({ ...orders, clientSecret: async () => "checkout-secret" });
    expect(requests).toHaveLength(1);
  });

  test("is asked at each token request, and not between them", async () => {
    const requests = mockTokenEndpoint();
    const security = new EndpointSecurity();
    let asked = 0;
    const config = { ...orders, clientSecret: async () => `secret-${++asked}` };
    await security.getAuthHeader(config);
    await security.getAuthHeader(config);
    expect(asked).toBe(1);
    await security.getAuthHeader(config, { rejectedToken: "token-1" });
    expect(asked).toBe(2);
    await security.getAuthHeader(config);
    expect(asked).toBe(2);
    expect(requests.map(({ headers }) => secretOf(headers))).toEqual(["secret-1", "secret-2"]);
  });

  test("with another value is another endpoint: no old token, no old failure", async () => {
    const requests = mockTokenEndpoint();
    const security = new EndpointSecurity();
    let secret = "first";
    const config = () => ({ ...orders, clientSecret: () => secret });
    await security.getAuthHeader(config());
    secret = "second";
    expect(await security.getAuthHeader(config())).toBe("Bearer token-2");
    secret = "first";
    expect(await security.getAuthHeader(config())).toBe("Bearer token-1");
    expect(requests.map(({ headers }) => secretOf(headers))).toEqual(["first", "second"]);
  });

  test("is as good for user name and password", async () => {
    const requests = mockTokenEndpoint();
    const security = new EndpointSecurity();
    let password = "old";
    const config = () => ({
      ...orders,
      grantType: "password" as const,
      username: async () => "svc",
      password: () => password,
    });
    await security.getAuthHeader(config());
    await security.getAuthHeader(config());
    expect(requests).toHaveLength(1);
    password = "new";
    await security.getAuthHeader(config());
    expect(requests.map(({ body }) => [body.get("username"), body.get("password")])).toEqual([
      ["svc", "old"],
      ["svc", "new"],
    ]);
  });

  test("is asked once for 1,000 callers at once, who share one token request", async () => {
    const requests = mockTokenEndpoint();
    const security = new EndpointSecurity();
    let asked = 0;
    const config = {
      ...orders,
      clientSecret: async () => {
        asked++;
        await Promise.resolve();
        return "checkout-secret";
      },
    };
    const headers = await Promise.all(
      Array.from({ length: 1000 }, () => security.getAuthHeader(config)),
    );
    expect(new Set(headers)).toEqual(new Set(["Bearer token-1"]));
    expect(requests).toHaveLength(1);
    expect(asked).toBe(1);
  });

  test("of 1,000 literals at once leads to one token request", async () => {
    const requests = mockTokenEndpoint();
    const security = new EndpointSecurity();
    const headers = await Promise.all(
      Array.from({ length: 1000 }, () =>
        security.getAuthHeader({ ...orders, clientSecret: async () => "checkout-secret" }),
      ),
    );
    expect(new Set(headers)).toEqual(new Set(["Bearer token-1"]));
    expect(requests).toHaveLength(1);
  });
});

function list(holder: unknown, name: string): string[] {
  return (holder as Record<string, string[]>)[name] ?? [];
}

function replaced(name: string, value: string) {
  return (config: object) => list(config, name).splice(0, 1, value);
}

function renamed(from: string, to: string) {
  return (config: Record<string, unknown>) => {
    config[to] = config[from];
    delete config[from];
  };
}

function secretOf(headers: Readonly<Record<string, string>>): string | undefined {
  const [, basic = ""] = headers.authorization?.split(" ") ?? [];
  return Buffer.from(basic, "base64").toString().split(":")[1];
}

function deeplyFrozen<T extends object>(value: T): Readonly<T> {
  for (const { value: item } of Object.values(Object.getOwnPropertyDescriptors(value))) {
    if (typeof item === "object" && item !== null) deeplyFrozen(item);
  }
  return Object.freeze(value);
}
