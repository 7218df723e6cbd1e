import dns from "node:dns";
import { inspect } from "node:util";
import { EndpointSecurity, type Transport } from "endpoint-security";
import {
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
  vi,
} from "vitest";
import { canaries, seenIn } from "../errors/canaries.ts";
import {
  type CertificateAuthority,
  createCertificateAuthority,
} from "../servers/certificate-authority.ts";
import { startDigestServer } from "../servers/digest-server.ts";
import { startForwardProxy } from "../servers/forward-proxy.ts";
import { respond } from "../servers/http-server.ts";
import { startSilentServer } from "../servers/silent-server.ts";
import { account, orders, type Service, startService } from "./service.ts";
import { codesOf, wrappers } from "./wrappers.ts";

let authority: CertificateAuthority;
beforeAll(async () => {
  authority = await createCertificateAuthority();
});

const names = ["http_proxy", "https_proxy", "no_proxy"];
beforeEach(() => {
  for (const name of [...names, ...names.map((one) => one.toUpperCase())])
    vi.stubEnv(name, undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

async function startProxy(...options: Parameters<typeof startForwardProxy>) {
  const proxy = await startForwardProxy(...options);
  onTestFinished(proxy.close);
  return proxy;
}

function instance(transport?: Transport): EndpointSecurity {
  const security = new EndpointSecurity(transport && { transport });
  onTestFinished(() => security.close());
  return security;
}

function hostOf(service: Service): string {
  return `127.0.0.1:${service.port}`;
}

describe.each(wrappers)("%s", (_name, wrap) => {
  test.each(["http", "https"])(
    "goes through the proxy to an %s backend, and so do its tokens",
    async (scheme) => {
      const service = await startService(scheme === "https" ? { authority } : {});
      const proxy = await startProxy();
      const security = instance({ proxy: proxy.url, ca: authority.certificate });
      const get = wrap(security, orders(service));
      expect(await get("/42")).toEqual({ status: 200, text: '{"ok":true}' });
      await security.invalidate(orders(service));
      expect((await get("/43")).status).toBe(200);
      expect(service.paths).toEqual(["/token", "/42", "/token", "/43"]);
      expect(new Set(proxy.targets)).toEqual(new Set([hostOf(service)]));
      // Nothing came past it.
      const { requests, connections } = service;
      expect(proxy.targets).toHaveLength(scheme === "http" ? requests.length : connections.opened);
    },
  );

  test("reaches names that only the proxy knows, as its user", async () => {
    const service = await startService();
    const user = { username: "svc@corp", password: "p:w/%é" };
    const proxy = await startProxy({ user });
    const url = new URL(proxy.url);
    url.username = encodeURIComponent(user.username);
    url.password = encodeURIComponent(user.password);
    const origin = `http://orders.example.test:${service.port}`;
    const get = wrap(instance(), account(origin, { transport: { proxy: url.href } }));
    expect((await get("/42")).status).toBe(200);
    expect(proxy.targets).toEqual([`orders.example.test:${service.port}`]);
  });

  test("answers a Digest challenge through the proxy", async () => {
    const server = await startDigestServer({ challenges: [{ algorithm: "SHA-256", qop: "auth" }] });
    onTestFinished(server.close);
    const proxy = await startProxy();
    const endpoint = {
      type: "digest" as const,
      url: server.origin,
      username: "Mufasa",
      password: "Circle of Life",
    };
    const get = wrap(instance({ proxy: proxy.url }), endpoint);
    expect([(await get("/1?a=b")).status, (await get("/2")).status]).toEqual([200, 200]);
    expect(server.statuses()).toEqual([401, 200, 200]);
    expect(proxy.targets).toHaveLength(3);
  });

  test("goes past the instance's proxy to an endpoint with `proxy: false`", async () => {
    const service = await startService();
    const proxy = await startProxy();
    const security = instance({ proxy: proxy.url });
    const get = wrap(security, orders(service, { transport: { proxy: false as const } }));
    expect((await get("/42")).status).toBe(200);
    expect(proxy.requests).toEqual([]);
  });
});

test("what comes back through a proxy is what was sent", async () => {
  const service = await startService({
    answer: (res) => {
      res.writeHead(
        404,
        [
          ["set-cookie", "a=1"],
          ["set-cookie", "b=2"],
          ["x-a", "é"],
        ].flat(),
      );
      res.end(Buffer.alloc(100_000, 7));
    },
  });
  const proxy = await startProxy();
  const get = (transport: Transport) =>
    instance(transport).wrapFetch(account(service.origin))("/42", { method: "POST", body: "x" });
  const [direct, proxied] = [await get({}), await get({ proxy: proxy.url })];
  expect(proxied.status).toBe(404);
  // Lost on the way, yet a text.
  expect(proxied.statusText).toBe("");
  expect(proxied.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
  expect(await proxied.arrayBuffer()).toEqual(await direct.arrayBuffer());
});

test("an https proxy is reached by TLS, and sees no client certificate", async () => {
  const service = await startService({ authority });
  const proxy = await startProxy({ authority });
  const { certificate, privateKey } = await authority.clientCertificate();
  const clientCertificate = { certificate, privateKey };
  const transport = { proxy: proxy.url, ca: authority.certificate, clientCertificate };
  const response = await instance(transport).wrapFetch(orders(service))("/42");
  expect(response.status).toBe(200);
  expect(new Set(proxy.targets)).toEqual(new Set([hostOf(service)]));
  expect(proxy.requests.filter(({ certificate }) => certificate !== undefined)).toEqual([]);
  expect(service.certificates).not.toContain(undefined);
});

test("a proxy that is down is named for what may be out of reach", async () => {
  const service = await startService();
  const proxy = await startProxy();
  await proxy.close();
  const call = instance({ proxy: proxy.url }).getToken(orders(service));
  await expect(call).rejects.toMatchObject({
    reason: "network",
    message: expect.stringContaining("could not be reached, through the proxy http://127.0.0.1:"),
  });
});

describe("a proxy that refuses the user", () => {
  const { username, password } = canaries;
  const proxyUrl = async () => {
    const proxy = await startProxy({ user: { username: "svc", password: "another" } });
    const url = new URL(proxy.url);
    url.username = encodeURIComponent(username);
    url.password = encodeURIComponent(password);
    return url.href;
  };

  test.each(["http", "https"])(
    "is a typed error for a token by %s, which tells no password",
    async (scheme) => {
      const service = await startService(scheme === "https" ? { authority } : {});
      const security = instance();
      const told: unknown[] = [];
      security.on("tokenRequestFailed", (event) => told.push(event));
      const transport = { proxy: await proxyUrl(), ca: authority.certificate };
      const endpoint = orders(service, { transport });
      const error = await security.getToken(endpoint).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: "token_endpoint_unavailable", reason: "network" });
      expect((error as Error).message).toContain("the proxy responded 407");
      expect(seenIn([error, security, security.explain(endpoint), ...told])).toEqual([]);
      expect(told).toHaveLength(1);
      expect(service.requests).toEqual([]);
    },
  );

  test.each(wrappers)("ends a request of %s, which reports no password", async (_name, wrap) => {
    for (const service of [await startService(), await startService({ authority })]) {
      const security = instance({ proxy: await proxyUrl(), ca: authority.certificate });
      const error = await wrap(
        security,
        account(service.origin),
      )("/42").catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(Error);
      // As logs print it: an axios error holds whole sockets, which nobody looks through.
      const printed = [String(error), JSON.stringify(error), inspect(error, { depth: 20 })];
      expect(seenIn(printed)).toEqual([]);
      expect(service.requests).toEqual([]);
    }
  });

  test("isn't shown by the problems of the configuration either", async () => {
    const service = await startService();
    const proxy = `${await proxyUrl()}path?query`;
    const error = await instance()
      .getToken(orders(service, { transport: { proxy } }))
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ problems: [{ path: "transport.proxy" }] });
    expect(seenIn([error])).toEqual([]);
    expect(inspect(error)).not.toContain("another");
  });
});

