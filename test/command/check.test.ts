import { describe, expect, it, onTestFinished, vi } from "vitest";
import { UsageError } from "../../src/command/usage.ts";
import { describeWithRedis, redisHere } from "../redis/redis-suite.ts";
import { createCertificateAuthority } from "../servers/certificate-authority.ts";
import { startForwardProxy } from "../servers/forward-proxy.ts";
import { listen, respond } from "../servers/http-server.ts";
import { freePort } from "../servers/redis/free-port.ts";
import { tlsOf } from "../servers/tls-server.ts";
import { checked, fileWith, printedBy, working } from "./check-run.ts";

/** An https server, with a certificate of an authority that nobody knows. */
async function secureServer(options?: object) {
  const authority = await createCertificateAuthority("Example Authority");
  const certificate = options && (await authority.serverCertificate(options));
  const tls = certificate
    ? { cert: certificate.certificate, key: certificate.privateKey }
    : await tlsOf(authority);
  const server = await listen(
    (_, res) => respond(res, 200, { access_token: "t", token_type: "Bearer", expires_in: 3_600 }),
    { tls },
  );
  onTestFinished(() => server.close());
  return { authority, origin: server.origin };
}

/** A token endpoint that always sends this response. */
async function tokenEndpoint(status: number, body: unknown, headers: Record<string, string> = {}) {
  const server = await listen((_, res) => respond(res, status, body, headers));
  onTestFinished(() => server.close());
  return server.origin;
}

async function backend(status: number, headers: Record<string, string> = {}) {
  const server = await listen((_, res) => respond(res, status, "", headers));
  onTestFinished(() => server.close());
  return server.origin;
}

