import { EndpointSecurity } from "endpoint-security";
import { decodeJwt } from "jose";
import Keyv from "keyv";
import { describe, expect, test } from "vitest";
import { privateKeys } from "../client-authentication/keys.ts";
import { mistakesIn } from "../configuration/mistakes.ts";
import { errorOf, pass, stopTime } from "../tokens/fake-time.ts";
import { discovered, fakeIssuer, metadata, token } from "./issuer.ts";

const openid = "/.well-known/openid-configuration";
const oauth = "/.well-known/oauth-authorization-server";
const hourMs = 3_600_000;

describe("an issuer", () => {
  test("is asked for its metadata once, for all its endpoints and callers", async () => {
    const { fetch, asked, sent } = fakeIssuer();
    const security = new EndpointSecurity({ fetch });
    const configs = ["a", "b", "c"].map((scope) => ({
      ...discovered,
      scope,
      tokenRequest: { headers: { "X-Tenant-Key": "secret" } },
    }));
    await Promise.all([...configs, ...configs].map((config) => security.getToken(config)));
    expect(asked).toEqual([
      `https://idp.test${openid}`,
      ...Array(3).fill("https://idp.test/token"),
    ]);
    // Nothing of the client's goes there.
    expect(sent[0]?.init?.headers).toEqual({ accept: "application/json" });
    expect(sent[0]?.init?.body).toBeUndefined();
  });

  test.each([
    ["https://idp.test", `https://idp.test${openid}`, `https://idp.test${oauth}`],
    ["https://idp.test/", `https://idp.test${openid}`, `https://idp.test${oauth}`],
    ["https://idp.test/t/1", `https://idp.test/t/1${openid}`, `https://idp.test${oauth}/t/1`],
    ["https://idp.test/t/", `https://idp.test/t${openid}`, `https://idp.test${oauth}/t`],
  ])("%s is asked at OpenID Connect's place, then at OAuth's", async (issuer, one, other) => {
    const first = fakeIssuer({ [one]: () => ({ ...metadata, issuer }) });
    await new EndpointSecurity({ fetch: first.fetch }).getToken({ ...discovered, issuer });
    expect(first.asked).toEqual([one, "https://idp.test/token"]);
    const gone = () => new Response("", { status: 404 });
    const second = fakeIssuer({ [one]: gone, [other]: () => ({ ...metadata, issuer }) });
    await new EndpointSecurity({ fetch: second.fetch }).getToken({ ...discovered, issuer });
    expect(second.asked).toEqual([one, other, "https://idp.test/token"]);
  });

  test("that answers with a page, where there is nothing, is asked at OAuth's place", async () => {
    const { fetch, asked } = fakeIssuer({
      [`https://idp.test${openid}`]: () => new Response("<html>Welcome</html>"),
      [`https://idp.test${oauth}`]: () => metadata,
    });
    await new EndpointSecurity({ fetch }).getToken(discovered);
    expect(asked).toHaveLength(3);
  });

  test("isn't asked where the shared cache has the token", async () => {
    const { fetch, asked } = fakeIssuer();
    const cache = new Keyv();
    for (const _process of [1, 2]) {
      const security = new EndpointSecurity({ fetch, cache });
      await security.getToken(discovered);
      await security.close();
    }
    expect(asked).toHaveLength(2);
  });

  test("can be whom an assertion is for", async () => {
    const { fetch, sent } = fakeIssuer();
    const { clientSecret: _, ...base } = discovered;
    await new EndpointSecurity({ fetch }).getToken({
      ...base,
      tokenEndpointAuthMethod: "private_key_jwt",
      clientPrivateKey: privateKeys.p256,
      clientAssertionAudience: "issuer",
    });
    const body = new URLSearchParams(String(sent[1]?.init?.body));
    expect(decodeJwt(body.get("client_assertion") ?? "").aud).toBe("https://idp.test");
  });

  test("stands in what is explained, and in the endpoint's name", async () => {
    const { fetch } = fakeIssuer();
    const security = new EndpointSecurity({ fetch });
    await security.getToken(discovered);
    expect(security.explain(discovered)).toMatchObject({
      endpoint: "https://idp.test/",
      issuer: "https://idp.test",
      token: "usable",
    });
  });

  test("is part of the identity, and what it allows", async () => {
    const other = "https://other.test";
    const { fetch, count } = fakeIssuer({
      [`${other}${openid}`]: () => ({ ...metadata, issuer: other }),
    });
    const security = new EndpointSecurity({ fetch });
    await security.getToken(discovered);
    await security.getToken({
      ...discovered,
      issuer: other,
      allowedTokenEndpointOrigins: ["https://idp.test"],
    });
    await security.getToken({
      ...discovered,
      allowedTokenEndpointOrigins: ["https://idp.test"],
    });
    await security.getToken({
      ...discovered,
      issuer: undefined,
      tokenUrl: "https://idp.test/token",
    });
    expect(count("/token")).toBe(4);
  });
});

