import { type EndpointConfig, EndpointSecurity } from "endpoint-security";
import { describe, expect, test } from "vitest";
import { respond } from "../servers/http-server.ts";
import { bearerEndpoint } from "./bearer-endpoint.ts";
import { startRecordingBackend } from "./recording-backend.ts";

type Init = NonNullable<Parameters<typeof fetch>[1]>;

const statuses = [301, 302, 303, 307, 308] as const;

/** A backend whose `/v1/redirect?status=…&to=…` redirects, and whose `/v1/loop` does for ever. */
async function redirectingBackend() {
  return startRecordingBackend((res, { url }) => {
    const { pathname, searchParams } = new URL(url, "http://localhost");
    if (pathname.endsWith("/redirect")) {
      const status = Number(searchParams.get("status"));
      return respond(res, status, "moved", { location: searchParams.get("to") ?? "" });
    }
    if (pathname.endsWith("/loop")) return respond(res, 302, undefined, { location: "loop" });
    if (pathname.endsWith("/nowhere")) return respond(res, 302);
    respond(res, 200, { pathname });
  });
}

function redirectTo(to: string, status: number): string {
  return `/redirect?${new URLSearchParams({ to, status: String(status) })}`;
}

async function start() {
  const [backend, other] = [await redirectingBackend(), await redirectingBackend()];
  return { backend, other, ...bearerEndpoint(`${backend.origin}/v1`) };
}