describe("deadlines hold on the way through a proxy", () => {
  test.each(["http", "https"])(
    "connectTimeoutMs, for an %s backend behind a proxy that never says a word",
    async (scheme) => {
      const silent = await startSilentServer();
      onTestFinished(silent.close);
      const transport = {
        proxy: `http://127.0.0.1:${silent.port}`,
        connectTimeoutMs: 100,
        headersTimeoutMs: 100,
      };
      const endpoint = account(`${scheme}://orders.example.test`, { transport });
      const codes = await codesOf(instance().wrapFetch(endpoint)("/42"));
      expect(codes).toContainEqual(expect.stringMatching(/^UND_ERR_(CONNECT|HEADERS)_TIMEOUT$/));
    },
  );

  test.each(["http", "https"])("headersTimeoutMs, for an %s backend", async (scheme) => {
    const service = await startService({
      answer: () => {},
      ...(scheme === "https" ? { authority } : {}),
    });
    const proxy = await startProxy();
    const transport = { proxy: proxy.url, headersTimeoutMs: 100, ca: authority.certificate };
    const endpoint = account(service.origin, { transport });
    expect(await codesOf(instance().wrapFetch(endpoint)("/42"))).toContain(
      "UND_ERR_HEADERS_TIMEOUT",
    );
  });

  test.each(["http", "https"])("bodyTimeoutMs, for an %s backend", async (scheme) => {
    const service = await startService({
      answer: (res) => {
        res.writeHead(200);
        res.write("a");
      },
      ...(scheme === "https" ? { authority } : {}),
    });
    const proxy = await startProxy();
    const transport = { proxy: proxy.url, bodyTimeoutMs: 100, ca: authority.certificate };
    const response = await instance().wrapFetch(account(service.origin, { transport }))("/42");
    expect(await codesOf(response.text())).toContain("UND_ERR_BODY_TIMEOUT");
  });
});

