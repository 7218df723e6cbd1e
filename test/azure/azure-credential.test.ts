import { isTokenCredential } from "@azure/core-auth";
import {
  bearerTokenAuthenticationPolicy,
  createDefaultHttpClient,
  createEmptyPipeline,
  createHttpHeaders,
  createPipelineRequest,
  type HttpClient,
} from "@azure/core-rest-pipeline";
import { EndpointSecurity } from "endpoint-security";
import { azureCredential } from "endpoint-security/azure";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type RunningBackend, startBackend } from "../servers/backend.ts";
import { type RunningAuthorizationServer, startOidcProvider } from "../servers/oidc-provider.ts";
import { pass, scriptedFetch, stopTime, token } from "../tokens/fake-time.ts";
import { Latch } from "../tokens/latch.ts";
import { checkout, issue, startTokenEndpoint } from "../tokens/token-endpoint.ts";

let server: RunningAuthorizationServer;
let backend: RunningBackend;
let security: EndpointSecurity;

beforeAll(async () => {
  server = await startOidcProvider();
});
afterAll(() => server.close());

beforeEach(async () => {
  server.resetTokenRequests();
  backend = await startBackend(server);
  security = new EndpointSecurity();
  return async () => {
    await security.close();
    await backend.close();
  };
});

const endpoint = () => checkout(server.tokenUrl, { url: backend.url });

/** What an Azure client does with a credential. It insists on https, which is taken off after that. */
function azureClient(credential = azureCredential(security, endpoint()), scopes = "orders:read") {
  const client = createDefaultHttpClient();
  const toBackend: HttpClient = {
    sendRequest: (request) => {
      const url = request.url.replace("https://orders.example.test", backend.origin);
      return client.sendRequest({ ...request, url, allowInsecureConnection: true });
    },
  };
  const pipeline = createEmptyPipeline();
  pipeline.addPolicy(bearerTokenAuthenticationPolicy({ credential, scopes }));
  return (path = "/v1/orders/42", options: { abortSignal?: AbortSignal } = {}) =>
    pipeline.sendRequest(
      toBackend,
      createPipelineRequest({ url: `https://orders.example.test${path}`, ...options }),
    );
}

/** The next request to the backend is refused, with a challenge as Entra ID's resources send it. */
function challengeNext(claims: string): void {
  const encoded = Buffer.from(claims).toString("base64");
  backend.respondNext(1, 401, undefined, {
    "www-authenticate": `Bearer realm="", error="insufficient_claims", claims="${encoded}"`,
  });
}

const since = (nbf: string) =>
  JSON.stringify({ access_token: { nbf: { essential: true, value: nbf } } });

describe("a pipeline of @azure/core-rest-pipeline with an azureCredential", () => {
  it("sends the token, one for all requests", async () => {
    const get = azureClient();
    const answers = await Promise.all(Array.from({ length: 20 }, () => get()));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(JSON.parse(answers[0]?.bodyAsText ?? "")).toMatchObject({
      path: "/v1/orders/42",
      claims: { client_id: "checkout", scope: "orders:read" },
    });
    expect(server.countTokenRequests()).toBe(1);
  });

  it("shares the endpoint's tokens with other callers that ask for the same scopes", async () => {
    await azureClient()();
    await azureClient()();
    await security.getToken({ ...endpoint(), scope: "orders:read" });
    expect(server.countTokenRequests()).toBe(1);
  });

  it("meets a claims challenge with a token got for it, and goes on with that", async () => {
    const get = azureClient();
    await get();
    challengeNext(since("1700000000"));
    expect((await get()).status).toBe(200);
    expect((await get()).status).toBe(200);
    expect(server.tokenRequests.map(({ body }) => body.claims)).toEqual([
      undefined,
      since("1700000000"),
    ]);
    const [, refused, renewed, next] = backend.requests.map(({ authorization }) => authorization);
    expect(renewed).not.toBe(refused);
    expect(next).toBe(renewed);
  });

  it("hands on a 401 without claims as it is", async () => {
    const get = azureClient();
    backend.refuseAll(true);
    expect((await get()).status).toBe(401);
    expect(backend.requests).toHaveLength(1);
  });

  it("fails with the library's error where there is no token", async () => {
    const wrong = { ...endpoint(), clientSecret: "wrong" };
    const get = azureClient(azureCredential(security, wrong));
    await expect(get()).rejects.toMatchObject({
      code: "token_request_rejected",
      error: "invalid_client",
    });
    expect(backend.requests).toHaveLength(0);
  });
});

