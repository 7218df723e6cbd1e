import { EndpointSecurity, type Transport } from "endpoint-security";
import { describe, expect, onTestFinished, test } from "vitest";
import { createCertificateAuthority } from "../servers/certificate-authority.ts";
import { respond } from "../servers/http-server.ts";
import { startSilentServer } from "../servers/silent-server.ts";
import { Latch } from "../tokens/latch.ts";
import { account, orders, type Service, startService } from "./service.ts";
import { codesOf, wrappers } from "./wrappers.ts";

// The other limits are far away: whichever error comes, its own limit is why.
const soon = 100;

/** What never comes: a connection, headers, or the rest of a body. */
const missing: readonly (readonly [
  limit: "connectTimeoutMs" | "headersTimeoutMs" | "bodyTimeoutMs",
  code: string,
  start: () => Promise<string>,
])[] = [
  [
    "connectTimeoutMs",
    "UND_ERR_CONNECT_TIMEOUT",
    async () => {
      const silent = await startSilentServer();
      onTestFinished(silent.close);
      return `https://127.0.0.1:${silent.port}`;
    },
  ],
  [
    "headersTimeoutMs",
    "UND_ERR_HEADERS_TIMEOUT",
    async () => (await startService({ answer: () => {} })).origin,
  ],
  ["bodyTimeoutMs", "UND_ERR_BODY_TIMEOUT", async () => (await stalling()).origin],
];

/** A service whose answers break off in the middle, and never end. */
function stalling(): Promise<Service> {
  return startService({
    answer: (res) => {
      res.writeHead(200, { "content-type": "application/json" });
      res.write('{"access_token":');
    },
  });
}

function instance(transport?: Transport): EndpointSecurity {
  const security = new EndpointSecurity(transport && { transport });
  onTestFinished(() => security.close());
  return security;
}

// undici looks at its clock once a second, so everything waits at the same time.
test.each(missing)(
  "%s ends token requests, the search for an issuer, and a request of every wrapper",
  async (limit, code, start) => {
    const transport = { [limit]: soon };
    const url = await start();
    const { tokenUrl: _, ...byIssuer } = orders({ origin: url, tokenUrl: "" } as Service);
    const byUrl = { ...byIssuer, tokenUrl: `${url}/token` };
    const tokens = [
      instance().getToken({ ...byUrl, transport }),
      instance(transport).getToken({ ...byIssuer, issuer: url }),
    ].map((token) =>
      expect(token).rejects.toMatchObject({
        code: "token_endpoint_unavailable",
        reason: "timeout",
        message: expect.stringContaining(code),
      }),
    );
    const requests = wrappers.map(async ([name, wrap]) => {
      const call = wrap(instance(), account(url, { transport }))("/42");
      expect(await codesOf(call), name).toContain(code);
    });
    await Promise.all([...tokens, ...requests]);
  },
);

describe("timeoutMs ends", () => {
  const wholes = wrappers.filter(([name]) => name !== "authInterceptor");

  test.each(wholes)("a request of %s whose headers never come", async (_name, wrap) => {
    const service = await startService({ answer: () => {} });
    const get = wrap(instance({ timeoutMs: soon }), account(service.origin));
    expect(await codesOf(get("/42"))).toContainEqual(
      expect.stringMatching(/TimeoutError|ETIMEDOUT/),
    );
  });

  test.each(wholes)("a request of %s whose body never ends", async (_name, wrap) => {
    const service = await stalling();
    const get = wrap(instance({ timeoutMs: soon }), account(service.origin));
    expect(await codesOf(get("/42"))).toContainEqual(
      expect.stringMatching(/TimeoutError|ETIMEDOUT/),
    );
  });

  test("one request of wrapFetch, replay included", async () => {
    let refusals = 0;
    const service = await startService({
      answer: (res, { path }) => {
        if (path === "/token") return false;
        refusals += 1;
        // The second is never answered.
        if (refusals === 1)
          respond(res, 401, {}, { "www-authenticate": 'Bearer error="invalid_token"' });
        return true;
      },
    });
    const security = instance({ timeoutMs: 2_000 });
    // Everything is loaded then, which takes a busy machine longest.
    await security.getToken(orders(service));
    await expect(security.wrapFetch(orders(service))("/42")).rejects.toMatchObject({
      name: "TimeoutError",
    });
    expect(service.paths).toEqual(["/token", "/42", "/token", "/42"]);
  });

  test("no token request, which has a limit of its own", async () => {
    const [arrived, over] = [new Latch(), new Latch()];
    const service = await startService({
      answer: async (_res, { path }) => {
        if (path !== "/token") return false;
        arrived.open();
        await over.opened;
        return false;
      },
    });
    const security = instance();
    const endpoint = orders(service, { transport: { timeoutMs: soon } });
    const waiting = security.getToken(endpoint);
    await arrived.opened;
    const call = security.wrapFetch(endpoint)("/42");
    await expect(call).rejects.toMatchObject({ name: "TimeoutError" });
    over.open();
    expect((await waiting).accessToken).toBe("token-1");
  });
});

test("a caller's own signal still ends a request that has a deadline", async () => {
  const controller = new AbortController();
  const service = await startService({ answer: () => controller.abort(new Error("enough")) });
  const wrapped = instance({ timeoutMs: 60_000 }).wrapFetch(account(service.origin));
  await expect(wrapped("/42", { signal: controller.signal })).rejects.toThrow("enough");
  const request = new Request(`${service.origin}/42`, {
    signal: AbortSignal.abort(new Error("never")),
  });
  await expect(wrapped(request)).rejects.toThrow("never");
});

test("an endpoint's deadline goes before the instance's, and other fields stay", async () => {
  const service = await startService({ answer: () => {} });
  const security = instance({ headersTimeoutMs: 60_000, timeoutMs: 60_000 });
  const endpoint = account(service.origin, { transport: { headersTimeoutMs: soon } });
  expect(await codesOf(security.wrapFetch(endpoint)("/42"))).toContain("UND_ERR_HEADERS_TIMEOUT");
});

test("a TLS server of an unknown authority is no timeout", async () => {
  const authority = await createCertificateAuthority();
  const service = await startService({ authority });
  const security = instance({ connectTimeoutMs: 60_000 });
  await expect(security.getToken(orders(service))).rejects.toMatchObject({ reason: "tls" });
});
