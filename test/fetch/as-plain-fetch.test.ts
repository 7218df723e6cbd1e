import axios from "axios";
import { EndpointSecurity } from "endpoint-security";
import { wrapAxios } from "endpoint-security/axios";
import { authInterceptor } from "endpoint-security/undici";
import { Agent, request } from "undici";
import { describe, expect, it, onTestFinished } from "vitest";
import { startRecordingBackend } from "./recording-backend.ts";

/** What a wrapped fetch sends is what fetch itself sends, with the credentials besides. */

const key = { type: "api_key", headerName: "X-Key", apiKey: "k" } as const;

const text = JSON.stringify({ id: 1 });
const inits: Readonly<Record<string, (() => RequestInit) | undefined>> = {
  none: undefined,
  empty: () => ({}),
  post: () => ({ method: "POST", body: text, headers: { "content-type": "application/json" } }),
  "lower-case method": () => ({ method: "post", body: text }),
  patch: () => ({ method: "PATCH", body: text }),
  "headers alone": () => ({ headers: [["x-a", "1"]] }),
  "signal: null": () => ({ signal: null }),
  form: () => ({ method: "PUT", body: new URLSearchParams({ a: "b c" }) }),
};
const options = {
  "no option": {},
  "transport.timeoutMs": { transport: { timeoutMs: 60_000 } },
} as const;

describe.each(Object.entries(options))("a wrapped fetch with %s", (_name, more) => {
  describe.each(Object.entries(inits))("with the init %s", (_init, init) => {
    it.each(["string", "URL", "Request", "Request as init"])(
      "sends %s as fetch does",
      async (kind) => {
        const { origin, requests } = await startRecordingBackend();
        const url = `${origin}/orders?page=1`;
        const security = new EndpointSecurity();
        const wrapped = security.wrapFetch({ ...key, ...more, url: origin });
        for (const send of [fetch, wrapped]) {
          if (kind === "string") await send(url, init?.());
          else if (kind === "URL") await send(new URL(url), init?.());
          else if (kind === "Request") await send(new Request(url, init?.()));
          else await send(url, new Request(url, init?.()));
        }
        const [plain, own] = requests.map(({ method, url: path, headers, body }) => {
          const { "x-key": _, connection: __, ...others } = headers;
          return { method, path, headers: others, body: body.toString() };
        });
        expect(own).toEqual(plain);
        expect(requests[1]?.headers["x-key"]).toBe("k");
      },
    );
  });
});

describe("a Host header of the caller's", () => {
  it("that names another tenant of the server is refused, and the endpoint's own is sent", async () => {
    const { origin, requests } = await startRecordingBackend();
    const endpoint = { ...key, url: origin };
    const send = new EndpointSecurity().wrapFetch(endpoint);
    const client = axios.create();
    wrapAxios(client, new EndpointSecurity(), endpoint);
    const agent = new Agent();
    onTestFinished(() => agent.destroy());
    const dispatcher = agent.compose(authInterceptor(new EndpointSecurity(), endpoint));
    const headers = { Host: "other-tenant.example.com" };
    for (const call of [
      () => send("/x", { headers }),
      () => client.get("/x", { headers }),
      () => request(`${origin}/x`, { dispatcher, headers }),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: "destination_refused" });
    }
    expect(requests).toEqual([]);
    expect((await send("/x", { headers: { host: new URL(origin).host } })).status).toBe(200);
  });
});

describe("a wrapped fetch", () => {
  it("takes null for no options", async () => {
    const { origin, requests } = await startRecordingBackend();
    const send = new EndpointSecurity().wrapFetch({ ...key, url: origin });
    expect((await Reflect.apply(send, undefined, ["/x", null])).status).toBe(200);
    expect(requests).toHaveLength(1);
  });

  it("lets a signal of null in the options override an aborted one of the Request", async () => {
    const { origin } = await startRecordingBackend();
    const send = new EndpointSecurity().wrapFetch({ ...key, url: origin });
    const aborted = new Request(`${origin}/x`, { signal: AbortSignal.abort() });
    expect((await send(aborted, { signal: null })).status).toBe(200);
    await expect(send(aborted)).rejects.toThrow(/abort/i);
  });
});