describe("nothing is sent to a token endpoint", () => {
  const answering = (body: object) => fakeIssuer({ [`https://idp.test${openid}`]: () => body });

  test.each<[what: string, body: object, problem: RegExp]>([
    ["of another issuer", { ...metadata, issuer: "https://evil.test" }, /is not the issuer that/],
    [
      "of an issuer written with a slash",
      { ...metadata, issuer: "https://idp.test/" },
      /with a sl/,
    ],
    ["of nobody", { token_endpoint: metadata.token_endpoint }, /is not the issuer that/],
    ["that isn't named", { issuer: metadata.issuer }, /names no token endpoint/],
    ["that is no URL", { ...metadata, token_endpoint: "/token" }, /that must be an absolute URL/],
    ["that is http", { ...metadata, token_endpoint: "http://idp.test/token" }, /that is http/],
    [
      "that holds a password",
      { ...metadata, token_endpoint: "https://a:b@idp.test/token" },
      /has a user name or password/,
    ],
    [
      "on another origin",
      { ...metadata, token_endpoint: "https://evil.test/token" },
      /on another origin, https:\/\/evil\.test/,
    ],
    [
      "on another port",
      { ...metadata, token_endpoint: "https://idp.test:8443/token" },
      /on another origin, https:\/\/idp\.test:8443/,
    ],
  ])("%s", async (_what, body, problem) => {
    const { fetch, asked } = answering(body);
    const error = await errorOf(new EndpointSecurity({ fetch }).getToken(discovered));
    expect(error).toMatchObject({
      code: "invalid_configuration",
      problems: [{ path: "issuer", problem: expect.stringMatching(problem) }],
    });
    expect(asked).toEqual([`https://idp.test${openid}`]);
  });

  test("on another origin, unless that is allowed", async () => {
    const { fetch, asked } = fakeIssuer({
      [`https://idp.test${openid}`]: () => ({
        ...metadata,
        token_endpoint: "https://tokens.test/token",
      }),
      "https://tokens.test/token": token,
    });
    const allowedTokenEndpointOrigins = ["https://tokens.test"];
    await new EndpointSecurity({ fetch }).getToken({ ...discovered, allowedTokenEndpointOrigins });
    expect(asked.at(-1)).toBe("https://tokens.test/token");
  });

  test("that doesn't support the client's authentication is reported with the methods it supports", async () => {
    const { fetch, asked } = answering({
      ...metadata,
      token_endpoint_auth_methods_supported: [
        "private_key_jwt",
        "client_secret_post",
        "<b>odd</b>",
      ],
    });
    const error = await errorOf(new EndpointSecurity({ fetch }).getToken(discovered));
    expect(error).toMatchObject({
      code: "invalid_configuration",
      problems: [
        {
          path: "tokenEndpointAuthMethod",
          problem: 'is "client_secret_basic", which the issuer doesn\'t support',
          fix: expect.stringMatching(/^choose "client_secret_post", "private_key_jwt", or set/),
        },
      ],
    });
    expect(asked).toEqual([`https://idp.test${openid}`]);
  });

  test("that doesn't support the algorithm of the client's assertions", async () => {
    const { fetch, count } = answering({
      ...metadata,
      token_endpoint_auth_methods_supported: ["private_key_jwt"],
      token_endpoint_auth_signing_alg_values_supported: ["RS256", "PS256"],
    });
    const { clientSecret: _, ...base } = discovered;
    const config = {
      ...base,
      tokenEndpointAuthMethod: "private_key_jwt",
      clientPrivateKey: privateKeys.p256,
    } as const;
    const error = await errorOf(new EndpointSecurity({ fetch }).getToken(config));
    expect(error).toMatchObject({
      problems: [{ path: "clientAssertionAlgorithm", problem: expect.stringContaining("ES256") }],
    });
    expect(count("/token")).toBe(0);
  });

  test("but to one that lists no method for public clients, or none at all", async () => {
    const { clientSecret: _, ...base } = discovered;
    const listed = answering({
      ...metadata,
      token_endpoint_auth_methods_supported: ["client_secret_basic"],
    });
    await new EndpointSecurity({ fetch: listed.fetch }).getToken({
      ...base,
      tokenEndpointAuthMethod: "none",
    });
    expect(listed.count("/token")).toBe(1);
    const unlisted = answering(metadata);
    await new EndpointSecurity({ fetch: unlisted.fetch }).getToken({
      ...discovered,
      tokenEndpointAuthMethod: "client_secret_post",
    });
    expect(unlisted.count("/token")).toBe(1);
  });
});

