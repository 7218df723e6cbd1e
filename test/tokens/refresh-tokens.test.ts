import { defineGrant, EndpointSecurity } from "endpoint-security";
import Keyv from "keyv";
import { expect, onTestFinished, test, vi } from "vitest";
import { unchecked } from "../configuration/unchecked.ts";
import { startOAuth2Server } from "../servers/oauth2-server.ts";
import { errorOf, scriptedFetch, stopTime, token } from "./fake-time.ts";
import { checkout, checkoutFor } from "./token-endpoint.ts";

const tokenUrl = "https://idp.example.test/token";
const hour = 3_600_000;

type Script = (count: number, form: URLSearchParams) => Response | "no network";

/** Tokens of an hour, and what issued each. */
function start(how: Script, endpoint: object = checkoutFor(tokenUrl, { scope: "orders:read" })) {
  stopTime();
  const asked: URLSearchParams[] = [];
  const script = scriptedFetch((count, body) => {
    const form = new URLSearchParams(body);
    asked.push(form);
    return how(count, form);
  });
  const security = new EndpointSecurity({ fetch: script.fetch });
  const renewed = async () => {
    vi.setSystemTime(Date.now() + hour);
    return (await security.getToken(unchecked(endpoint))).accessToken;
  };
  const grants = () => asked.map((form) => form.get("grant_type"));
  return { asked, grants, security, endpoint: unchecked(endpoint), renewed };
}

const withRefresh = (count: number, more: object = {}) =>
  token(count, { refresh_token: `refresh-${count}`, ...more });
const refused = () => Response.json({ error: "invalid_grant" }, { status: 400 });

test("the next token is asked for with the refresh token, and without the password", async () => {
  const { asked, security, endpoint, renewed } = start((n) => withRefresh(n));
  await security.getToken(endpoint);
  expect(await renewed()).toBe("token-2");
  expect(Object.fromEntries(asked[1] ?? [])).toEqual({
    grant_type: "refresh_token",
    refresh_token: "refresh-1",
  });
});

test("a rotated refresh token takes the place of the one before", async () => {
  const { asked, security, endpoint, renewed } = start((n) => withRefresh(n));
  await security.getToken(endpoint);
  await renewed();
  await renewed();
  expect(asked.map((form) => form.get("refresh_token"))).toEqual([null, "refresh-1", "refresh-2"]);
});

test("a refresh token is kept where the answer has no other", async () => {
  const { asked, security, endpoint, renewed } = start((n) =>
    n === 1 ? withRefresh(1) : token(n),
  );
  await security.getToken(endpoint);
  await renewed();
  await renewed();
  expect(asked.map((form) => form.get("refresh_token"))).toEqual([null, "refresh-1", "refresh-1"]);
});

test("the scope is the one granted before, where the answer doesn't tell it", async () => {
  const { security, endpoint } = start((n) =>
    n === 1 ? withRefresh(1, { scope: "orders:read" }) : token(n),
  );
  await security.getToken(endpoint);
  vi.setSystemTime(Date.now() + hour);
  expect((await security.getToken(endpoint)).scope).toBe("orders:read");
});

test("any refusal goes back to the password within the same call, and is reported as an event", async () => {
  const { grants, security, endpoint, renewed } = start((n, form) =>
    form.get("grant_type") === "refresh_token" ? refused() : withRefresh(n),
  );
  const failed = vi.fn();
  security.on("tokenRequestFailed", failed);
  await security.getToken(endpoint);
  expect(await renewed()).toBe("token-3");
  expect(grants()).toEqual(["password", "refresh_token", "password"]);
  expect(failed).toHaveBeenCalledOnce();
  expect(failed.mock.calls[0]?.[0]).toMatchObject({ grantType: "refresh_token" });
  // The refusal was about the refresh token, and nothing cools down for it.
  expect(await renewed()).toBe("token-5");
});

test.each([
  ["an answer that is no JSON", () => new Response("<html>")],
  ["an answer without a token", () => Response.json({})],
  ["a token of another type", () => token(2, { token_type: "DPoP" })],
  ["a token that has expired", () => token(2, { expires_in: 1e-9 })],
])("%s to a refresh token goes back to the password, too", async (_, answer) => {
  const { grants, security, endpoint, renewed } = start((n, form) =>
    form.get("grant_type") === "refresh_token" ? answer() : withRefresh(n),
  );
  await security.getToken(endpoint);
  expect(await renewed()).toBe("token-3");
  expect(grants()).toEqual(["password", "refresh_token", "password"]);
});

test("a token endpoint that is out of order isn't asked for the password grant as well", async () => {
  const { grants, security, endpoint } = start(
    (n) => (n === 1 ? withRefresh(1) : new Response(null, { status: 503 })),
    checkoutFor(tokenUrl, { tokenRequest: { retries: 0 } }),
  );
  await security.getToken(endpoint);
  vi.setSystemTime(Date.now() + hour);
  const error = await errorOf(security.getToken(endpoint));
  expect(error.code).toBe("token_endpoint_unavailable");
  expect(grants()).toEqual(["password", "refresh_token"]);
});

