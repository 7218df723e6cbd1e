import {
  type ClientCertificate,
  type EndpointConfig,
  EndpointSecurity,
  type Transport,
} from "endpoint-security";
import { describe, expectTypeOf, test } from "vitest";

const orders = {
  url: "https://orders.example.com/v1",
  grantType: "client_credentials",
  tokenUrl: "https://idp.example.com/oauth2/token",
  clientId: "checkout",
} as const;
const bySecret = { ...orders, clientSecret: "secret" } as const;
const byCertificate = { ...orders, tokenEndpointAuthMethod: "tls_client_auth" } as const;
const clientCertificate = { certificate: "…", privateKey: "…" };

const security = new EndpointSecurity();

describe("transport", () => {
  test("compiles with every field, on an instance and on every type of endpoint", () => {
    const transport = {
      connectTimeoutMs: 1,
      headersTimeoutMs: 1,
      bodyTimeoutMs: 1,
      timeoutMs: 1,
      keepAliveTimeoutMs: 1,
      maxConnections: 1,
      proxy: "http://proxy.test",
      noProxy: ["a.test"],
      ca: ["…"],
      clientCertificate,
    } as const satisfies Transport;
    expectTypeOf(EndpointSecurity).toBeConstructibleWith({ transport });
    expectTypeOf(EndpointSecurity).toBeConstructibleWith({ transport: undefined });
    expectTypeOf(security.getToken).toBeCallableWith({ ...bySecret, transport });
    expectTypeOf(security.getToken).toBeCallableWith({ ...bySecret, transport: undefined });
    for (const type of ["basic", "digest"] as const) {
      const config = { type, username: "a", password: "b", transport } as const;
      expectTypeOf(config).toExtend<EndpointConfig>();
    }
    const apiKey = { type: "api_key", headerName: "X-Key", apiKey: "k", transport } as const;
    expectTypeOf(apiKey).toExtend<EndpointConfig>();
  });

  test("takes no proxy by false, and none by true", () => {
    expectTypeOf<{ proxy: false }>().toExtend<Transport>();
    expectTypeOf<{ proxy: true }>().not.toExtend<Transport>();
    expectTypeOf<{ proxy: { host: string } }>().not.toExtend<Transport>();
  });

  test("doesn't compile with fields that are unknown or of another type", () => {
    // @ts-expect-error
    security.getToken({ ...bySecret, transport: { timeout: 5 } });
    // @ts-expect-error
    security.getToken({ ...bySecret, transport: "http://proxy.test" });
    // @ts-expect-error
    security.getToken({ ...bySecret, transport: { timeoutMs: "5s" } });
    // @ts-expect-error
    security.getToken({ ...bySecret, transport: { noProxy: "a.test,b.test" } });
    // @ts-expect-error
    security.getToken({ ...bySecret, transport: { ca: new Uint8Array() } });
    // @ts-expect-error
    new EndpointSecurity({ transport: { prroxy: "http://proxy.test" } });
    // @ts-expect-error
    new EndpointSecurity({ transport: { maxConnections: "1" } });
  });
});

describe("a client certificate", () => {
  test("comes as texts or by files, with a passphrase or without", () => {
    expectTypeOf<{ certificate: string; privateKey: string }>().toExtend<ClientCertificate>();
    expectTypeOf<{
      certificate: string;
      privateKey: () => Promise<string>;
      passphrase: () => string;
    }>().toExtend<ClientCertificate>();
    expectTypeOf<{
      certificateFile: string;
      privateKeyFile: string;
      passphrase: string;
    }>().toExtend<ClientCertificate>();
  });

  test("doesn't compile by halves, in both ways, or as something else than PEM", () => {
    expectTypeOf<{ certificate: string }>().not.toExtend<ClientCertificate>();
    expectTypeOf<{ privateKey: string }>().not.toExtend<ClientCertificate>();
    expectTypeOf<{ certificateFile: string }>().not.toExtend<ClientCertificate>();
    expectTypeOf<{
      certificate: string;
      privateKeyFile: string;
    }>().not.toExtend<ClientCertificate>();
    expectTypeOf<{
      certificate: string;
      privateKey: string;
      certificateFile: string;
      privateKeyFile: string;
    }>().not.toExtend<ClientCertificate>();
    expectTypeOf<{
      certificate: Uint8Array;
      privateKey: string;
    }>().not.toExtend<ClientCertificate>();
  });
});

describe("authentication by certificate", () => {
  test("compiles with a certificate on the endpoint", () => {
    const transport = { clientCertificate };
    expectTypeOf(security.getToken).toBeCallableWith({ ...byCertificate, transport });
    const tokenEndpointAuthMethod = "self_signed_tls_client_auth";
    const selfSigned = { ...orders, tokenEndpointAuthMethod, transport } as const;
    expectTypeOf(security.getToken).toBeCallableWith(selfSigned);
    const { tokenUrl: _, ...others } = selfSigned;
    expectTypeOf(security.getToken).toBeCallableWith({ ...others, issuer: "https://idp.test" });
  });

  test("doesn't compile without one", () => {
    // @ts-expect-error
    security.getToken(byCertificate);
    // @ts-expect-error
    security.getToken({ ...byCertificate, transport: {} });
    // @ts-expect-error
    security.getToken({ ...byCertificate, transport: { proxy: "http://proxy.test" } });
    // @ts-expect-error
    security.getToken({ ...byCertificate, transport: { clientCertificate: undefined } });
  });

  test("doesn't compile with a secret or a key besides", () => {
    const transport = { clientCertificate };
    // @ts-expect-error
    security.getToken({ ...byCertificate, transport, clientSecret: "secret" });
    // @ts-expect-error
    security.getToken({ ...byCertificate, transport, clientPrivateKey: "…" });
    // @ts-expect-error
    security.getToken({ ...byCertificate, transport, clientAssertion: () => "…" });
  });

  test("stays beside a secret, to bind tokens to", () => {
    const transport = { clientCertificate };
    expectTypeOf(security.getToken).toBeCallableWith({ ...bySecret, transport });
  });
});