describe("an issuer that can't be asked", () => {
  test("is tried again, as a token endpoint is", async () => {
    const { fetch, asked } = fakeIssuer({
      [`https://idp.test${openid}`]: (count) => (count < 3 ? "no network" : metadata),
    });
    await new EndpointSecurity({ fetch }).getToken(discovered);
    expect(asked).toHaveLength(4);
  });

  test.each([
    ["network", () => "no network" as const, undefined],
    ["status", () => new Response("", { status: 503 }), 503],
  ])("fails the call: %s", async (reason, answer, status) => {
    const { fetch, count } = fakeIssuer({ [`https://idp.test${openid}`]: answer });
    const config = { ...discovered, tokenRequest: { retries: 0 } };
    const error = await errorOf(new EndpointSecurity({ fetch }).getToken(config));
    const tokenUrl = `https://idp.test${openid}`;
    expect(error).toMatchObject({ code: "token_endpoint_unavailable", reason, status, tokenUrl });
    expect(count("/token")).toBe(0);
  });

  test("and says nothing fails the call in time", async () => {
    stopTime();
    const { fetch } = fakeIssuer({ [`https://idp.test${openid}`]: () => "silence" });
    const call = errorOf(new EndpointSecurity({ fetch }).getToken(discovered));
    await pass(20_000);
    expect(await call).toMatchObject({ code: "token_endpoint_unavailable", reason: "timeout" });
  });

  test("because it has no metadata is reported with both URLs, and requested no more for a while", async () => {
    stopTime();
    const { fetch, asked, places } = fakeIssuer({
      [`https://idp.test${openid}`]: () => new Response("", { status: 403 }),
      [`https://idp.test${oauth}`]: () => new Response("<html>"),
    });
    const security = new EndpointSecurity({ fetch });
    for (const name of ["orders", "billing"]) {
      const error = await errorOf(security.getToken({ ...discovered, name, scope: name }));
      expect(error).toMatchObject({
        endpoint: name,
        problems: [
          {
            path: "issuer",
            problem: `has no metadata at https://idp.test${openid} (403) nor at https://idp.test${oauth} (no JSON)`,
          },
        ],
      });
    }
    expect(asked).toHaveLength(2);
    places[`https://idp.test${openid}`] = () => metadata;
    await pass(11_000);
    expect((await security.getToken(discovered)).accessToken).toBe("token-1");
  });

  test("because it answers without end is left", async () => {
    const endless = () => new Response(new Blob(["x".repeat(2 * 1024 * 1024)]));
    const { fetch, count } = fakeIssuer({ [`https://idp.test${openid}`]: endless });
    const config = { ...discovered, tokenRequest: { retries: 0 } };
    const error = await errorOf(new EndpointSecurity({ fetch }).getToken(config));
    expect(error.code).toBe("token_endpoint_unavailable");
    expect(count("/token")).toBe(0);
  });
});

