import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { EndpointSecurity, type Fetch } from "endpoint-security";
import { googleAuthClient } from "endpoint-security/google";
import { type AuthClient, GoogleAuth, gaxios, PassThroughClient } from "google-auth-library";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type RunningBackend, startBackend } from "../servers/backend.ts";
import { listen } from "../servers/http-server.ts";
import { type RunningAuthorizationServer, startOidcProvider } from "../servers/oidc-provider.ts";
import { checkout } from "../tokens/token-endpoint.ts";

let server: RunningAuthorizationServer;
let backend: RunningBackend;
let security: EndpointSecurity;
let client: AuthClient;

beforeAll(async () => {
  server = await startOidcProvider();
});
afterAll(() => server.close());

beforeEach(async () => {
  server.resetTokenRequests();
  backend = await startBackend(server);
  security = new EndpointSecurity();
  client = googleAuthClient(new PassThroughClient(), security, endpoint());
  return async () => {
    await security.close();
    await backend.close();
  };
});

const endpoint = () => checkout(server.tokenUrl, { url: `${backend.origin}/v1` });

async function revokeCurrent(): Promise<void> {
  backend.revoke((await security.getToken(endpoint())).accessToken);
}

describe("an AuthClient of google-auth-library, by googleAuthClient", () => {
  it("sends the token, one for all requests", async () => {
    const url = `${backend.origin}/v1/orders`;
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, id) =>
        client.request<object>({ url, method: "POST", params: { id }, data: { id } }),
      ),
    );
    expect(answers[7]?.data).toMatchObject({
      method: "POST",
      path: "/v1/orders",
      query: { id: "7" },
      body: { id: 7 },
      claims: { client_id: "checkout" },
    });
    expect(server.countTokenRequests()).toBe(1);
  });

  it("serves a GoogleAuth, through request, fetch, headers and token", async () => {
    const auth = new GoogleAuth({ authClient: client });
    const url = `${backend.origin}/v1/orders/42`;
    expect((await auth.request({ url })).status).toBe(200);
    expect((await auth.fetch(url)).status).toBe(200);
    const headers = await auth.getRequestHeaders(url);
    expect(headers.get("authorization")).toBe(`Bearer ${await auth.getAccessToken()}`);
    expect((await fetch(url, { headers })).status).toBe(200);
    expect(server.countTokenRequests()).toBe(1);
  });

  it("has a revoked token renewed once for 50 requests in flight, and none of them fails", async () => {
    await revokeCurrent();
    const url = `${backend.origin}/v1/orders`;
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, id) =>
        client.request<{ body: object }>({ url, method: "POST", data: { id } }),
      ),
    );
    expect(answers.map(({ data }) => data.body)).toEqual(answers.map((_, id) => ({ id })));
    expect(server.countTokenRequests()).toBe(2);
  });

  it("fails with gaxios' own error where the backend says no, and renews nothing on a 403", async () => {
    const failure = await client.request({ url: `${backend.origin}/v1/admin` }).catch((e) => e);
    expect(failure).toBeInstanceOf(gaxios.GaxiosError);
    expect(failure.status).toBe(403);
    expect(server.countTokenRequests()).toBe(1);
  });

  it("sends nothing without a token, and says why", async () => {
    const wrong = { ...endpoint(), clientSecret: "wrong" };
    const bare = googleAuthClient(new PassThroughClient(), security, wrong);
    await expect(bare.request({ url: `${backend.origin}/v1/orders` })).rejects.toMatchObject({
      cause: { code: "token_request_rejected", error: "invalid_client" },
    });
    await expect(bare.getAccessToken()).rejects.toMatchObject({ code: "token_request_rejected" });
    await expect(bare.getRequestHeaders()).rejects.toMatchObject({
      code: "token_request_rejected",
    });
    expect(backend.requests).toHaveLength(0);
  });

  it("keeps its credentials from anywhere but the endpoint", async () => {
    const seen: (string | undefined)[] = [];
    const other = await listen(({ headers }, response) => {
      seen.push(headers.authorization);
      response.end();
    });
    const refused = { code: "destination_refused" };
    await expect(client.request({ url: other.origin })).rejects.toMatchObject({ cause: refused });
    await expect(client.getRequestHeaders(other.origin)).rejects.toMatchObject(refused);
    await expect(client.getRequestHeaders(new URL(backend.origin))).rejects.toMatchObject(refused);
    const url = `${backend.origin}/v1/redirect`;
    await client.request({ url, params: { to: other.origin } });
    expect(seen).toEqual([undefined]);
    await other.close();
  });

  it("sends and receives streams of Node's", async () => {
    const { data } = await client.request<Readable>({
      url: `${backend.origin}/v1/orders`,
      method: "POST",
      data: Readable.from(["a", "b"]),
      responseType: "stream",
    });
    expect(data).toBeInstanceOf(Readable);
    expect(JSON.parse(await text(data))).toMatchObject({ body: "ab" });
  });

  it("aborts as gaxios does", async () => {
    const url = `${backend.origin}/v1/orders`;
    const signal = AbortSignal.abort();
    await expect(client.request({ url, signal })).rejects.toMatchObject({
      cause: { name: "AbortError" },
    });
    expect(backend.requests).toHaveLength(0);
  });

  it("names the quota project, unless the request names another", async () => {
    const given: AuthClient = new PassThroughClient({ quotaProjectId: "billed" });
    const billed = googleAuthClient(given, security, endpoint());
    const url = `${backend.origin}/v1/orders`;
    await billed.request({ url });
    await billed.request({ url, headers: { "X-Goog-User-Project": "other" } });
    await client.request({ url });
    expect(backend.requests.map(({ headers }) => headers["x-goog-user-project"])).toEqual([
      "billed",
      "other",
      undefined,
    ]);
    expect((await billed.getRequestHeaders(url)).get("x-goog-user-project")).toBe("billed");
  });

  it("sends through the fetch that is given", async () => {
    const sent: (string | null)[] = [];
    const given: Fetch = async (input, init) => {
      sent.push(new Headers(init?.headers).get("authorization"));
      return fetch(input, init);
    };
    googleAuthClient(client, security, endpoint(), { fetch: given });
    expect((await client.request({ url: `${backend.origin}/v1/orders` })).status).toBe(200);
    expect(sent).toEqual([await security.getAuthHeader(endpoint())]);
  });

  it("fails at once for a wrong configuration", () => {
    const wrong = { ...endpoint(), scpoe: "a" };
    expect(() => googleAuthClient(new PassThroughClient(), security, wrong)).toThrow(
      /scpoe is not a field here/,
    );
  });
});
