import axios from "axios";
import { EndpointSecurity } from "endpoint-security";
import { wrapAxios } from "endpoint-security/axios";
import { authInterceptor } from "endpoint-security/undici";
import { Agent, request } from "undici";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { respond } from "../servers/http-server.ts";
import { answeringFetch } from "../tokens/answering-fetch.ts";
import { checkout } from "../tokens/token-endpoint.ts";
import { bearerEndpoint } from "./bearer-endpoint.ts";
import { refusing, startRecordingBackend } from "./recording-backend.ts";

type Backend = Parameters<typeof startRecordingBackend>[0];

/** Sends a request and tells the status, whatever it is. */
type Send = (path: string, init?: { method: string; body: string }) => Promise<number>;

const wrappers: [name: string, wrap: (security: EndpointSecurity, endpoint: Orders) => Send][] = [
  [
    "fetch",
    (security, endpoint) => {
      const wrapped = security.wrapFetch(endpoint);
      return async (path, init) => (await wrapped(path, init)).status;
    },
  ],
  [
    "axios",
    (security, endpoint) => {
      const client = axios.create({ validateStatus: () => true });
      wrapAxios(client, security, endpoint);
      return async (path, { method, body } = { method: "GET", body: "" }) =>
        (await client.request({ url: path, method, data: body || undefined })).status;
    },
  ],
  [
    "undici",
    (security, endpoint) => {
      const agent = new Agent();
      onTestFinished(() => agent.destroy());
      const dispatcher = agent.compose(authInterceptor(security, endpoint));
      return async (path, { method, body } = { method: "GET", body: "" }) => {
        const options = { method: method as "GET", body: body || null, dispatcher };
        const { statusCode, body: answer } = await request(`${endpoint.url}${path}`, options);
        await answer.dump();
        return statusCode;
      };
    },
  ],
];

type Orders = ReturnType<typeof checkout>;

/** A wrapped client whose tokens are `token-1`, `token-2`, …, and what the backend was sent. */
async function start(wrap: (typeof wrappers)[number][1], how: Backend, more: object = {}) {
  const backend = await startRecordingBackend(how);
  const answers = answeringFetch((n) => ({ access_token: `token-${n}`, expires_in: 3600 }));
  const security = new EndpointSecurity({ fetch: answers.fetch });
  const rejected: object[] = [];
  security.on("credentialsRejected", ({ status, replayed }) => rejected.push({ status, replayed }));
  const endpoint = checkout("https://idp.example.test/token", { url: backend.origin, ...more });
  const send = wrap(security, endpoint);
  const sent = () => backend.requests.map(({ headers }) => headers.authorization?.slice(7));
  return { answers, backend, endpoint, rejected, security, send, sent };
}

/** Refuses a token by a status of its own. */
const refusingWith =
  (status: number, token = "token-1", challenge?: string): Backend =>
  (res, { headers }) =>
    respond(
      res,
      headers.authorization === `Bearer ${token}` ? status : 200,
      "",
      challenge === undefined ? {} : { "www-authenticate": challenge },
    );

describe.each(wrappers)("retryStatuses, with %s", (_name, wrap) => {
  test.each([403, 419, 498, 500])(
    "a %i that is named renews the token and replays the request once",
    async (status) => {
      const more = { renewal: { rejectionStatuses: [401, status] } };
      const { backend, rejected, send, sent } = await start(wrap, refusingWith(status), more);
      expect(await send("/orders", { method: "POST", body: "abc" })).toBe(200);
      expect(sent()).toEqual(["token-1", "token-2"]);
      expect(backend.requests.map(({ body }) => String(body))).toEqual(["abc", "abc"]);
      expect(rejected).toEqual([{ status, replayed: true }]);
    },
  );

  test("a status that is not named comes as it is", async () => {
    const more = { renewal: { rejectionStatuses: [419] } };
    const { rejected, send, sent } = await start(wrap, refusingWith(403), more);
    expect(await send("/orders")).toBe(403);
    expect([sent(), rejected]).toEqual([["token-1"], []]);
  });

  test("a 401 that is not named comes as it is", async () => {
    const { rejected, send, sent } = await start(wrap, refusingWith(401), {
      renewal: { rejectionStatuses: [] },
    });
    expect(await send("/orders")).toBe(401);
    expect([sent(), rejected]).toEqual([["token-1"], []]);
  });

  test("a named status a second time comes as it is, and costs one renewal", async () => {
    const always: Backend = (res) => respond(res, 403, "");
    const { answers, send, sent } = await start(wrap, always, {
      renewal: { rejectionStatuses: [403] },
    });
    expect(await send("/orders")).toBe(403);
    expect(sent()).toEqual(["token-1", "token-2"]);
    expect(answers.count).toBe(2);
  });

  test("a named status that says insufficient_scope renews nothing", async () => {
    const challenge = 'Bearer error="insufficient_scope"';
    const more = { renewal: { rejectionStatuses: [403] } };
    const { answers, send } = await start(wrap, refusingWith(403, "token-1", challenge), more);
    expect(await send("/orders")).toBe(403);
    expect(answers.count).toBe(1);
  });

  test("renewals that named statuses force are capped like others", async () => {
    const always: Backend = (res) => respond(res, 403, "");
    const more = { renewal: { rejectionStatuses: [403], maxForcedRenewals: 2 } };
    const { answers, send } = await start(wrap, always, more);
    for (let call = 0; call < 10; call++) expect(await send("/orders")).toBe(403);
    expect(answers.count).toBe(3);
  });
});

