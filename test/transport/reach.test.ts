import { createSecureServer } from "node:http2";
import { EndpointSecurity } from "endpoint-security";
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { isPattern, isWithoutProxy } from "../../src/checks/host-patterns.ts";
import { createCertificateAuthority } from "../servers/certificate-authority.ts";
import { startForwardProxy } from "../servers/forward-proxy.ts";
import { tlsOf } from "../servers/tls-server.ts";
import { orders, startService } from "./service.ts";

describe("a host that is reached without the proxy", () => {
  it.each([
    ["https://api.example.com", "example.com", true],
    ["https://api.example.com", ".example.com", true],
    ["https://api.example.com", "*.example.com", true],
    ["https://example.com.", "example.com", true],
    ["https://notexample.com", "example.com", false],
    ["https://example.com:8443", "example.com:8443", true],
    ["https://example.com", "example.com:8443", false],
    ["https://example.com", "example.com:443", true],
    ["http://10.1.2.3", "10.0.0.0/8", true],
    ["http://11.1.2.3", "10.0.0.0/8", false],
    ["http://10.1.2.3:8080", "10.0.0.0/8:8080", true],
    ["http://10.0.0.7", "10.0.0.7", true],
    ["http://[::1]", "::1", true],
    ["http://[::1]", "[::1]", true],
    ["http://[::1]:3000", "[::1]:3000", true],
    ["http://[fd00::7]", "fd00::/8", true],
    ["http://[fe80::1]", "[fd00::]/8", false],
    ["http://a.test", "*", true],
  ])("%s by %s: %s", (url, pattern, expected) => {
    expect(isPattern(pattern)).toBe(true);
    expect(isWithoutProxy(url, [pattern])).toBe(expected);
  });

  it("is so by NO_PROXY of the environment, too", async () => {
    const service = await startService();
    const proxy = await startForwardProxy();
    onTestFinished(proxy.close);
    vi.stubEnv("HTTP_PROXY", proxy.url);
    vi.stubEnv("NO_PROXY", "example.com, 127.0.0.0/8");
    onTestFinished(() => void vi.unstubAllEnvs());
    const security = new EndpointSecurity({ transport: { proxyFromEnvironment: true } });
    onTestFinished(() => security.close());
    await security.getToken(orders(service));
    expect(proxy.requests).toHaveLength(0);
  });
});

describe("a proxy", () => {
  it("takes a user name without a password", async () => {
    const service = await startService();
    const proxy = await startForwardProxy({ user: { username: "tok3n", password: "" } });
    onTestFinished(proxy.close);
    const url = new URL(proxy.url);
    const named = `http://tok3n@${url.host}`;
    const security = new EndpointSecurity({ transport: { proxy: named } });
    onTestFinished(() => security.close());
    expect((await security.getToken(orders(service))).tokenType).toBe("Bearer");
    expect(proxy.requests).toMatchObject([{ username: "tok3n", isAllowed: true }]);
  });
});

describe("a token endpoint that speaks HTTP/2 alone", () => {
  it("is reached with allowH2", async () => {
    const authority = await createCertificateAuthority();
    const { cert, key } = await tlsOf(authority);
    const server = createSecureServer({
      cert: cert as string,
      key: key as string,
      allowHTTP1: false,
    });
    server.on("request", (_request, response) => {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ access_token: "by-h2", token_type: "Bearer" }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    const security = new EndpointSecurity();
    onTestFinished(() => security.close());
    const header = security.getAuthHeader({
      grantType: "client_credentials",
      tokenUrl: `https://localhost:${port}/token`,
      clientId: "checkout",
      clientSecret: "secret",
      transport: { ca: authority.certificate, allowH2: true },
    });
    expect(await header).toBe("Bearer by-h2");
  });
});

describe("a runtime whose fetch takes no dispatcher", () => {
  afterEach(() => {
    Reflect.deleteProperty(globalThis, "Deno");
    Reflect.deleteProperty(process.versions, "bun");
  });
  const endpoint = {
    grantType: "client_credentials",
    tokenUrl: "http://127.0.0.1:1/token",
    clientId: "checkout",
    clientSecret: "secret",
    tokenRequest: { retries: 0 },
    transport: { proxy: "http://127.0.0.1:1" },
  } as const;

  it("as Deno is named, with the way round, and nothing is sent past the proxy", async () => {
    Reflect.set(globalThis, "Deno", {});
    await expect(new EndpointSecurity().getToken(endpoint)).rejects.toMatchObject({
      code: "invalid_configuration",
      problems: [
        {
          path: "transport",
          problem: expect.stringContaining("Deno"),
          fix: expect.stringContaining("undici.fetch"),
        },
      ],
    });
  });

  it("as Bun is named", async () => {
    Object.defineProperty(process.versions, "bun", { value: "1.4.0", configurable: true });
    await expect(new EndpointSecurity().getToken(endpoint)).rejects.toThrow(/has no effect on Bun/);
  });
});
