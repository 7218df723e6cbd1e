import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type EndpointConfig, EndpointSecurity, type Transport } from "endpoint-security";
import { decodeJwt } from "jose";
import {
  afterAll,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
  vi,
} from "vitest";
import { type RunningBackend, startBackend } from "../servers/backend.ts";
import {
  type CertificateAuthority,
  certificateJwk,
  createCertificateAuthority,
  selfSignedCertificate,
  type TestCertificate,
} from "../servers/certificate-authority.ts";
import { type RunningAuthorizationServer, startOidcProvider } from "../servers/oidc-provider.ts";
import { removeFolder, temporaryFolder } from "../servers/redis/temporary-folder.ts";
import { thumbprintOf } from "../servers/tls-server.ts";
import { wrappers } from "../transport/wrappers.ts";

const subject = "CN=checkout,O=Example";

let authority: CertificateAuthority;
let server: RunningAuthorizationServer;
let backend: RunningBackend;
let security: EndpointSecurity;
/** Two of the same name, as they follow each other. */
let issued: TestCertificate;
let renewed: TestCertificate;
let selfSigned: TestCertificate;

beforeAll(async () => {
  authority = await createCertificateAuthority();
  [issued, renewed, selfSigned] = await Promise.all([
    authority.clientCertificate({ subject }),
    authority.clientCertificate({ subject }),
    selfSignedCertificate(),
  ]);
  const grantTypes = ["client_credentials"];
  const bound = { certificateBoundTokens: true, grantTypes };
  server = await startOidcProvider({
    mutualTls: { authority },
    clients: [
      {
        ...bound,
        clientId: "by-name",
        authMethod: "tls_client_auth",
        certificateSubject: "O=Example,CN=checkout",
      },
      {
        ...bound,
        clientId: "self-signed",
        authMethod: "self_signed_tls_client_auth",
        publicKeys: [certificateJwk(selfSigned.certificate)],
      },
      {
        ...bound,
        clientId: "by-secret",
        clientSecret: "by-secret-secret",
        authMethod: "client_secret_basic",
      },
    ],
  });
});
afterAll(() => server.close());

beforeEach(async () => {
  server.resetTokenRequests();
  backend = await startBackend(server, { authority });
  security = new EndpointSecurity();
  return async () => {
    await security.close();
    await backend.close();
  };
});

function showing(clientCertificate: TestCertificate) {
  return { ca: authority.certificate, clientCertificate } satisfies Transport;
}

const common = () =>
  ({
    url: backend.url,
    grantType: "client_credentials",
    tokenUrl: server.mutualTlsTokenUrl,
    scope: "orders:read",
    tokenRequest: { coolDownMs: 0 },
  }) as const;

function byName(shown = issued) {
  return {
    ...common(),
    clientId: "by-name",
    tokenEndpointAuthMethod: "tls_client_auth",
    transport: showing(shown),
  } as const;
}

function bySelfSigned(shown = selfSigned) {
  return {
    ...common(),
    clientId: "self-signed",
    tokenEndpointAuthMethod: "self_signed_tls_client_auth",
    transport: showing(shown),
  } as const;
}

function bySecret(shown = issued) {
  return {
    ...common(),
    clientId: "by-secret",
    clientSecret: "by-secret-secret",
    transport: showing(shown),
  } as const;
}

/** The thumbprint of the certificate that a token is bound to. */
async function boundTo(endpoint: EndpointConfig): Promise<unknown> {
  const { accessToken } = await security.getToken(endpoint);
  return (decodeJwt(accessToken).cnf as Record<string, unknown> | undefined)?.["x5t#S256"];
}

describe("oidc-provider takes", () => {
  test("tls_client_auth: a certificate of its authority, with the client's name", async () => {
    expect(await boundTo(byName())).toBe(thumbprintOf(issued.certificate));
    const [request] = server.tokenRequests;
    expect(request?.body).toMatchObject({ client_id: "by-name" });
    expect(request?.body).not.toHaveProperty("client_secret");
    expect(request?.authorization).toBeUndefined();
  });

  test("self_signed_tls_client_auth: the certificate that is registered", async () => {
    expect(await boundTo(bySelfSigned())).toBe(thumbprintOf(selfSigned.certificate));
  });

  test("a certificate beside another authentication, to bind tokens to", async () => {
    expect(await boundTo(bySecret())).toBe(thumbprintOf(issued.certificate));
  });
});