describe.each(wrappers)("a token that a replica doesn't know yet, with %s", (_name, wrap) => {
  /** Refuses each token the first so many times it is sent. */
  const lagging = (times: number): Backend => {
    const seen = new Map<string | undefined, number>();
    return (res, { headers }) => {
      const count = (seen.get(headers.authorization) ?? 0) + 1;
      seen.set(headers.authorization, count);
      respond(res, count <= times ? 401 : 200, "");
    };
  };

  test("is sent a second time as it is, where retryFreshTokenMs says so", async () => {
    const more = { renewal: { freshTokenRetryWindowMs: 60_000 } };
    const { answers, backend, rejected, send, sent } = await start(wrap, lagging(1), more);
    expect(await send("/orders", { method: "POST", body: "abc" })).toBe(200);
    expect(sent()).toEqual(["token-1", "token-1"]);
    expect(backend.requests.map(({ body }) => String(body))).toEqual(["abc", "abc"]);
    expect(answers.count).toBe(1);
    expect(rejected).toEqual([{ status: 401, replayed: true }]);
  });

  test("is renewed at once by default", async () => {
    const { answers, send, sent } = await start(wrap, refusing("token-1"));
    expect(await send("/orders")).toBe(200);
    expect([sent(), answers.count]).toEqual([["token-1", "token-2"], 2]);
  });

  test("is renewed when it is rejected a second time, and its successor has the same chance", async () => {
    const known = new Set<string | undefined>();
    const slow: Backend = (res, { headers }) => {
      const isKnown = known.has(headers.authorization);
      known.add(headers.authorization);
      const isRevoked = headers.authorization === "Bearer token-1";
      respond(res, isKnown && !isRevoked ? 200 : 401, "");
    };
    const { answers, send, sent } = await start(wrap, slow, {
      renewal: { freshTokenRetryWindowMs: 60_000 },
    });
    expect(await send("/orders")).toBe(200);
    expect(sent()).toEqual(["token-1", "token-1", "token-2", "token-2"]);
    expect(answers.count).toBe(2);
  });

  test("costs one renewal where the backend refuses every token, and the 401 comes as it is", async () => {
    const { answers, rejected, send, sent } = await start(wrap, lagging(1_000), {
      renewal: { freshTokenRetryWindowMs: 60_000 },
    });
    expect(await send("/orders")).toBe(401);
    expect(sent()).toEqual(["token-1", "token-1", "token-2", "token-2"]);
    expect(answers.count).toBe(2);
    expect(rejected).toHaveLength(4);
  });

  test("isn't new any more when it is older than that, and is renewed at once", async () => {
    const more = { renewal: { freshTokenRetryWindowMs: 1 } };
    const { endpoint, security, send, sent } = await start(wrap, refusing("token-1"), more);
    const { issuedAt } = await security.getToken(endpoint);
    while (Date.now() <= issuedAt) await new Promise((resolve) => setImmediate(resolve));
    expect(await send("/orders")).toBe(200);
    expect(sent()).toEqual(["token-1", "token-2"]);
  });

  test("isn't sent again where it lacks a scope", async () => {
    const challenge = 'Bearer error="insufficient_scope"';
    const { send, sent } = await start(wrap, refusingWith(401, "token-1", challenge), {
      renewal: { freshTokenRetryWindowMs: 60_000 },
    });
    expect(await send("/orders")).toBe(401);
    expect(sent()).toEqual(["token-1"]);
  });
});

test("a caller that aborts while a token waits for the replicas gets the signal's reason at once", async () => {
  // Nobody moves this clock: who waited for the pause would wait for ever.
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const controller = new AbortController();
  const reason = new Error("enough");
  const { security, endpoint } = bearerEndpoint("https://orders.example.test");
  let sendings = 0;
  const wrapped = security.wrapFetch(
    { ...endpoint, renewal: { freshTokenRetryWindowMs: 60_000 } },
    {
      fetch: async () => {
        sendings += 1;
        setImmediate(() => controller.abort(reason));
        return new Response(null, { status: 401 });
      },
    },
  );
  await expect(wrapped("/orders", { signal: controller.signal })).rejects.toBe(reason);
  expect(sendings).toBe(1);
}, 5_000);
