import axios from "axios";
import { EndpointSecurity } from "endpoint-security";
import { wrapAxios } from "endpoint-security/axios";
import { authInterceptor } from "endpoint-security/undici";
import nock from "nock";
import { Agent, request } from "undici";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { unchecked } from "../configuration/unchecked.ts";
import { startRecordingBackend } from "../fetch/recording-backend.ts";
import { respond } from "../servers/http-server.ts";

const security = new EndpointSecurity();
const keyAt = (url: string) =>
  ({ type: "api_key", url, queryParameter: "api_key", apiKey: async () => "k&1" }) as const;

/** Redirects `/old` to `/new`, keeping the query as many servers do, and `/away` to `elsewhere`. */
async function redirectingBackend(elsewhere = "") {
  return startRecordingBackend((res, { url }) => {
    const [path = "", query = ""] = url.split("?");
    if (path === "/old") return respond(res, 302, {}, { location: "/new" });
    if (path === "/away") return respond(res, 302, {}, { location: `${elsewhere}/x?${query}` });
    respond(res, 200, { ok: true });
  });
}

describe("an API key in the query", () => {
  it("is added to what fetch sends, in place of a parameter of its name", async () => {
    const { origin, requests } = await startRecordingBackend();
    const wrapped = security.wrapFetch(keyAt(origin));
    await wrapped("/a");
    await wrapped("/a?page=2&api_key=other", { method: "POST", body: "x" });
    await wrapped(
      new Request(`${origin}/a?q=1`, { method: "PUT", body: "y", headers: { a: "b" } }),
    );
    expect(requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      "GET /a?api_key=k%261",
      "POST /a?page=2&api_key=k%261",
      "PUT /a?q=1&api_key=k%261",
    ]);
    expect(requests.map(({ body }) => body.toString())).toEqual(["", "x", "y"]);
    expect(requests[2]?.headers.a).toBe("b");
  });

  it("goes with a redirect within the endpoint, and with none elsewhere", async () => {
    const other = await startRecordingBackend();
    const { origin, requests } = await redirectingBackend(other.origin);
    const client = axios.create();
    wrapAxios(client, security, keyAt(origin));
    const wrapped = security.wrapFetch(keyAt(origin));
    for (const send of [wrapped, (path: string) => client.get(path)]) {
      await send("/old");
      await send("/away?page=2");
    }
    const once = ["/old?api_key=k%261", "/new?api_key=k%261", "/away?page=2&api_key=k%261"];
    expect(requests.map(({ url }) => url)).toEqual([...once, ...once]);
    expect(other.requests.map(({ url }) => url)).toEqual(["/x?page=2", "/x?page=2"]);
  });

  it("is added to what axios sends, beside its params, and not to the config it returns", async () => {
    const { origin, requests } = await startRecordingBackend();
    const client = axios.create();
    wrapAxios(client, security, keyAt(origin));
    const { config } = await client.get("/a", { params: { page: 2 } });
    expect(requests[0]?.url).toBe("/a?api_key=k%261&page=2");
    expect(JSON.stringify(config)).not.toContain("k%261");
  });

  it("is added to what undici sends", async () => {
    const { origin, requests } = await startRecordingBackend();
    const dispatcher = new Agent().compose(authInterceptor(security, keyAt(origin)));
    const { statusCode } = await request(`${origin}/a?page=2`, { dispatcher });
    await dispatcher.close();
    expect([statusCode, requests[0]?.url]).toEqual([200, "/a?page=2&api_key=k%261"]);
  });

  it("is reported as rejected, and sent no second time", async () => {
    const { origin, requests } = await startRecordingBackend((res) => respond(res, 401, {}));
    const own = new EndpointSecurity();
    const events: unknown[] = [];
    own.on("credentialsRejected", (event) => events.push(event));
    expect((await own.wrapFetch(keyAt(origin))("/a")).status).toBe(401);
    expect(requests).toHaveLength(1);
    expect(events).toMatchObject([{ status: 401, replayed: false, reason: "not_renewable" }]);
  });

  it("is no header: without a wrapper the error says what to do", async () => {
    const config = keyAt("https://maps.example.test");
    for (const call of [security.getAuthHeader(config), security.getAuthHeaders(config)]) {
      await expect(call).rejects.toMatchObject({
        code: "invalid_configuration",
        problems: [{ path: "queryParameter", fix: expect.stringContaining("wrapFetch") }],
      });
    }
  });

  it.each([
    [{ headerName: "X-Key" }, "headerName"],
    [{ queryParameter: "" }, "queryParameter"],
  ])("is refused with %j", async (more, path) => {
    const config = unchecked({ ...keyAt("https://maps.example.test"), ...more });
    await expect(security.getAuthHeaders(config)).rejects.toMatchObject({ problems: [{ path }] });
  });
});