describe("noProxy", () => {
  /** Every name is this machine, so that requests arrive on either way. */
  beforeEach(() => {
    const lookup = (_name: string, ...rest: unknown[]) => {
      const [options, done] = (rest.length > 1 ? rest : [{}, ...rest]) as [
        { all?: boolean },
        (...result: unknown[]) => void,
      ];
      const address = "127.0.0.1";
      if (options.all) done(null, [{ address, family: 4 }]);
      else done(null, address, 4);
    };
    vi.spyOn(dns, "lookup").mockImplementation(lookup as never);
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  const port = ":PORT";
  test.each<[noProxy: string[], host: string, way: "direct" | "proxied"]>([
    [["example.test"], "example.test", "direct"],
    [["example.test"], "orders.example.test", "direct"],
    [["example.test"], "a.b.example.test", "direct"],
    [["example.test"], "notexample.test", "proxied"],
    [["example.test"], "example.test.other.test", "proxied"],
    [["orders.example.test"], "example.test", "proxied"],
    [[".example.test"], "orders.example.test", "direct"],
    [[".example.test"], "example.test", "direct"],
    [[".example.test"], "notexample.test", "proxied"],
    [["*.example.test"], "orders.example.test", "direct"],
    [["*.example.test"], "example.test", "direct"],
    [["*.example.test"], "notexample.test", "proxied"],
    [["EXAMPLE.Test"], "orders.example.test", "direct"],
    [[`example.test${port}`], "example.test", "direct"],
    [["example.test:1"], "example.test", "proxied"],
    [[`*.example.test${port}`], "orders.example.test", "direct"],
    [["*.example.test:1"], "orders.example.test", "proxied"],
    [["*"], "example.test", "direct"],
    [["other.test"], "example.test", "proxied"],
    [["other.test", "example.test"], "orders.example.test", "direct"],
    [["127.0.0.1"], "127.0.0.1", "direct"],
    [[`127.0.0.1${port}`], "127.0.0.1", "direct"],
    [["127.0.0.2"], "127.0.0.1", "proxied"],
    [[], "example.test", "proxied"],
  ])("%j: %s is %s", async (patterns, host, way) => {
    const service = await startService();
    const proxy = await startProxy();
    const noProxy = patterns.map((pattern) => pattern.replace(port, `:${service.port}`));
    const security = instance({ proxy: proxy.url, noProxy });
    const response = await security.wrapFetch(account(`http://${host}:${service.port}`))("/42");
    expect(response.status).toBe(200);
    expect(proxy.targets).toEqual(way === "proxied" ? [`${host}:${service.port}`] : []);
  });

  test("is looked at for every host apart: token endpoint and backend go their own ways", async () => {
    const service = await startService();
    const proxy = await startProxy();
    const security = instance({ proxy: proxy.url, noProxy: ["internal.test"] });
    const url = `http://orders.internal.test:${service.port}`;
    const idp = `idp.example.test:${service.port}`;
    const endpoint = orders(service, {
      url,
      tokenUrl: `http://${idp}/token`,
      allowInsecureRequests: true as const,
    });
    expect((await security.wrapFetch(endpoint)("/42")).status).toBe(200);
    expect(proxy.targets).toEqual([idp]);
  });

  test.each([
    ["HTTP_PROXY", "NO_PROXY"],
    ["http_proxy", "no_proxy"],
  ])("and the proxy come from %s and %s, where the environment is asked", async (name, no) => {
    const service = await startService();
    const proxy = await startProxy();
    vi.stubEnv(name, proxy.url);
    vi.stubEnv(no, "internal.test,*.direct.test");
    const hosts = ["example.test", "a.internal.test", "b.direct.test"];
    for (const transport of [{ proxyFromEnvironment: true }, {}, { proxyFromEnvironment: false }]) {
      const security = instance(transport);
      for (const host of hosts) {
        const endpoint = account(`http://${host}:${service.port}`);
        expect((await security.wrapFetch(endpoint)("/42")).status).toBe(200);
      }
    }
    expect(proxy.targets).toEqual([`example.test:${service.port}`]);
  });

  test("given in the configuration goes before the environment's", async () => {
    const service = await startService();
    const proxy = await startProxy();
    vi.stubEnv("HTTP_PROXY", proxy.url);
    vi.stubEnv("NO_PROXY", "example.test");
    const security = instance({ proxyFromEnvironment: true, noProxy: ["other.test"] });
    for (const host of ["example.test", "other.test"]) {
      await security.wrapFetch(account(`http://${host}:${service.port}`))("/42");
    }
    expect(proxy.targets).toEqual([`example.test:${service.port}`]);
  });

  test("of the environment has no say in a proxy that was given", async () => {
    const service = await startService();
    const proxy = await startProxy();
    vi.stubEnv("NO_PROXY", "*");
    await instance({ proxy: proxy.url }).wrapFetch(account(service.origin))("/42");
    expect(proxy.targets).toEqual([hostOf(service)]);
  });
});

describe("the environment's proxy", () => {
  test.each(["HTTPS_PROXY", "https_proxy"])("for https is that of %s", async (name) => {
    const [plain, tls] = [await startService(), await startService({ authority })];
    const proxy = await startProxy();
    vi.stubEnv(name, proxy.url);
    const security = instance({ proxyFromEnvironment: true, ca: authority.certificate });
    for (const service of [plain, tls]) await security.wrapFetch(account(service.origin))("/42");
    expect(proxy.targets).toEqual([hostOf(tls)]);
  });

  test("for http is taken for https, too, where that has none", async () => {
    const service = await startService({ authority });
    const proxy = await startProxy();
    vi.stubEnv("HTTP_PROXY", proxy.url);
    const security = instance({ proxyFromEnvironment: true, ca: authority.certificate });
    await security.wrapFetch(account(service.origin))("/42");
    expect(proxy.targets).toEqual([hostOf(service)]);
  });

  test("may be written without http://, and is none where it is empty", async () => {
    const service = await startService();
    const [one, other] = [await startProxy(), await startProxy()];
    vi.stubEnv("HTTP_PROXY", one.url.replace("http://", ""));
    await instance({ proxyFromEnvironment: true }).wrapFetch(account(service.origin))("/42");
    expect(one.targets).toEqual([hostOf(service)]);
    vi.stubEnv("HTTP_PROXY", other.url);
    vi.stubEnv("http_proxy", "");
    await instance({ proxyFromEnvironment: true }).wrapFetch(account(service.origin))("/42");
    expect(other.targets).toEqual([]);
  });

  test.each([
    [
      "HTTP_PROXY",
      `http//me:${canaries.password}@proxy.test`,
      /takes the environment's HTTP_PROXY, which /,
    ],
    [
      "https_proxy",
      `http://me:${canaries.password}%@proxy.test`,
      /takes the environment's https_proxy, which /,
    ],
    ["HTTPS_PROXY", "socks5://proxy.test:1080", /HTTPS_PROXY, which has the scheme socks5:/],
    ["http_proxy", "http://${PROXY}", /http_proxy, which has a template that was not filled in/],
  ])(
    "that can't be used is a mistake, told by its name and not quoted: %s",
    async (name, value, problem) => {
      vi.stubEnv(name, value);
      const service = await startService();
      const security = instance({ proxyFromEnvironment: true });
      for (const call of [
        () => security.getToken(orders(service)),
        () => security.wrapFetch(account(service.origin))("/42"),
      ]) {
        const error = await call().catch((reason: unknown) => reason);
        expect(error).toMatchObject({
          code: "invalid_configuration",
          problems: [
            { path: "transport.proxyFromEnvironment", problem: expect.stringMatching(problem) },
          ],
        });
        expect(seenIn([error])).toEqual([]);
      }
    },
  );

  test("gives way to an endpoint's own", async () => {
    const service = await startService();
    const [theirs, own] = [await startProxy(), await startProxy()];
    vi.stubEnv("HTTP_PROXY", theirs.url);
    const security = instance({ proxyFromEnvironment: true });
    const get = async (transport: Transport) =>
      (await security.wrapFetch(account(service.origin, { transport }))("/42")).status;
    await get({ proxy: own.url });
    expect([own.targets, theirs.targets]).toEqual([[hostOf(service)], []]);
    await get({ proxy: false });
    expect([own.targets.length, theirs.targets.length]).toEqual([1, 0]);
    await get({});
    expect([own.targets.length, theirs.targets.length]).toEqual([1, 1]);
  });

  test("takes the place of the instance's, where the endpoint asks for it", async () => {
    const service = await startService();
    const [theirs, own] = [await startProxy(), await startProxy()];
    vi.stubEnv("HTTP_PROXY", theirs.url);
    const transport = { proxyFromEnvironment: true };
    await instance({ proxy: own.url }).wrapFetch(account(service.origin, { transport }))("/42");
    expect([own.targets, theirs.targets]).toEqual([[], [hostOf(service)]]);
  });
});

test("a redirect out of the endpoint goes through the proxy, too", async () => {
  const elsewhere = await startService();
  const service = await startService({
    answer: (res) => respond(res, 302, undefined, { location: `${elsewhere.origin}/there` }),
  });
  const proxy = await startProxy();
  await instance({ proxy: proxy.url }).wrapFetch(account(service.origin))("/42");
  expect(proxy.targets).toEqual([hostOf(service), hostOf(elsewhere)]);
  expect(elsewhere.requests).toMatchObject([{ path: "/there", authorization: undefined }]);
});
