import { EndpointSecurity } from "endpoint-security";
import { authInterceptor } from "endpoint-security/undici";
import { Agent, type Dispatcher, interceptors, request } from "undici";
import { describe, expect, it, onTestFinished } from "vitest";
import { startRecordingBackend } from "../fetch/recording-backend.ts";
import { respond } from "../servers/http-server.ts";
import { startSilentServer } from "../servers/silent-server.ts";
import { checkout } from "../tokens/token-endpoint.ts";

const key = { type: "api_key", headerName: "X-Key", apiKey: "k" } as const;

function composed(...all: Dispatcher.DispatcherComposeInterceptor[]): Dispatcher {
  const agent = new Agent();
  onTestFinished(() => agent.destroy());
  return agent.compose(...all);
}

describe("authInterceptor beside undici's redirects", () => {
  const start = async () => {
    const evil = await startRecordingBackend();
    const backend = await startRecordingBackend((res, { url }) =>
      url === "/away"
        ? respond(res, 302, "", { location: `${evil.origin}/x` })
        : url === "/near"
          ? respond(res, 302, "", { location: "/target" })
          : respond(res, 200),
    );
    const auth = authInterceptor(new EndpointSecurity(), { ...key, url: backend.origin });
    return { evil, backend, auth };
  };

  it("gives each hop its own credentials, composed first", async () => {
    const { backend, auth } = await start();
    const dispatcher = composed(
      auth,
      interceptors.redirect({ maxRedirections: 3 }),
      interceptors.retry(),
    );
    expect((await request(`${backend.origin}/near`, { dispatcher })).statusCode).toBe(200);
    expect(backend.requests.map(({ headers }) => headers["x-key"])).toEqual(["k", "k"]);
  });

  it("refuses a hop out of the endpoint, composed first", async () => {
    const { evil, backend, auth } = await start();
    const dispatcher = composed(auth, interceptors.redirect({ maxRedirections: 3 }));
    await expect(request(`${backend.origin}/away`, { dispatcher })).rejects.toMatchObject({
      code: "destination_refused",
      reason: "its scheme, host or port is another",
    });
    expect(evil.requests).toEqual([]);
  });

  it("leaks nothing in the wrong order: redirects are then not followed", async () => {
    const { evil, backend, auth } = await start();
    const dispatcher = composed(interceptors.redirect({ maxRedirections: 3 }), auth);
    expect((await request(`${backend.origin}/away`, { dispatcher })).statusCode).toBe(302);
    expect(evil.requests).toEqual([]);
  });
});

describe("authInterceptor", () => {
  it("ends the wait for a token after transport.timeoutMs", async () => {
    const server = await startSilentServer();
    onTestFinished(server.close);
    const security = new EndpointSecurity();
    onTestFinished(() => security.close());
    const config = {
      ...checkout(`http://127.0.0.1:${server.port}/token`),
      url: `http://127.0.0.1:${server.port}`,
    };
    const deadlines = { tokenRequest: { timeoutMs: 1_000 }, transport: { timeoutMs: 50 } };
    const dispatcher = composed(authInterceptor(security, { ...config, ...deadlines }));
    await expect(
      request(`http://127.0.0.1:${server.port}/x`, { dispatcher }),
    ).rejects.toMatchObject({
      name: "TimeoutError",
    });
  });

  it("names undici 6, whose handlers have another form", () => {
    const endpoint = { ...key, url: "https://orders.example.test" };
    const dispatch = authInterceptor(new EndpointSecurity(), endpoint)(() => true);
    const old = {
      onConnect() {},
      onHeaders: () => true,
      onData: () => true,
      onComplete() {},
      onError() {},
    };
    const options = { origin: "https://orders.example.test", path: "/", method: "GET" } as const;
    expect(() => dispatch(options, old)).toThrow(/needs undici 7 or later/);
  });
});