describe("oidc-provider refuses", () => {
  test.each<[string, () => Promise<EndpointConfig>]>([
    ["another name", async () => byName(await authority.clientCertificate({ subject: "CN=x" }))],
    [
      "another authority",
      async () => byName(await (await createCertificateAuthority()).clientCertificate({ subject })),
    ],
    [
      "a certificate that is over",
      async () =>
        byName(
          await authority.clientCertificate({ subject, notAfter: new Date(Date.now() - 60_000) }),
        ),
    ],
    ["another self-signed certificate", async () => bySelfSigned(await selfSignedCertificate())],
    [
      "the port where no certificate is asked for",
      async () => ({ ...byName(), tokenUrl: server.tokenUrl }),
    ],
  ])("%s, as invalid_client", async (_what, endpoint) => {
    await expect(security.getToken(await endpoint())).rejects.toMatchObject({
      code: "token_request_rejected",
      status: 401,
      error: "invalid_client",
    });
  });
});

describe.each(wrappers)("%s", (_name, wrap) => {
  test.each([
    ["tls_client_auth", byName],
    ["self_signed_tls_client_auth", bySelfSigned],
    ["a secret", bySecret],
  ])(
    "proves a token bound by %s with its certificate, and the backend takes it",
    async (_by, endpoint) => {
      const get = wrap(security, endpoint());
      expect((await get("/42")).status).toBe(200);
      expect((await get("/43")).status).toBe(200);
      expect(server.countTokenRequests()).toBe(1);
    },
  );

  test("is refused by the backend with another certificate than the token's", async () => {
    const { accessToken } = await security.getToken(byName(issued));
    const apiKey = `Bearer ${accessToken}`;
    const stolen = {
      type: "api_key",
      url: backend.url,
      headerName: "Authorization",
      apiKey,
    } as const;
    expect((await wrap(security, { ...stolen, transport: showing(issued) })("/1")).status).toBe(
      200,
    );
    expect((await wrap(security, { ...stolen, transport: showing(renewed) })("/2")).status).toBe(
      401,
    );
    const bare = { ...stolen, transport: { ca: authority.certificate } };
    expect((await wrap(security, bare)("/3")).status).toBe(401);
  });

  test("goes on with a new certificate and a new token when the files are replaced", async () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    onTestFinished(() => void vi.useRealTimers());
    const folder = await temporaryFolder("mutual-tls");
    onTestFinished(() => removeFolder(folder));
    const clientCertificate = {
      certificateFile: join(folder, "tls.crt"),
      privateKeyFile: join(folder, "tls.key"),
    };
    const write = async ({ certificate, privateKey }: TestCertificate) => {
      await writeFile(clientCertificate.certificateFile, certificate);
      await writeFile(clientCertificate.privateKeyFile, privateKey);
    };
    await write(issued);
    const transport = { ca: authority.certificate, clientCertificate };
    const get = wrap(security, { ...byName(), transport });
    expect((await get("/1")).status).toBe(200);
    await write(renewed);
    vi.advanceTimersByTime(1_100);
    expect((await get("/2")).status).toBe(200);
    const shown = [issued, renewed].map(({ certificate }) => thumbprintOf(certificate));
    expect(backend.requests.map(({ certificate }) => certificate)).toEqual(shown);
    expect(backend.requests.map(({ status }) => status)).toEqual([200, 200]);
    expect(server.countTokenRequests({ status: 200 })).toBe(2);
  });
});

describe("by its issuer", () => {
  const byIssuer = <Config extends { readonly tokenUrl: string }>(endpoint: Config) => {
    const { tokenUrl: _, ...others } = endpoint;
    const allowedTokenEndpointOrigins = [new URL(server.mutualTlsTokenUrl).origin];
    return { ...others, issuer: server.issuer, allowedTokenEndpointOrigins };
  };

  test("the token endpoint for certificates is found, and used by clients that have one", async () => {
    const before = server.mutualTlsRequests.length;
    expect(await boundTo(byIssuer(byName()))).toBe(thumbprintOf(issued.certificate));
    expect(await boundTo(byIssuer(bySecret()))).toBe(thumbprintOf(issued.certificate));
    expect(server.mutualTlsRequests.slice(before)).toEqual(["/token", "/token"]);
  });

  test("a client without a certificate goes to the other one", async () => {
    const before = server.mutualTlsRequests.length;
    const checkout = {
      ...common(),
      clientId: "checkout",
      clientSecret: "checkout-secret",
      transport: { ca: authority.certificate },
    };
    expect(await boundTo(byIssuer(checkout))).toBeUndefined();
    expect(server.mutualTlsRequests.slice(before)).toEqual([]);
    expect(server.countTokenRequests({ status: 200 })).toBe(1);
  });

  test("an alias on another origin is used only where that is allowed", async () => {
    const { allowedTokenEndpointOrigins: _, ...endpoint } = byIssuer(byName());
    await expect(security.getToken(endpoint)).rejects.toMatchObject({
      code: "invalid_configuration",
      problems: [{ path: "issuer", fix: expect.stringContaining("allowedTokenEndpointOrigins") }],
    });
    expect(server.countTokenRequests()).toBe(0);
  });
});