describe("metadata", () => {
  const place = `https://idp.test${openid}`;
  const moved = { ...metadata, token_endpoint: "https://idp.test/moved" };

  test("that is an hour old is renewed in the background", async () => {
    stopTime();
    const { fetch, asked } = fakeIssuer({
      [place]: (count) => (count === 1 ? metadata : moved),
      "https://idp.test/moved": token,
    });
    const security = new EndpointSecurity({ fetch });
    await security.getToken(discovered);
    await pass(hourMs + 1000);
    await security.getToken({ ...discovered, scope: "a" });
    await pass(0);
    await security.getToken({ ...discovered, scope: "b" });
    expect(asked.filter((url) => url !== place)).toEqual([
      "https://idp.test/token",
      "https://idp.test/token",
      "https://idp.test/moved",
    ]);
    expect(asked.filter((url) => url === place)).toHaveLength(2);
  });

  test("that is a day old is renewed before it is used", async () => {
    stopTime();
    const { fetch, asked } = fakeIssuer({
      [place]: (count) => (count === 1 ? metadata : moved),
      "https://idp.test/moved": token,
    });
    const security = new EndpointSecurity({ fetch });
    await security.getToken(discovered);
    await pass(25 * hourMs);
    await security.getToken(discovered);
    expect(asked.slice(2)).toEqual([place, "https://idp.test/moved"]);
  });

  test.each([
    ["is out of reach", () => "no network" as const],
    ["says nothing", () => "silence" as const],
    ["has become somebody else's", () => ({ ...metadata, issuer: "https://evil.test" })],
  ])("is used on while its issuer %s", async (_what, answer) => {
    stopTime();
    const { fetch, places, count } = fakeIssuer();
    const security = new EndpointSecurity({ fetch });
    await security.getToken(discovered);
    places[place] = answer;
    await pass(30 * hourMs);
    const calls = [1, 2, 3].map((scope) => security.getToken({ ...discovered, scope: `${scope}` }));
    await pass(4_000);
    expect((await Promise.all(calls)).map(({ accessToken }) => accessToken).sort()).toEqual([
      "token-2",
      "token-3",
      "token-4",
    ]);
    expect(count(openid)).toBe(2);
  });

  test("is doubted when the token endpoint is gone from its place", async () => {
    stopTime();
    const { fetch, places, asked } = fakeIssuer({ "https://idp.test/moved": token });
    const security = new EndpointSecurity({ fetch });
    await security.getToken(discovered);
    places["https://idp.test/token"] = () => new Response("", { status: 404 });
    places[place] = () => moved;
    await pass(2 * 60_000);
    const config = { ...discovered, scope: "a", tokenRequest: { coolDownMs: 0 } };
    await expect(security.getToken(config)).rejects.toMatchObject({ status: 404 });
    await security.getToken(config);
    expect(asked.slice(-2)).toEqual([place, "https://idp.test/moved"]);
  });
});

test.each<[path: string, wrong: object, problem: RegExp]>([
  ["issuer", { tokenUrl: "https://idp.test/token" }, /as well as tokenUrl/],
  ["issuer", { issuer: "idp.test" }, /must be an absolute URL/],
  ["issuer", { issuer: "http://idp.test" }, /is http/],
  ["issuer", { issuer: "https://idp.test?a=b" }, /has a query/],
  ["issuer", { issuer: "https://idp.test#a" }, /has a fragment/],
  ["issuer", { issuer: "https://me:pw@idp.test" }, /has a user name or password/],
  ["issuer", { issuer: `https://idp.test${openid}` }, /is the URL of the issuer's metadata/],
  ["issuer", { issuer: 5 }, /got a number/],
  ["tokenUrl", { issuer: undefined }, /is missing/],
  ["allowedTokenEndpointOrigins", { allowedTokenEndpointOrigins: "https://a.test" }, /a string/],
  ["allowedTokenEndpointOrigins[0]", { allowedTokenEndpointOrigins: ["https://a.test/b"] }, /path/],
  [
    "allowedTokenEndpointOrigins",
    { issuer: undefined, tokenUrl: "https://a.test", allowedTokenEndpointOrigins: [] },
    /no effect without issuer/,
  ],
])("a mistake at %s is reported, given %j", async (path, wrong, problem) => {
  const mistakes = await mistakesIn({ ...discovered, ...wrong });
  expect(mistakes).toMatchObject([{ path, problem: expect.stringMatching(problem) }]);
});

test("an issuer on this machine may be http, and any with allowInsecureRequests", async () => {
  for (const [issuer, more] of [
    ["http://localhost:1234", {}],
    ["http://idp.internal.test", { allowInsecureRequests: true }],
  ] as const) {
    const { fetch, asked } = fakeIssuer({
      [`${issuer}${openid}`]: () => ({ issuer, token_endpoint: `${issuer}/token` }),
      [`${issuer}/token`]: token,
    });
    await new EndpointSecurity({ fetch }).getToken({ ...discovered, issuer, ...more });
    expect(asked).toHaveLength(2);
  }
});
