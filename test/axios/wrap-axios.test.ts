import { Readable } from "node:stream";
import axios, { type AxiosInstance, isAxiosError } from "axios";
import { DestinationRefusedError, EndpointSecurity } from "endpoint-security";
import { wrapAxios } from "endpoint-security/axios";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type RunningBackend, startBackend } from "../servers/backend.ts";
import { listen } from "../servers/http-server.ts";
import { type RunningAuthorizationServer, startOidcProvider } from "../servers/oidc-provider.ts";

let server: RunningAuthorizationServer;
let backend: RunningBackend;
let security: EndpointSecurity;
let client: AxiosInstance;

const endpoint = () => ({
  name: "orders",
  url: backend.url,
  grantType: "client_credentials" as const,
  tokenUrl: server.tokenUrl,
  clientId: "checkout",
  clientSecret: "checkout-secret",
  scope: "orders:read",
});

beforeAll(async () => {
  server = await startOidcProvider();
});
afterAll(() => server.close());

beforeEach(async () => {
  server.resetTokenRequests();
  backend = await startBackend(server);
  security = new EndpointSecurity();
  client = axios.create();
  return async () => {
    await security.close();
    await backend.close();
  };
});

async function revokeCurrent(): Promise<void> {
  const { accessToken } = await security.getToken(endpoint());
  backend.revoke(accessToken);
}