describe.each(statuses)("a redirect with %i", (status) => {
  test.each([
    ["an absolute URL", (origin: string) => `${origin}/v1/orders`],
    ["a path", () => "/v1/orders"],
    ["a relative path", () => "orders"],
    ["a path with dots", () => "/v1/x/../orders"],
  ])("below the endpoint's path, by %s, is followed with credentials", async (_how, to) => {
    const { backend, wrapped } = await start();
    const response = await wrapped(redirectTo(to(backend.origin), status));
    expect(await response.json()).toEqual({ pathname: "/v1/orders" });
    expect(response.redirected).toBe(true);
    expect(response.url).toBe(`${backend.origin}/v1/orders`);
    expect(backend.requests.map(({ headers }) => headers.authorization)).toEqual([
      "Bearer token-1",
      "Bearer token-1",
    ]);
  });

  test.each<[string, (own: string, other: string) => string]>([
    ["to another origin", (_, other) => `${other}/v1/orders`],
    ["to another origin, without a scheme", (_, other) => other.replace("http:", "")],
    ["to another host of the same port", (own) => own.replace("127.0.0.1", "localhost")],
    ["outside the path", (own) => `${own}/v2/orders`],
    ["outside the path, by dots", () => "../orders"],
    ["outside the path, by encoded dots", () => "%2e%2e/orders"],
    ["outside the path, once decoded", () => "..%2forders"],
  ])("%s is followed without credentials", async (_where, to) => {
    const { backend, other, wrapped } = await start();
    const location = to(backend.origin, other.origin);
    const response = await wrapped(redirectTo(location, status), {
      headers: { Cookie: "a=b", "X-Mine": "1" },
    });
    expect(response.status).toBe(200);
    expect(response.redirected).toBe(true);
    const requests = [...backend.requests, ...other.requests];
    expect(requests).toHaveLength(2);
    const [first, second] = requests;
    expect(first?.headers.authorization).toBe("Bearer token-1");
    expect(second?.headers.authorization).toBeUndefined();
    expect(JSON.stringify(second)).not.toContain("token-1");
    expect(second?.headers["x-mine"]).toBe("1");
  });

  test.each<[string, (url: string) => EndpointConfig & { url: string }, string]>([
    [
      "an API key",
      (url) => ({ type: "api_key", url, headerName: "X-API-Key", apiKey: "the-key" }),
      "x-api-key",
    ],
    [
      "Basic credentials",
      (url) => ({ type: "basic", url, username: "u", password: "the-key" }),
      "authorization",
    ],
  ])("to another origin takes %s along to nobody", async (_what, configure, header) => {
    const { backend, other } = await start();
    const wrapped = new EndpointSecurity().wrapFetch(configure(`${backend.origin}/v1`));
    await wrapped(redirectTo("orders", status));
    expect(backend.requests.every(({ headers }) => headers[header] !== undefined)).toBe(true);
    await wrapped(redirectTo(`${other.origin}/v1/orders`, status));
    await wrapped(new Request(`${backend.origin}/v1${redirectTo(other.origin, status)}`));
    expect(other.requests).toHaveLength(2);
    for (const { headers } of other.requests) expect(headers[header]).toBeUndefined();
  });

  test("from another origin back to the endpoint stays without credentials", async () => {
    const { backend, other, wrapped } = await start();
    const back = `${other.origin}/v1${redirectTo(`${backend.origin}/v1/orders`, status)}`;
    await wrapped(redirectTo(back, status));
    expect(backend.requests.map(({ headers }) => headers.authorization)).toEqual([
      "Bearer token-1",
      undefined,
    ]);
  });

  test("to another origin lets no own Authorization or API key of the caller along", async () => {
    const { other, wrapped } = await start();
    await wrapped(redirectTo(`${other.origin}/x`, status), {
      headers: { Authorization: "Basic mine", "Proxy-Authorization": "Basic mine", Cookie: "a=b" },
    });
    const [request] = other.requests;
    expect(request?.headers).not.toHaveProperty("authorization");
    expect(request?.headers).not.toHaveProperty("proxy-authorization");
    expect(request?.headers).not.toHaveProperty("cookie");
  });

  const bodies: [string, () => Init][] = [
    ["GET", () => ({})],
    ["HEAD", () => ({ method: "HEAD" })],
    ["DELETE", () => ({ method: "DELETE" })],
    ["POST of a string", () => ({ method: "POST", body: "abc" })],
    ["post of a string", () => ({ method: "post", body: "abc" })],
    ["POST of JSON", () => ({ method: "POST", body: "{}", headers: json })],
    ["PUT of a string", () => ({ method: "PUT", body: "abc" })],
    ["PATCH of a form", () => ({ method: "PATCH", body: new URLSearchParams({ a: "1" }) })],
    ["POST of a Blob", () => ({ method: "POST", body: new Blob(["a"], { type: "text/plain" }) })],
  ];

  describe.each(bodies)("of a %s", (_what, make) => {
    test.each(["own", "other"])("to the %s origin does what plain fetch does", async (where) => {
      const { backend, other, wrapped } = await start();
      const target = where === "own" ? backend : other;
      const path = redirectTo(`${target.origin}/v1/orders`, status);
      const outcome = async (send: () => Promise<Response>) => {
        const before = [backend.requests.length, other.requests.length] as const;
        const response = await send().catch((error: unknown) => error);
        const requests = [
          ...backend.requests.slice(before[0]),
          ...other.requests.slice(before[1]),
        ].map(wire);
        if (!(response instanceof Response)) return { failed: String(response), requests };
        const { status, redirected, url } = response;
        return { status, redirected, url, text: await response.text(), requests };
      };
      const plain = await outcome(() => fetch(`${backend.origin}/v1${path}`, make()));
      expect(await outcome(() => wrapped(path, make()))).toEqual(plain);
    });
  });

  // Plain fetch of Node 20 fails here, because it has let go of the bytes.
  test("of a PUT of a Buffer sends the bytes a second time, or none at all", async () => {
    const { backend, wrapped } = await start();
    const init = { method: "PUT", body: Buffer.from("abc") };
    const response = await wrapped(redirectTo("orders", status), init);
    expect(response.status).toBe(200);
    expect(backend.requests.map(({ method, body }) => `${method} ${body}`)).toEqual(
      status === 303 ? ["PUT abc", "GET "] : ["PUT abc", "PUT abc"],
    );
  });

  test("of a POST of a stream never sends half of it", async () => {
    const { backend, wrapped } = await start();
    const init = () => ({
      method: "POST",
      body: new Blob(["abc"]).stream(),
      duplex: "half" as const,
    });
    const call = wrapped(redirectTo("orders", status), init());
    // As the fetch standard has it: only a 303 lets go of the body.
    if (status !== 303) {
      await expect(call).rejects.toThrow(new TypeError("fetch failed"));
      expect(backend.requests).toHaveLength(1);
    } else {
      expect((await call).status).toBe(200);
      expect(backend.requests.map(({ method, body }) => `${method} ${body}`)).toEqual([
        "POST abc",
        "GET ",
      ]);
    }
  });

  test("of a Request with a body does what plain fetch does", async () => {
    const { backend, wrapped } = await start();
    const url = `${backend.origin}/v1${redirectTo("orders", status)}`;
    const make = () => new Request(url, { method: "POST", body: "abc", headers: json });
    await fetch(make());
    await wrapped(make());
    const [one, two, three, four] = backend.requests.map(wire);
    expect([three, four]).toEqual([one, two]);
  });

  test("is left to the caller in the mode manual", async () => {
    const { backend, wrapped } = await start();
    for (const input of [
      redirectTo("orders", status),
      new Request(`${backend.origin}/v1${redirectTo("orders", status)}`, { redirect: "manual" }),
    ]) {
      const response = await wrapped(
        input,
        typeof input === "string" ? { redirect: "manual" } : undefined,
      );
      expect(response.status).toBe(status);
      expect(response.headers.get("location")).toBe("orders");
      expect(response.redirected).toBe(false);
    }
    expect(backend.requests).toHaveLength(2);
  });

  test("is an error in the mode error", async () => {
    const { backend, wrapped } = await start();
    const path = redirectTo("orders", status);
    await expect(wrapped(path, { redirect: "error" })).rejects.toThrow(TypeError);
    const request = new Request(`${backend.origin}/v1${path}`, { redirect: "error" });
    await expect(wrapped(request)).rejects.toThrow(TypeError);
    expect(backend.requests).toHaveLength(2);
  });
});

