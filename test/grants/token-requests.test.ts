import { EndpointSecurity } from "endpoint-security";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { derivingEndpoint } from "../configuration/deriving-fetch.ts";
import { mockTokenEndpoint, orders } from "../configuration/mocked-token-endpoint.ts";

const user = {
  ...orders,
  grantType: "password",
  username: "svc@example.test",
  password: "p&ss=wörd+ ",
} as const;

/** Name and credentials of a Basic header, as they were before base64. */
function basicOf(authorization: string | undefined): string {
  expect(authorization).toMatch(/^Basic /);
  return Buffer.from(authorization?.slice(6) ?? "", "base64").toString();
}

describe("a token request", () => {
  test("for client_credentials says no more than that", async () => {
    const requests = mockTokenEndpoint();
    await new EndpointSecurity().getAuthHeader(orders);
    expect(requests).toHaveLength(1);
    expect([...(requests[0]?.body ?? [])]).toEqual([["grant_type", "client_credentials"]]);
    expect(requests[0]?.headers).toMatchObject({
      accept: "application/json",
      "content-type": expect.stringContaining("application/x-www-form-urlencoded"),
    });
  });

  test("for password sends user name and password in the body", async () => {
    const requests = mockTokenEndpoint();
    await new EndpointSecurity().getAuthHeader(user);
    expect(Object.fromEntries(requests[0]?.body ?? [])).toEqual({
      grant_type: "password",
      username: "svc@example.test",
      password: "p&ss=wörd+ ",
    });
    expect(basicOf(requests[0]?.headers.authorization)).toBe("checkout:checkout-secret");
  });

  test.each([
    ["orders:read", ["orders:read"]],
    ["a b", ["a b"]],
    [["a", "b"], ["a b"]],
    [["a"], ["a"]],
  ])("sends the scope %j as one parameter", async (scope, sent) => {
    const requests = mockTokenEndpoint();
    await new EndpointSecurity().getAuthHeader({ ...orders, scope });
    expect(requests[0]?.body.getAll("scope")).toEqual(sent);
  });

  test.each(["audience", "resource"])("repeats %s for each of a list, in order", async (name) => {
    const requests = mockTokenEndpoint();
    const security = new EndpointSecurity();
    const list = ["https://b.test", "https://a.test"];
    await security.getAuthHeader({ ...orders, [name]: list });
    await security.getAuthHeader({ ...orders, [name]: "https://a.test" });
    expect(requests.map(({ body }) => body.getAll(name))).toEqual([list, ["https://a.test"]]);
  });

  test("sends custom parameters: strings, lists and empty values", async () => {
    const requests = mockTokenEndpoint();
    const customParameters = { tenant: "a&b=c", group: ["x", "y"], flag: "", nothing: [] };
    await new EndpointSecurity().getAuthHeader({ ...user, scope: "s", customParameters });
    const { body } = requests[0] ?? { body: new URLSearchParams() };
    expect(body.getAll("tenant")).toEqual(["a&b=c"]);
    expect(body.getAll("group")).toEqual(["x", "y"]);
    expect(body.getAll("flag")).toEqual([""]);
    expect(body.has("nothing")).toBe(false);
    expect(body.get("scope")).toBe("s");
  });

  test("takes scope, audience and resource as custom parameters as well", async () => {
    const requests = mockTokenEndpoint();
    const customParameters = { scope: "a", audience: ["b", "c"], resource: "d" };
    await new EndpointSecurity().getAuthHeader({ ...orders, customParameters });
    expect([...(requests[0]?.body ?? [])].sort()).toEqual([
      ["audience", "b"],
      ["audience", "c"],
      ["grant_type", "client_credentials"],
      ["resource", "d"],
      ["scope", "a"],
    ]);
  });

  test("carries custom headers, and those alone change", async () => {
    const requests = mockTokenEndpoint();
    const security = new EndpointSecurity();
    await security.getAuthHeader(orders);
    await security.getAuthHeader({
      ...orders,
      tokenRequest: { headers: { "X-Tenant": "a", "User-Agent": "orders/1.0", Cookie: "a=b" } },
    });
    expect(requests[1]?.headers).toEqual({
      ...requests[0]?.headers,
      "x-tenant": "a",
      "user-agent": "orders/1.0",
      cookie: "a=b",
    });
    expect(String(requests[1]?.body)).toBe(String(requests[0]?.body));
  });

  test("goes to the token URL with its query, and by POST", async () => {
    const { fetch, requests } = derivingEndpoint();
    const tokenUrl = "https://idp.test/token?tenant=a";
    await new EndpointSecurity({ fetch }).getAuthHeader({ ...orders, tokenUrl });
    expect(requests[0]).toContain('"https://idp.test/token?tenant=a"');
  });
});

