import axios, { AxiosError, type AxiosResponse, type InternalAxiosRequestConfig } from "axios";
import oldest from "axios-oldest";
import { EndpointSecurity } from "endpoint-security";
import { wrapAxios } from "endpoint-security/axios";
import { describe, expect, it, onTestFinished } from "vitest";
import { startDpopBackend } from "../dpop/dpop-backend.ts";
import { bearerEndpoint } from "../fetch/bearer-endpoint.ts";
import { refusing, startRecordingBackend } from "../fetch/recording-backend.ts";
import { respond } from "../servers/http-server.ts";
import { startOidcProvider } from "../servers/oidc-provider.ts";
import { startSilentServer } from "../servers/silent-server.ts";
import { checkout } from "../tokens/token-endpoint.ts";

const key = { type: "api_key", headerName: "X-Key", apiKey: "k" } as const;

describe.each([
  ["the newest", axios],
  ["the oldest", oldest as unknown as typeof axios],
])("with %s axios that is allowed", (_name, library) => {
  it("sends a request to the URL that was checked", async () => {
    const evil = await startRecordingBackend();
    const backend = await startRecordingBackend();
    for (const options of [
      { allowAbsoluteUrls: false },
      { allowAbsoluteUrls: false, adapter: "fetch" as const },
    ]) {
      const client = library.create({ baseURL: backend.origin, ...options });
      wrapAxios(client, new EndpointSecurity(), { ...key, url: backend.origin });
      await client.get(`${evil.origin}/orders`).catch(() => {});
    }
    expect(evil.requests).toEqual([]);
  });

  it("leaves the caller's config as it was, so that a request sent again by it starts again", async () => {
    const backend = await startRecordingBackend();
    const client = library.create();
    wrapAxios(client, new EndpointSecurity(), { ...key, url: backend.origin });
    const { config } = await client.get("/a", { params: { page: 1 } });
    expect([config.url, config.baseURL, config.beforeRedirect]).toEqual([
      "/a",
      undefined,
      undefined,
    ]);
    await client.request(config);
    expect(backend.requests.map(({ url }) => url)).toEqual(["/a?page=1", "/a?page=1"]);
  });
});

describe("the caller's deadline", () => {
  const silent = async () => {
    const server = await startSilentServer();
    onTestFinished(server.close);
    const security = new EndpointSecurity();
    onTestFinished(() => security.close());
    const endpoint = {
      ...checkout(`http://127.0.0.1:${server.port}/token`),
      url: `http://127.0.0.1:${server.port}`,
    };
    return {
      security,
      endpoint: { ...endpoint, tokenRequest: { timeoutMs: 1_000, retries: 0 } },
    };
  };

  it("as axios' timeout covers the wait for a token, with axios' own error", async () => {
    const { security, endpoint } = await silent();
    const client = axios.create({ timeout: 50 });
    wrapAxios(client, security, endpoint);
    await expect(client.get("/x")).rejects.toMatchObject({
      code: AxiosError.ECONNABORTED,
      message: "timeout of 50ms exceeded",
    });
  });

  it("as a cancelled cancelToken or an aborted signal covers the wait for a token", async () => {
    const { security, endpoint } = await silent();
    const client = axios.create();
    wrapAxios(client, security, endpoint);
    const { token, cancel } = axios.CancelToken.source();
    const controller = new AbortController();
    const calls = [
      client.get("/x", { cancelToken: token }),
      client.get("/x", { signal: controller.signal }),
    ];
    cancel("enough");
    controller.abort();
    const reasons = await Promise.all(calls.map((call) => call.catch((error: unknown) => error)));
    expect(reasons.map((reason) => axios.isCancel(reason))).toEqual([true, true]);
  });

  it("as transport.timeoutMs covers the wait for a token", async () => {
    const { security, endpoint } = await silent();
    const client = axios.create();
    wrapAxios(client, security, { ...endpoint, transport: { timeoutMs: 50 } });
    await expect(client.get("/x")).rejects.toMatchObject({ code: AxiosError.ECONNABORTED });
  });
});

describe("an adapter of a test's own", () => {
  it("may answer 401 without headers: the token is renewed and the request replayed", async () => {
    const sent: unknown[] = [];
    const adapter = async (config: InternalAxiosRequestConfig) => {
      sent.push(config.headers.get("authorization"));
      const status = sent.length === 1 ? 401 : 200;
      const response = { status, statusText: "", data: {}, config } as AxiosResponse;
      if (status === 200) return response;
      throw new AxiosError("no", "ERR_BAD_REQUEST", config, undefined, response);
    };
    const { security, endpoint } = bearerEndpoint("https://orders.example.test");
    const client = axios.create({ adapter });
    wrapAxios(client, security, endpoint);
    expect((await client.get("/x")).status).toBe(200);
    expect(sent).toEqual(["Bearer token-1", "Bearer token-2"]);
  });
});

describe("a wrapped axios", () => {
  it("releases the connection of a large refusal that issued as a stream", async () => {
    const backend = await startRecordingBackend((res, { headers }) =>
      headers.authorization === "Bearer token-1"
        ? respond(res, 401, Buffer.alloc(2 * 1024 * 1024).toString())
        : respond(res, 200, { ok: true }),
    );
    const { security, endpoint } = bearerEndpoint(backend.origin);
    onTestFinished(() => security.close());
    const client = axios.create({ responseType: "stream" });
    wrapAxios(client, security, { ...endpoint, transport: { maxConnections: 1 } });
    expect((await client.get("/x")).status).toBe(200);
  });

  it("keeps axios' own auth beside an API key in another header", async () => {
    const backend = await startRecordingBackend();
    const client = axios.create({ auth: { username: "u", password: "p" } });
    wrapAxios(client, new EndpointSecurity(), { ...key, url: backend.origin });
    await client.get("/x");
    expect(backend.requests[0]?.headers).toMatchObject({
      authorization: "Basic dTpw",
      "x-key": "k",
    });
  });

  it("takes the current token along to a redirect's target after a retry by the config", async () => {
    const backend = await startRecordingBackend((res, request) =>
      request.url === "/a" && request.headers.authorization !== "Bearer token-1"
        ? respond(res, 302, "", { location: "/b" })
        : refusing("token-1")(res, request),
    );
    const { security, endpoint } = bearerEndpoint(backend.origin);
    const client = axios.create();
    wrapAxios(client, security, endpoint);
    await client.get("/a");
    expect(backend.requests.map(({ url, headers }) => [url, headers.authorization])).toEqual([
      ["/a", "Bearer token-1"],
      ["/a", "Bearer token-2"],
      ["/b", "Bearer token-2"],
    ]);
  });

  it("signs a new proof for a redirect within the endpoint", async () => {
    const server = await startOidcProvider({ dpop: { requireNonce: false } });
    onTestFinished(server.close);
    const backend = await startDpopBackend(server);
    const redirecting = await startRecordingBackend((res) =>
      respond(res, 307, "", { location: `${backend.url}/orders` }),
    );
    const security = new EndpointSecurity();
    const config = { ...checkout(server.tokenUrl), scope: "orders:read", dpop: true };
    const client = axios.create();
    wrapAxios(client, security, { ...config, url: backend.url });
    expect((await client.get("/orders")).status).toBe(200);
    // From elsewhere it is sent on without credentials.
    const other = axios.create({ validateStatus: () => true });
    wrapAxios(other, security, { ...config, url: redirecting.origin });
    expect((await other.get("/x")).status).toBe(401);
    expect(server.countTokenRequests()).toBe(1);
  });
});