test.each(["refresh_expires_in", "refresh_token_expires_in"])(
  "a refresh token past its own end (%s) isn't sent",
  async (member) => {
    const { grants, security, endpoint, renewed } = start((n) =>
      withRefresh(n, { [member]: 1800 }),
    );
    await security.getToken(endpoint);
    await renewed();
    expect(grants()).toEqual(["password", "password"]);
  },
);

test("a refresh token with a lifetime of 0 never expires", async () => {
  const { grants, security, endpoint, renewed } = start((n) =>
    withRefresh(n, { refresh_expires_in: 0 }),
  );
  await security.getToken(endpoint);
  await renewed();
  expect(grants()).toEqual(["password", "refresh_token"]);
});

test("client_credentials ignores a refresh token", async () => {
  const { grants, security, endpoint, renewed } = start((n) => withRefresh(n), checkout(tokenUrl));
  await security.getToken(endpoint);
  await renewed();
  expect(grants()).toEqual(["client_credentials", "client_credentials"]);
});

test.each([true, false])("a custom grant uses them if it wants to (%s)", async (refreshTokens) => {
  const device = defineGrant({
    grantType: "urn:example:device",
    refreshTokens,
    parameters: (fields: { readonly serial: string }) => ({ serial: fields.serial }),
  });
  stopTime();
  const asked: (string | null)[] = [];
  const script = scriptedFetch((count, body) => {
    asked.push(new URLSearchParams(body).get("grant_type"));
    return withRefresh(count);
  });
  const security = new EndpointSecurity({ fetch: script.fetch, grants: [device] });
  const { grantType: _, ...common } = checkout(tokenUrl);
  const endpoint = { ...common, grantType: "urn:example:device" as const, serial: "1" };
  await security.getToken(endpoint);
  vi.setSystemTime(Date.now() + hour);
  await security.getToken(endpoint);
  expect(asked).toEqual([device.grantType, refreshTokens ? "refresh_token" : device.grantType]);
});

test("a token that the backend refused is replaced with the refresh token", async () => {
  const { grants, security, endpoint } = start((n) => withRefresh(n));
  const { accessToken: rejectedToken } = await security.getToken(endpoint);
  expect((await security.getToken(endpoint, { rejectedToken })).accessToken).toBe("token-2");
  expect(grants()).toEqual(["password", "refresh_token"]);
});

test("invalidate forgets the refresh token as well", async () => {
  const { grants, security, endpoint } = start((n) => withRefresh(n));
  await security.getToken(endpoint);
  await security.invalidate(endpoint);
  await security.getToken(endpoint);
  expect(grants()).toEqual(["password", "password"]);
});

test("no message, event or JSON shows a refresh token", async () => {
  const { security, endpoint, renewed } = start((n, form) =>
    form.get("grant_type") === "refresh_token"
      ? Response.json(
          { error: "invalid_grant", error_description: `no ${form.get("refresh_token")} here` },
          { status: 400 },
        )
      : withRefresh(n),
  );
  const told: unknown[] = [];
  security.on("tokenRequestFailed", (event) => told.push(event, event.error.message));
  told.push(await security.getToken(endpoint));
  await renewed();
  expect(told).toHaveLength(3);
  expect(JSON.stringify(told)).not.toContain("refresh-1");
});

test("a cache without leases keeps nobody from the password: another process may use the refresh token", async () => {
  stopTime();
  const asked: (string | null)[] = [];
  const script = scriptedFetch((count, body) => {
    asked.push(new URLSearchParams(body).get("grant_type"));
    return withRefresh(count);
  });
  const security = new EndpointSecurity({ cache: new Keyv(), fetch: script.fetch });
  const endpoint = checkoutFor(tokenUrl);
  await security.getToken(endpoint);
  vi.setSystemTime(Date.now() + hour);
  await security.getToken(endpoint);
  expect(asked).toEqual(["password", "password"]);
});

test("a real server that rotates refresh tokens sees each of them once", async () => {
  const server = await startOAuth2Server({ accessTokenTtl: 3600 });
  onTestFinished(server.close);
  const security = new EndpointSecurity();
  const endpoint = checkoutFor(server.tokenUrl);
  let { accessToken } = await security.getToken(endpoint);
  for (let round = 0; round < 5; round++) {
    const { accessToken: next } = await security.getToken(endpoint, { rejectedToken: accessToken });
    expect(next).not.toBe(accessToken);
    accessToken = next;
  }
  expect(server.isActive(accessToken)).toBe(true);
  expect(server.familiesRevoked).toBe(0);
  expect(server.countTokenRequests()).toBe(6);
});