const json = { "content-type": "application/json", "content-language": "en" };

function wire({
  method,
  url,
  headers,
  body,
}: Awaited<ReturnType<typeof startRecordingBackend>>["requests"][number]) {
  const kept = Object.entries(headers).filter(([name]) => /^(content-|transfer-|x-)/.test(name));
  return { method, url, headers: Object.fromEntries(kept), body: body.toString() };
}

describe("a redirect", () => {
  test("that never ends is given up as fetch gives it up", async () => {
    const { backend, wrapped } = await start();
    await expect(fetch(`${backend.origin}/v1/loop`)).rejects.toThrow(new TypeError("fetch failed"));
    const plain = backend.requests.length;
    await expect(wrapped("/loop")).rejects.toThrow(new TypeError("fetch failed"));
    expect(backend.requests.length).toBe(2 * plain);
  });

  test("without a Location is the answer", async () => {
    const { wrapped } = await start();
    const response = await wrapped("/nowhere");
    expect(response.status).toBe(302);
    expect(response.redirected).toBe(false);
  });

  test.each(["http://[", "ftp://x.test/", "data:,x", "javascript:0", "http://x.test:99999/"])(
    "to %s is fetch's error",
    async (location) => {
      const { backend, other, wrapped } = await start();
      await expect(wrapped(redirectTo(location, 302))).rejects.toThrow(TypeError);
      expect([backend.requests.length, other.requests.length]).toEqual([1, 0]);
    },
  );

  test("to the endpoint with a user name in it sends no such thing", async () => {
    const { backend, wrapped } = await start();
    const to = `${backend.origin.replace("://", "://user:pass@")}/v1/orders`;
    await wrapped(redirectTo(to, 302)).catch(() => {});
    for (const { headers } of backend.requests) {
      expect([undefined, "Bearer token-1"]).toContain(headers.authorization);
    }
  });

  test("with two hops below the path keeps the credentials on each", async () => {
    const { backend, wrapped } = await start();
    const hop = `/v1${redirectTo("/v1/orders", 307)}`;
    const response = await wrapped(redirectTo(hop, 302), { method: "POST", body: "abc" });
    expect(response.url).toBe(`${backend.origin}/v1/orders`);
    expect(backend.requests.map(({ method }) => method)).toEqual(["POST", "GET", "GET"]);
    expect(new Set(backend.requests.map(({ headers }) => headers.authorization))).toEqual(
      new Set(["Bearer token-1"]),
    );
  });

  test("to a place that answers 401 renews the token there, and sends the body again", async () => {
    const backend = await startRecordingBackend((res, { url, headers }) => {
      if (url === "/v1/old") return respond(res, 307, undefined, { location: "/v1/new" });
      respond(res, headers.authorization === "Bearer token-1" ? 401 : 200);
    });
    const { wrapped } = bearerEndpoint(`${backend.origin}/v1`);
    const response = await wrapped("/old", { method: "POST", body: "abc" });
    expect([response.status, response.redirected]).toEqual([200, true]);
    expect(
      backend.requests.map(({ url, headers, body }) => [url, headers.authorization, String(body)]),
    ).toEqual([
      ["/v1/old", "Bearer token-1", "abc"],
      ["/v1/new", "Bearer token-1", "abc"],
      ["/v1/new", "Bearer token-2", "abc"],
    ]);
  });

  test("to another origin that answers 401 renews nothing", async () => {
    const other = await startRecordingBackend((res) => respond(res, 401));
    const { answers, wrapped } = await start();
    const response = await wrapped(redirectTo(other.origin, 302));
    expect([response.status, answers.count]).toEqual([401, 1]);
  });
});