describe("an azureCredential", () => {
  /** Tokens `token-1`, `token-2`, …, by a clock that only the test moves. */
  function scripted(more: { scope?: string; customParameters?: Record<string, string> } = {}) {
    stopTime();
    const bodies: URLSearchParams[] = [];
    const { fetch } = scriptedFetch((count, body) => {
      bodies.push(new URLSearchParams(body));
      return token(count);
    });
    const config = { ...checkout("https://idp.example.test/token"), ...more };
    const ours = new EndpointSecurity({ fetch });
    return { credential: azureCredential(ours, config), config, ours, bodies };
  }

  it("is what Azure's packages take for a TokenCredential", () => {
    expect(isTokenCredential(azureCredential(security, endpoint()))).toBe(true);
  });

  it("reports until when a token may be sent, and when to ask for the next", async () => {
    const { credential } = scripted();
    const now = Date.now();
    const { refreshAfterTimestamp, ...rest } = await credential.getToken("a");
    expect(rest).toEqual({
      token: "token-1",
      tokenType: "Bearer",
      expiresOnTimestamp: now + 3_600_000 - 30_000,
    });
    expect(refreshAfterTimestamp).toBeGreaterThan(now + 0.7 * 3_600_000);
    expect(refreshAfterTimestamp).toBeLessThan(rest.expiresOnTimestamp);
  });

  it("gets a token for each set of scopes, and for the endpoint's own where a call names none", async () => {
    const { credential, bodies } = scripted({ scope: "own" });
    const tokens = [];
    for (const scopes of ["a", ["a"], ["a", "b"], [], "", "a b"]) {
      tokens.push((await credential.getToken(scopes)).token);
    }
    expect(tokens).toEqual(["token-1", "token-1", "token-2", "token-3", "token-3", "token-2"]);
    expect(bodies.map((body) => body.get("scope"))).toEqual(["a", "a b", "own"]);
  });

  it("lets nobody notice a renewal that fails while the token is good", async () => {
    stopTime();
    const { fetch } = scriptedFetch((count) =>
      count === 1 ? token(count) : new Response(undefined, { status: 503 }),
    );
    const ours = new EndpointSecurity({ fetch });
    const credential = azureCredential(ours, checkout("https://idp.example.test/token"));
    const sent: string[] = [];
    const pipeline = createEmptyPipeline();
    pipeline.addPolicy(bearerTokenAuthenticationPolicy({ credential, scopes: "a" }));
    const toNobody: HttpClient = {
      sendRequest: async (request) => {
        sent.push(request.headers.get("authorization") ?? "none");
        return { request, headers: createHttpHeaders(), status: 200 };
      },
    };
    for (const minutes of [0, 55, 3, 1]) {
      await pass(minutes * 60_000);
      const request = createPipelineRequest({ url: "https://orders.example.test" });
      await pipeline.sendRequest(toNobody, request);
    }
    expect(sent).toEqual(Array(4).fill("Bearer token-1"));
  });

  it("asks as the configuration says at that moment", async () => {
    const { credential, config, bodies } = scripted();
    await credential.getToken("a");
    Object.assign(config, { customParameters: { tenant: "b" } });
    expect((await credential.getToken("a")).token).toBe("token-2");
    expect(bodies[1]?.get("tenant")).toBe("b");
  });

  it.each<[Record<string, string>, string, object]>([
    [
      { tenant: "a" },
      '{"access_token":{"acrs":{"value":"c1"}}}',
      { access_token: { acrs: { value: "c1" } } },
    ],
    [
      { claims: '{"id_token":{},"access_token":{"xms_cc":{"values":["cp1"]},"nbf":1}}' },
      '{"access_token":{"nbf":2}}',
      { id_token: {}, access_token: { xms_cc: { values: ["cp1"] }, nbf: 2 } },
    ],
    [{ claims: "no JSON" }, '{"access_token":{"nbf":2}}', { access_token: { nbf: 2 } }],
  ])("merges %o with the challenge's %s", async (customParameters, claims, sent) => {
    const { credential, bodies } = scripted({ customParameters });
    await credential.getToken("a", { claims });
    expect(JSON.parse(bodies[0]?.get("claims") ?? "")).toEqual(sent);
    expect(bodies[0]?.get("tenant")).toBe(customParameters.tenant ?? null);
  });

  it("gets one token for all who meet the same challenge, and forgets the one before", async () => {
    const { credential, bodies } = scripted();
    const claims = since("1");
    await credential.getToken("a");
    await Promise.all(Array.from({ length: 20 }, () => credential.getToken("a", { claims })));
    // Requests that were under way with the token before are challenged a little later.
    await pass(20_000);
    expect((await credential.getToken("a", { claims })).token).toBe("token-2");
    expect((await credential.getToken("a")).token).toBe("token-3");
    expect(bodies.map((body) => body.get("claims"))).toEqual([null, claims, null]);
  });

  it("gets another token where the one that was got for a challenge meets it again", async () => {
    const { credential } = scripted();
    const claims = since("1");
    await credential.getToken("a", { claims });
    await pass(31_000);
    const again = Array.from({ length: 20 }, () => credential.getToken("a", { claims }));
    const tokens = (await Promise.all(again)).map((one) => one.token);
    expect(tokens).toEqual(Array(20).fill("token-2"));
    expect((await credential.getToken("a", { claims })).token).toBe("token-2");
  });

  describe.each<[string, () => { signal: AbortSignal; abort(): void }]>([
    [
      "Node's own",
      () => {
        const controller = new AbortController();
        return { signal: controller.signal, abort: () => controller.abort() };
      },
    ],
    ["one that only looks like it", likeASignal],
  ])("with an abort signal, %s", (_, make) => {
    it("ends that caller's wait, and nothing else", async () => {
      const { tokenUrl, arrived, answer, requests } = await startTokenEndpoint();
      const held = new Latch();
      answer(async (response) => {
        await held.opened;
        issue(response, "late");
      });
      const credential = azureCredential(security, checkout(tokenUrl));
      const { signal, abort } = make();
      const gone = credential.getToken("a", { abortSignal: signal });
      const patient = credential.getToken("a");
      await arrived(1);
      abort();
      await expect(gone).rejects.toMatchObject({ name: "AbortError" });
      held.open();
      expect((await patient).token).toBe("late");
      expect(requests).toHaveLength(1);
    });

    it("asks for nothing once it is aborted", async () => {
      const { credential, bodies } = scripted();
      const { signal, abort } = make();
      abort();
      const gone = credential.getToken("a", { abortSignal: signal });
      await expect(gone).rejects.toMatchObject({ name: "AbortError" });
      expect(bodies).toEqual([]);
    });
  });

  it("leaves no listener behind on a signal", async () => {
    const { credential } = scripted();
    const { signal, listeners } = likeASignal();
    await credential.getToken("a", { abortSignal: signal });
    await credential.getToken("a", { abortSignal: signal });
    expect(listeners.size).toBe(0);
  });

  it("fails at once for a wrong configuration", () => {
    const wrong = { ...endpoint(), scpoe: "a" };
    expect(() => azureCredential(security, wrong)).toThrow(/scpoe is not a field here/);
  });

  it("hands out no token that is bound to a key", async () => {
    const provider = await startOidcProvider({ dpop: { requireNonce: false } });
    const bound = { ...checkout(provider.tokenUrl), dpop: true as const };
    const got = azureCredential(security, bound).getToken("orders:read");
    await expect(got).rejects.toMatchObject({ code: "invalid_configuration" });
    await expect(got).rejects.toThrow(/tokens of type DPoP/);
    await provider.close();
  });
});

/** As the signals of @azure/abort-controller 1 were. */
function likeASignal() {
  const listeners = new Set<() => void>();
  const state = { aborted: false };
  const signal = {
    get aborted() {
      return state.aborted;
    },
    addEventListener: (_: "abort", listener: () => void) => void listeners.add(listener),
    removeEventListener: (_: "abort", listener: () => void) => void listeners.delete(listener),
  } as AbortSignal;
  const abort = () => {
    state.aborted = true;
    for (const listener of listeners) listener();
  };
  return { signal, abort, listeners };
}