describe("the client's authentication", () => {
  test.each([undefined, "client_secret_basic"] as const)(
    "is Basic by default, and nothing of it in the body (%s)",
    async (tokenEndpointAuthMethod) => {
      const requests = mockTokenEndpoint();
      await new EndpointSecurity().getAuthHeader({ ...orders, tokenEndpointAuthMethod });
      expect(basicOf(requests[0]?.headers.authorization)).toBe("checkout:checkout-secret");
      expect(requests[0]?.body.has("client_id")).toBe(false);
      expect(requests[0]?.body.has("client_secret")).toBe(false);
    },
  );

  test("in the body needs no header", async () => {
    const requests = mockTokenEndpoint();
    const tokenEndpointAuthMethod = "client_secret_post";
    await new EndpointSecurity().getAuthHeader({ ...orders, tokenEndpointAuthMethod });
    expect(requests[0]?.headers.authorization).toBeUndefined();
    expect(Object.fromEntries(requests[0]?.body ?? [])).toEqual({
      grant_type: "client_credentials",
      client_id: "checkout",
      client_secret: "checkout-secret",
    });
  });

  test("of a public client is its id alone", async () => {
    const requests = mockTokenEndpoint();
    const { clientSecret, ...publicClient } = user;
    const tokenEndpointAuthMethod = "none";
    await new EndpointSecurity().getAuthHeader({ ...publicClient, tokenEndpointAuthMethod });
    expect(requests[0]?.headers.authorization).toBeUndefined();
    expect(requests[0]?.body.get("client_id")).toBe("checkout");
    expect(requests[0]?.body.has("client_secret")).toBe(false);
  });

  test("leaves an Authorization header to the user where it needs none itself", async () => {
    const requests = mockTokenEndpoint();
    await new EndpointSecurity().getAuthHeader({
      ...orders,
      tokenEndpointAuthMethod: "client_secret_post",
      tokenRequest: { headers: { Authorization: "Bearer gateway" } },
    });
    expect(requests[0]?.headers.authorization).toBe("Bearer gateway");
  });

  test.each([
    ["Az09-._~", "Az09-._~"],
    ["a b", "a+b"],
    ["a+b", "a%2Bb"],
    ["a:b", "a%3Ab"],
    ["a%b", "a%25b"],
    ["!'()*", "%21%27%28%29%2A"],
    ["é/🔑", "%C3%A9%2F%F0%9F%94%91"],
  ])("form-encodes %s as %s in the Basic header, or takes it raw", async (value, encoded) => {
    const requests = mockTokenEndpoint();
    const security = new EndpointSecurity();
    const config = { ...orders, clientId: value, clientSecret: value };
    await security.getAuthHeader({ ...config, clientSecretBasicEncoding: "form" });
    await security.getAuthHeader({ ...config, clientSecretBasicEncoding: "raw" });
    expect(requests.map(({ headers }) => basicOf(headers.authorization))).toEqual([
      `${encoded}:${encoded}`,
      `${value}:${value}`,
    ]);
  });

  test("arrives whole at a server that decodes, whatever the secret is", async () => {
    const text = fc
      .string({ unit: "grapheme", minLength: 1 })
      .filter((value) => value.trim() !== "" && !/\$\{|^\s*[*•]+\s*$/.test(value));
    await fc.assert(
      fc.asyncProperty(text, text, async (clientId, clientSecret) => {
        const { fetch, requests } = derivingEndpoint();
        await new EndpointSecurity({ fetch }).getAuthHeader({ ...orders, clientId, clientSecret });
        const [, headers] = JSON.parse(requests[0] ?? "") as [string, [string, string][]];
        const sent = basicOf(new Headers(headers).get("authorization") ?? undefined);
        const decoded = sent.split(":").map((part) => new URLSearchParams(`v=${part}`).get("v"));
        expect(decoded).toEqual([clientId, clientSecret]);
      }),
      { numRuns: 50 },
    );
  });
});