describe("headerName and headerPrefix of an OAuth 2.0 endpoint", () => {
  const orders = {
    url: "https://orders.example.test",
    grantType: "client_credentials",
    tokenUrl: "https://idp.example.test/token",
    clientId: "checkout",
    clientSecret: "secret",
  } as const;
  let count = 0;
  beforeEach(() => {
    count = 0;
    nock.disableNetConnect();
    nock("https://idp.example.test")
      .post("/token")
      .times(5)
      .reply(200, () => ({ access_token: `t${++count}`, token_type: "Bearer", expires_in: 3600 }));
  });
  afterEach(() => {
    nock.cleanAll();
    nock.enableNetConnect();
  });

  it.each([
    [{ headerName: "X-Token" }, { "X-Token": "Bearer t1" }],
    [{ headerPrefix: "Token" }, { Authorization: "Token t1" }],
    [{ headerName: "X-Token", headerPrefix: "" }, { "X-Token": "t1" }],
    [{ headerPrefix: "OAuth 2" }, { Authorization: "OAuth 2 t1" }],
  ])("%j sends %j", async (more, headers) => {
    const own = new EndpointSecurity();
    expect(await own.getAuthHeaders({ ...orders, ...more })).toEqual(headers);
    const [value] = Object.values(headers);
    expect(await own.getAuthHeader({ ...orders, ...more })).toBe(value);
    expect(await own.getAuthHeader({ ...orders, ...more })).toBe(value);
  });

  it("leave the token the same: endpoints that differ in them share it", async () => {
    const own = new EndpointSecurity();
    const bare = { ...orders, headerPrefix: "" };
    expect(await own.getAuthHeader(orders)).toBe("Bearer t1");
    expect(await own.getAuthHeader(bare)).toBe("t1");
    expect(await own.getAuthHeader(orders)).toBe("Bearer t1");
    expect(count).toBe(1);
  });

  it.each([
    { headerName: "X-Token", headerPrefix: "" },
    { headerName: "X-Token" },
    { headerPrefix: "OAuth 2" },
  ])("have a rejected token renewed, with %j", async (more) => {
    const own = new EndpointSecurity();
    const sent: string[] = [];
    const wrapped = own.wrapFetch(
      { ...orders, ...more },
      {
        fetch: async (_, init) => {
          const headers = new Headers(init?.headers);
          sent.push(String(headers.get(more.headerName ?? "Authorization")));
          const challenge = { "www-authenticate": 'Bearer error="invalid_token"' };
          return sent.length === 1
            ? new Response(null, { status: 401, headers: challenge })
            : new Response();
        },
      },
    );
    expect((await wrapped("/orders")).status).toBe(200);
    expect(sent.map((value) => value.split(" ").at(-1))).toEqual(["t1", "t2"]);
  });

  it.each([
    [{ headerName: "X-Token", headerPrefix: "" }, "Bearer", []],
    [{ headerPrefix: "Token" }, "Bearer", []],
    [{ headerName: "X-Token" }, "Basic", ["Basic"]],
  ])("%j and a challenge of %s: reported as another kind are %j", async (more, asked, expected) => {
    const own = new EndpointSecurity();
    const mismatches: unknown[] = [];
    own.on("challengeMismatch", ({ asked: schemes }) => mismatches.push(...schemes));
    const wrapped = own.wrapFetch(
      { ...orders, ...more },
      {
        fetch: async () =>
          new Response(null, {
            status: 401,
            headers: { "www-authenticate": `${asked} realm="orders"` },
          }),
      },
    );
    expect((await wrapped("/orders")).status).toBe(401);
    expect(mismatches).toEqual(expected);
  });

  it("have a rejected header exchanged for another token", async () => {
    const own = new EndpointSecurity();
    const config = { ...orders, headerPrefix: "OAuth 2" };
    const rejectedToken = await own.getAuthHeader(config);
    expect(await own.getAuthHeader(config, { rejectedToken })).toBe("OAuth 2 t2");
  });

  it.each([
    ["headerName", { headerName: "not a name" }],
    ["headerPrefix", { headerPrefix: "ü" }],
  ])("%s must fit into a header", async (path, more) => {
    const call = new EndpointSecurity().getAuthHeader({ ...orders, ...more });
    await expect(call).rejects.toMatchObject({ problems: [{ path }] });
  });
});