describe("a wrapped axios", () => {
  it("sends the token to URLs joined below the endpoint's url", async () => {
    wrapAxios(client, security, endpoint());
    const { data } = await client.get("/42", { params: { page: 2 } });
    expect(data).toMatchObject({ path: "/v1/orders/42", query: { page: "2" } });
    expect(data.claims).toMatchObject({ client_id: "checkout" });
  });

  it("keeps a baseURL of the caller's, as long as it is below the endpoint's url", async () => {
    wrapAxios(client, security, endpoint());
    const { data } = await client.get("42", { baseURL: `${backend.url}/open` });
    expect(data.path).toBe("/v1/orders/open/42");
    await expect(client.get("/42", { baseURL: backend.origin })).rejects.toBeInstanceOf(
      DestinationRefusedError,
    );
  });

  it("refuses other origins, and nothing is sent there", async () => {
    const elsewhere: string[] = [];
    const other = await listen((request, response) => {
      elsewhere.push(String(request.url));
      response.end();
    });
    wrapAxios(client, security, endpoint());
    // Whatever changes the request later than the wrapper sees it changes nothing about that.
    client.interceptors.request.use((config) => ({ ...config, url: `${other.origin}/x` }));
    await expect(client.get("/42")).rejects.toBeInstanceOf(DestinationRefusedError);
    await other.close();
    expect(elsewhere).toEqual([]);
  });

  it("renews a revoked token once for 100 requests in flight, and none of them fails", async () => {
    wrapAxios(client, security, endpoint());
    await revokeCurrent();
    server.resetTokenRequests();
    const all = await Promise.all(
      Array.from({ length: 100 }, (_, id) => client.post(`/${id}`, { id })),
    );
    expect(all.map(({ data }) => data.body.id)).toEqual(Array.from({ length: 100 }, (_, id) => id));
    expect(server.countTokenRequests()).toBe(1);
  });

  it.each([
    ["an object", () => ({ a: 1 }), { a: 1 }],
    ["a string", () => "text", "text"],
    ["a Buffer", () => Buffer.from("bytes"), "bytes"],
    ["URLSearchParams", () => new URLSearchParams({ a: "1" }), "a=1"],
  ])("sends %s a second time after a 401", async (_, body, sent) => {
    wrapAxios(client, security, endpoint());
    await revokeCurrent();
    const { data } = await client.post("/42", body());
    expect(data.body).toEqual(sent);
  });

  it("doesn't send a stream a second time: the 401 comes as it is, and the next call is good", async () => {
    wrapAxios(client, security, endpoint());
    await revokeCurrent();
    const failure = await client.post("/42", Readable.from(["abc"])).catch((error) => error);
    expect(isAxiosError(failure) && failure.response?.status).toBe(401);
    expect((await client.get("/42")).status).toBe(200);
  });

  it("replays where validateStatus takes a 401 for good", async () => {
    wrapAxios(client, security, endpoint());
    await revokeCurrent();
    const { status } = await client.get("/42", { validateStatus: () => true });
    expect(status).toBe(200);
  });

  it("renews nothing on a 403, and leaves axios' errors as they are", async () => {
    wrapAxios(client, security, { ...endpoint(), url: `${backend.origin}/v1` });
    const failure = await client.get("/admin/x").catch((error) => error);
    expect(isAxiosError(failure) && failure.response?.status).toBe(403);
    expect(server.countTokenRequests()).toBe(1);
  });

  it("shows the credentials neither in the config of an answer nor in that of an error", async () => {
    wrapAxios(client, security, { ...endpoint(), url: `${backend.origin}/v1` });
    const { config } = await client.get("/42");
    const headers = { authorization: "the caller's own" };
    const failure = await client.get("/admin/x", { headers }).catch((error) => error);
    const shown = JSON.stringify([config, failure]);
    expect(shown).toContain("/admin/x");
    expect(shown).not.toMatch(/bearer/i);
  });

  it("gives a second 401 to the caller as it came", async () => {
    wrapAxios(client, security, endpoint());
    backend.refuseAll(true);
    const failure = await client.get("/42").catch((error) => error);
    expect(isAxiosError(failure) && failure.response?.status).toBe(401);
    expect(backend.requests).toHaveLength(2);
  });

  it("runs interceptors once for a request that was sent twice", async () => {
    let requests = 0;
    let responses = 0;
    client.interceptors.request.use((config) => {
      requests++;
      return config;
    });
    client.interceptors.response.use((response) => {
      responses++;
      return response;
    });
    wrapAxios(client, security, endpoint());
    await revokeCurrent();
    await client.get("/42");
    expect([requests, responses, backend.requests.length]).toEqual([1, 1, 2]);
  });

  it("sends a request again by its config, as retrying interceptors do", async () => {
    wrapAxios(client, security, endpoint());
    const first = await client.get("/42");
    const second = await client.request(first.config);
    expect(second.status).toBe(200);
  });

  it("takes the place of axios' own auth", async () => {
    wrapAxios(client, security, endpoint());
    await client.get("/42", { auth: { username: "a", password: "b" } });
    expect(backend.requests[0]?.authorization).toMatch(/^Bearer /);
  });

  it("takes credentials along a redirect within the endpoint", async () => {
    wrapAxios(client, security, { ...endpoint(), url: `${backend.origin}/v1` });
    const to = encodeURIComponent(`${backend.origin}/v1/orders/42`);
    const { data } = await client.get(`/redirect?to=${to}`);
    expect(data.path).toBe("/v1/orders/42");
  });

  it.each(["http", "fetch"])(
    "leaves an API key behind on a redirect to elsewhere, with the %s adapter",
    async (adapter) => {
      const seen: unknown[] = [];
      const other = await listen((request, response) => {
        seen.push(request.headers["x-api-key"]);
        response.end("{}");
      });
      const own = await listen((request, response) => {
        expect(request.headers["x-api-key"]).toBe("the-key");
        response.writeHead(302, { location: `${other.origin}/` }).end();
      });
      const key = {
        type: "api_key" as const,
        url: own.origin,
        headerName: "X-API-Key",
        apiKey: "the-key",
      };
      wrapAxios(client, security, key);
      await client.get("/", { adapter }).catch(() => {});
      await Promise.all([own.close(), other.close()]);
      expect(seen.filter((value) => value !== undefined)).toEqual([]);
    },
  );

  it("follows changes of the configuration made in place", async () => {
    const changing = { ...endpoint(), customParameters: { tenant: "acme" } };
    wrapAxios(client, security, changing);
    const before = await client.get("/42");
    changing.customParameters.tenant = "globex";
    const after = await client.get("/42");
    expect([before.data.claims.tenant, after.data.claims.tenant]).toEqual(["acme", "globex"]);
  });

  it("fails where it is wrapped for a wrong configuration", () => {
    const wrong = { ...endpoint(), clientSecret: "******" };
    expect(() => wrapAxios(client, security, wrong)).toThrow(/masked/);
  });

  it("rejects with the typed error where there is no token, and sends nothing", async () => {
    wrapAxios(client, security, { ...endpoint(), clientSecret: "wrong" });
    await expect(client.get("/42")).rejects.toMatchObject({ code: "token_request_rejected" });
    expect(backend.requests).toEqual([]);
  });

  it("can be taken off again", async () => {
    const unwrap = wrapAxios(client, security, endpoint());
    unwrap();
    const failure = await client.get(`${backend.url}/42`).catch((error) => error);
    expect(isAxiosError(failure) && failure.response?.status).toBe(401);
    expect(backend.requests[0]?.authorization).toBeUndefined();
  });
});