describe("check of endpoints that work", () => {
  it("passes every step, exits with 0 and shows neither secret nor token", async () => {
    const { idp, orders } = await working();
    const { code, statuses, step, printed } = await checked({ ...orders, scope: "orders.read" });
    expect(code).toBe(0);
    expect(statuses).toEqual({
      configuration: "passed",
      secrets: "passed",
      dns: "skipped",
      proxy: "skipped",
      tls: "skipped",
      "token request": "passed",
      token: "passed",
      clock: "passed",
      backend: "passed",
    });
    expect(step("token")?.message).toMatch(
      /^Bearer, 60 min; scope orders\.read; JWT \(iss .*, client_id checkout, /,
    );
    expect(printed).not.toMatch(/canary|eyJ/);
    expect(idp.requests).toHaveLength(1);
  });

  it("finds the token endpoint of an issuer", async () => {
    const { idp, orders } = await working();
    const { tokenUrl: _, ...others } = orders;
    const { code, step } = await checked({
      ...others,
      issuer: idp.issuer,
      allowInsecureRequests: true,
    });
    expect(step("discovery")?.message).toBe(`the token endpoint is ${idp.tokenUrl}`);
    expect(code).toBe(0);
  });

  it("looks at another path of the backend where --path names it", async () => {
    const seen: (string | undefined)[] = [];
    const server = await listen((req, res) => {
      seen.push(req.url);
      respond(res, 200, "");
    });
    onTestFinished(() => server.close());
    const { orders } = await working();
    await checked({ ...orders, url: `${server.origin}/v1` }, "--path", "/health");
    expect(seen).toEqual(["/v1/health"]);
  });

  it("trusts the authorities of transport.ca, and says who issued the certificate and until when", async () => {
    const { authority, origin } = await secureServer({
      notAfter: new Date("2090-01-01"),
    });
    const transport = { ca: authority.certificate };
    const { orders } = await working();
    const { step, code } = await checked({
      ...orders,
      tokenUrl: `${origin}/token`,
      transport,
      url: undefined,
    });
    expect(step("tls")?.message).toMatch(
      /^127\.0\.0\.1: TLSv1\.3, issued by Example Authority, expires on 2090-01-01$/,
    );
    expect(code).toBe(0);
  });

  it("goes through the proxy", async () => {
    const proxy = await startForwardProxy({ user: { username: "u", password: "p" } });
    onTestFinished(() => proxy.close());
    const { authority, origin } = await secureServer({ notAfter: new Date("2090-01-01") });
    const transport = { ca: authority.certificate, proxy: `http://u:p@127.0.0.1:${proxy.port}` };
    const { orders } = await working();
    const { step, code } = await checked({
      ...orders,
      tokenUrl: `${origin}/token`,
      transport,
      url: undefined,
    });
    expect(step("proxy")?.message).toBe(
      `127.0.0.1:${proxy.port} connects to ${new URL(origin).host}`,
    );
    expect(step("tls")?.status).toBe("passed");
    expect(code).toBe(0);
  });
});

type Wrong = readonly [
  what: string,
  broken: () => Promise<object>,
  step: Parameters<Awaited<ReturnType<typeof checked>>["step"]>[0],
  message: RegExp,
  fix: RegExp,
];

/** Another configuration than one that works. */
const orders = (other: object) => async () => ({ ...(await working()).orders, ...other });

const broken: readonly Wrong[] = [
  [
    "a variable that is not set",
    orders({ clientSecret: "${ORDERS_SECRET_NOT_SET}" }),
    "secrets",
    /^clientSecret needs the variable ORDERS_SECRET_NOT_SET, which is not set$/,
    /^set ORDERS_SECRET_NOT_SET$/,
  ],
  [
    "a secret with a line break",
    orders({ clientSecret: "canary\n" }),
    "configuration",
    /^clientSecret ends with a line break$/,
    /trim it/,
  ],
  [
    "a misspelled field",
    orders({ scopes: "read" }),
    "configuration",
    /^scopes is not a field here \(did you mean "scope"\?\)$/,
    /correct or remove it/,
  ],
  [
    "a token URL in plain http",
    orders({ tokenUrl: "http://idp.example.com/token" }),
    "configuration",
    /^tokenUrl is http, which sends the credentials in plain text$/,
    /use https, or set allowInsecureRequests: true/,
  ],
  [
    "a private key that is none",
    orders({
      clientSecret: undefined,
      tokenEndpointAuthMethod: "private_key_jwt",
      clientPrivateKey: "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----",
    }),
    "secrets",
    /clientPrivateKey/,
    /./,
  ],
  [
    "an assertion file that is missing",
    orders({
      clientSecret: undefined,
      tokenEndpointAuthMethod: "private_key_jwt",
      clientAssertionFile: "/nowhere/assertion",
    }),
    "secrets",
    /^the file \/nowhere\/assertion in clientAssertionFile can't be read: Error \(ENOENT\)$/,
    /check what it reads from/,
  ],
  [
    "a host that is not known",
    orders({ tokenUrl: "https://idp.endpoint-security.invalid/token" }),
    "dns",
    /^the host idp\.endpoint-security\.invalid (is not known|can't be looked up)/,
    /check (tokenUrl|the name server)/,
  ],
  [
    "a port where nothing listens",
    async () => ({
      ...(await working()).orders,
      tokenUrl: `https://127.0.0.1:${await freePort()}/token`,
    }),
    "tls",
    /^127\.0\.0\.1:\d+ can't be reached \(ECONNREFUSED\)$/,
    /^nothing listens there: check tokenUrl$/,
  ],
  [
    "an authority that is not trusted",
    async () => ({ ...(await working()).orders, tokenUrl: (await secureServer()).origin }),
    "tls",
    /^the certificate of 127\.0\.0\.1 is from Example Authority, which is not trusted here \(/,
    /^set transport\.ca to the authority's certificate .* NODE_EXTRA_CA_CERTS$/,
  ],
  [
    "a certificate that has expired",
    async () => {
      const dates = { notBefore: new Date("2020-01-01"), notAfter: new Date("2021-02-03") };
      const { authority, origin } = await secureServer(dates);
      const transport = { ca: authority.certificate };
      return { ...(await working()).orders, tokenUrl: origin, transport };
    },
    "tls",
    /^the certificate of 127\.0\.0\.1 expired on 2021-02-03$/,
    /have it renewed/,
  ],
  [
    "a certificate for another name",
    async () => {
      const alternativeNames = [{ type: "dns", value: "idp.example.com" }] as const;
      const { authority, origin } = await secureServer({ alternativeNames });
      const transport = { ca: authority.certificate };
      return { ...(await working()).orders, tokenUrl: origin, transport };
    },
    "tls",
    /^the certificate is for idp\.example\.com, and not for 127\.0\.0\.1$/,
    /use a host name that the certificate has/,
  ],
  [
    "a proxy that can't be reached",
    async () => {
      const proxy = `http://127.0.0.1:${await freePort()}`;
      return { ...(await working()).orders, tokenUrl: "https://127.0.0.1/", transport: { proxy } };
    },
    "proxy",
    /^the proxy 127\.0\.0\.1:\d+ can't be reached \(ECONNREFUSED\)$/,
    /check transport\.proxy/,
  ],
  [
    "a proxy that wants a password",
    async () => {
      const proxy = await startForwardProxy({ user: { username: "u", password: "p" } });
      onTestFinished(() => proxy.close());
      const transport = { proxy: `http://127.0.0.1:${proxy.port}` };
      return { ...(await working()).orders, tokenUrl: "https://127.0.0.1/", transport };
    },
    "proxy",
    /rejects the credentials \(407\)$/,
    /put user name and password into the URL/,
  ],
  [
    "a proxy that does not let the host through",
    async () => {
      const server = await listen(() => {});
      onTestFinished(() => server.close());
      const transport = { proxy: (await connectRejecting(403)).origin };
      return { ...(await working()).orders, tokenUrl: "https://127.0.0.1/", transport };
    },
    "proxy",
    /does not connect to 127\.0\.0\.1 \(403\)$/,
    /have 127\.0\.0\.1 allowed at the proxy, or add it to transport\.noProxy/,
  ],
  [
    "an issuer without metadata",
    async () => {
      const { tokenUrl: _, ...others } = (await working()).orders;
      return { ...others, issuer: await tokenEndpoint(404, ""), allowInsecureRequests: true };
    },
    "discovery",
    /^issuer has no metadata at /,
    /set tokenUrl instead of issuer/,
  ],
  [
    "metadata of another issuer",
    async () => {
      const { tokenUrl: _, ...others } = (await working()).orders;
      const issuer = await tokenEndpoint(200, { issuer: "https://other.example.com" });
      return { ...others, issuer, allowInsecureRequests: true };
    },
    "discovery",
    /^issuer is not the issuer that the metadata at .* names$/,
    /write it exactly as its metadata does/,
  ],
  [
    "a client that is not known",
    async () => ({
      ...(await working()).orders,
      tokenUrl: await tokenEndpoint(401, { error: "invalid_client" }),
    }),
    "token request",
    /responded 401 invalid_client$/,
    /check clientId, its secret, key or assertion, and tokenEndpointAuthMethod/,
  ],
  [
    "a scope that is not allowed",
    async () => ({
      ...(await working()).orders,
      scope: "everything",
      tokenUrl: await tokenEndpoint(400, { error: "invalid_scope" }),
    }),
    "token request",
    /responded 400 invalid_scope$/,
    /scope/,
  ],
  [
    "a URL of something else than a token endpoint",
    async () => ({
      ...(await working()).orders,
      tokenUrl: await tokenEndpoint(404, "<h1>Not Found; sorry</h1>", {
        "content-type": "text/html",
      }),
    }),
    "token request",
    /responded 404 "Not Found; sorry"$/,
    /^check tokenUrl first/,
  ],
  [
    "a token endpoint that does not respond",
    async () => {
      const server = await listen(() => new Promise(() => {}));
      onTestFinished(() => server.close());
      const tokenRequest = { timeoutMs: 200, attemptTimeoutMs: 200, retries: 0 };
      return { ...(await working()).orders, tokenUrl: server.origin, tokenRequest };
    },
    "token request",
    /did not respond within 200 ms$/,
    /call again later/,
  ],
  [
    "a clock that is wrong by ten minutes",
    async () => {
      const date = new Date(Date.now() - 600_000).toUTCString();
      const body = { access_token: "t", token_type: "Bearer", expires_in: 3_600 };
      return { ...(await working()).orders, tokenUrl: await tokenEndpoint(200, body, { date }) };
    },
    "clock",
    /^this machine is (?:599|600|601) s ahead of the token endpoint$/,
    /set both clocks by NTP/,
  ],
  [
    "a backend that asks for other credentials",
    async () => ({
      ...(await working()).orders,
      url: await backend(401, { "www-authenticate": 'Basic realm="orders"' }),
    }),
    "backend",
    /^the backend asks for Basic, and a Bearer token is configured|asks for Basic/,
    /set type/,
  ],
  [
    "a backend that rejects the token",
    async () => ({
      ...(await working()).orders,
      url: await backend(401, { "www-authenticate": 'Bearer error="invalid_token"' }),
    }),
    "backend",
    /^the backend rejects the credentials \(401\), and asks for bearer$/i,
    /check scope, audience and resource/,
  ],
  [
    "a backend that is not there",
    async () => ({ ...(await working()).orders, url: `http://127.0.0.1:${await freePort()}` }),
    "backend",
    /ECONNREFUSED/,
    /check url/,
  ],
];

/** A proxy that opens no tunnel. */
async function connectRejecting(status: number) {
  const { createServer } = await import("node:http");
  const server = createServer().on("connect", (_, socket) => {
    socket.end(`HTTP/1.1 ${status} No\r\n\r\n`);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  onTestFinished(() => void server.close());
  const address = server.address();
  return { origin: `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}` };
}

describe("check names what is wrong and what to do, for", () => {
  it.each(broken)("%s", async (_, config, name, message, fix) => {
    const { code, step, printed } = await checked(await config());
    expect(code).toBe(1);
    expect(step(name)).toMatchObject({
      status: "failed",
      message: expect.stringMatching(message),
      fix: expect.stringMatching(fix),
    });
    expect(printed).not.toContain("canary");
  });

  it("several mistakes at once, each with its path", async () => {
    const { step } = await checked({ grantType: "client_credentials", clientId: 5, tokenurl: "x" });
    expect(
      step("configuration")
        ?.problems?.map(({ path }) => path)
        .sort(),
    ).toEqual(["clientId", "clientSecret", "tokenUrl", "tokenurl"]);
  });
});

describe("check warns, and exits with 0, for", () => {
  const warned = async (config: object, name: Wrong[2]) => {
    const { code, step } = await checked(config);
    expect(code).toBe(0);
    expect(step(name)?.status).toBe("warning");
    return step(name);
  };

  it("a scope that was not granted", async () => {
    const body = { access_token: "t", token_type: "Bearer", expires_in: 3_600, scope: "read" };
    const config = {
      ...(await working()).orders,
      tokenUrl: await tokenEndpoint(200, body),
      url: undefined,
    };
    const found = await warned({ ...config, scope: "read write" }, "token");
    expect(found?.message).toBe("Bearer, 60 min; scope read; opaque; not granted: write");
  });

  it("tokens that live for less than a minute", async () => {
    const { orders: short } = await working({ lifetimeSeconds: 30 });
    expect((await warned(short, "token"))?.fix).toMatch(/less than a minute/);
  });

  it("a certificate that expires within two weeks", async () => {
    const notAfter = new Date(Date.now() + 5.5 * 86_400_000);
    const { authority, origin } = await secureServer({ notAfter });
    const transport = { ca: authority.certificate };
    const config = { ...(await working()).orders, tokenUrl: origin, transport, url: undefined };
    expect((await warned(config, "tls"))?.fix).toBe("renew the certificate within 5 days");
  });

  it("a proxy of the environment that is not used", async () => {
    vi.stubEnv("HTTP_PROXY", "http://proxy.example.com:3128");
    vi.stubEnv("NO_PROXY", "");
    onTestFinished(() => void vi.unstubAllEnvs());
    const found = await warned((await working()).orders, "proxy");
    expect(found?.message).toMatch(
      /^HTTP_PROXY is set, and requests to 127\.0\.0\.1:\d+ don't use it/,
    );
  });

  it("a backend that refuses the path", async () => {
    const found = await warned({ ...(await working()).orders, url: await backend(403) }, "backend");
    expect(found?.fix).toMatch(/--path/);
  });
});

describeWithRedis("check of a Redis", () => {
  it("tries reading, writing and leases", async () => {
    const { host, port } = await redisHere();
    const path = await fileWith((await working()).orders);
    const { code, printed } = await printedBy(path, "--redis", `redis://${host}:${port}`);
    expect(printed).toMatch(/Redis\n {2}✓ cache +reads, writes, deletes and leases work/);
    expect(code).toBe(0);
  });

  it("says that a password is wrong", async () => {
    const server = await redisHere();
    await server.cli("CONFIG", "SET", "requirepass", "right");
    const path = await fileWith((await working()).orders);
    const url = `redis://:canary-wrong@${server.host}:${server.port}`;
    const { code, printed } = await printedBy(path, "--redis", url);
    expect(printed).toMatch(/✗ cache .*WRONGPASS/);
    expect(printed).not.toContain("canary");
    expect(code).toBe(1);
  });

  it("names the command that a user may not use", async () => {
    const server = await redisHere();
    await server.cli("ACL", "SETUSER", "app", "reset", "on", ">pass", "~*", "+get", "+set");
    const path = await fileWith((await working()).orders);
    const url = `redis://app:pass@${server.host}:${server.port}`;
    const { printed } = await printedBy(path, "--redis", url);
    expect(printed).toMatch(/✗ cache .*delete: Redis does not allow this user UNLINK \(NOPERM\)/);
    expect(printed).toContain("docs/redis.md");
  });
});

describe("check reads", () => {
  it("one configuration alone, from JSON", async () => {
    const { printed } = await printedBy(await fileWith((await working()).orders));
    expect(printed).toMatch(/^endpoint\n[\s\S]*it works$/);
  });

  it("YAML", async () => {
    const { tokenUrl } = (await working()).orders;
    const yaml = `endpoints:
  orders:
    grantType: client_credentials
    tokenUrl: ${tokenUrl}
    clientId: checkout
    clientSecret: abc
`;
    const { code, printed } = await printedBy(await fileWith(yaml, "endpoints.yaml"));
    expect(printed).toMatch(/^orders\n/);
    expect(code).toBe(0);
  });

  it("a TypeScript module with endpoints, stages, a factory and a Redis", async () => {
    const { tokenUrl } = (await working()).orders;
    const source = `
import type { EndpointConfig } from "endpoint-security";
const base = { grantType: "client_credentials", tokenUrl: "${tokenUrl}", clientId: "c", clientSecret: () => "s" } as const;
export const orders = base satisfies EndpointConfig;
export const files = { production: { ...base, scope: "a" }, sandbox: { ...base, name: "files in the sandbox" } };
export const tenant = (name: string) => ({ ...base, name });
export const redis = { url: "redis://127.0.0.1:1" };
`;
    const { printed } = await printedBy(await fileWith(source, "endpoints.mts"), "--json");
    const found = JSON.parse(printed) as { endpoint: string; ok: boolean }[];
    expect(found.map(({ endpoint, ok }) => [endpoint, ok])).toEqual([
      ["files production", true],
      ["files in the sandbox", true],
      ["orders", true],
      ["Redis", false],
    ]);
  });

  it("an API definition of WSO2, and names the variables of its secrets", async () => {
    const { api, oauth } = await import("../wso2/samples.ts");
    const text = JSON.stringify(api({ ...oauth, clientSecret: "" }));
    const { code, printed } = await printedBy(await fileWith(text, "api.json"));
    expect(printed).toContain(
      "needs the variable ORDERS_PRODUCTION_CLIENT_SECRET, which is not set",
    );
    expect(code).toBe(1);
  });

  it("variables from a file", async () => {
    const { orders: config } = await working();
    const path = await fileWith({ ...config, clientSecret: "${CHECK_TEST_SECRET}" });
    const env = await fileWith("CHECK_TEST_SECRET=abc\n", ".env");
    onTestFinished(() => void delete process.env.CHECK_TEST_SECRET);
    expect((await printedBy(path, "--env-file", env)).code).toBe(0);
  });

  it("only the endpoints that --only names", async () => {
    const { orders: config } = await working();
    const path = await fileWith({ endpoints: { a: config, b: config, c: config } });
    const { printed } = await printedBy(path, "--only", "a", "--only", "c", "--json");
    expect((JSON.parse(printed) as { endpoint: string }[]).map(({ endpoint }) => endpoint)).toEqual(
      ["a", "c"],
    );
  });
});

describe("check says what it needs, where", () => {
  it.each([
    [[], /^which file\?$/],
    [["a.json", "b.json"], /^only one file, and not b\.json$/],
    [["missing.json"], /^the file missing\.json does not exist$/],
    [["--colour"], /Unknown option '--colour'/],
  ])("it is called with %j", async (args, message) => {
    await expect(printedBy(...args)).rejects.toThrow(message);
    await expect(printedBy(...args)).rejects.toBeInstanceOf(UsageError);
  });

  it("a file is not JSON, without quoting it", async () => {
    const path = await fileWith('{ "clientSecret": "canary" x }');
    const error: unknown = await printedBy(path).catch((thrown: unknown) => thrown);
    expect(String(error)).toMatch(/is not JSON \(position \d+/);
    expect(String(error)).not.toContain("canary");
  });

  it("a module exports no configuration", async () => {
    const path = await fileWith("export const answer = 42;", "endpoints.mjs");
    await expect(printedBy(path)).rejects.toThrow(/has no endpoint configuration/);
  });

  it("an endpoint is not in the file", async () => {
    const path = await fileWith({ endpoints: { orders: {} } });
    await expect(printedBy(path, "--only", "files")).rejects.toThrow(
      'the file has the endpoints orders, and not "files"',
    );
  });
});
