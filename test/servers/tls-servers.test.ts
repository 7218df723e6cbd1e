import { once } from "node:events";
import { connect } from "node:net";
import { Agent, type Dispatcher, ProxyAgent } from "undici";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { startBackend } from "./backend.ts";
import {
  type CertificateAuthority,
  certificateJwk,
  createCertificateAuthority,
  encryptedKey,
  selfSignedCertificate,
  type TestCertificate,
} from "./certificate-authority.ts";
import { startForwardProxy } from "./forward-proxy.ts";
import { listen, respond } from "./http-server.ts";
import { type RunningAuthorizationServer, startOidcProvider } from "./oidc-provider.ts";
import { startSilentServer } from "./silent-server.ts";
import { thumbprintOf, tlsOf } from "./tls-server.ts";

let authority: CertificateAuthority;
let selfSigned: TestCertificate;
let server: RunningAuthorizationServer;

beforeAll(async () => {
  authority = await createCertificateAuthority();
  selfSigned = await selfSignedCertificate();
  const grantTypes = ["client_credentials"];
  server = await startOidcProvider({
    mutualTls: { authority },
    clients: [
      {
        clientId: "by-name",
        authMethod: "tls_client_auth",
        certificateSubject: "O=Example,CN=checkout",
        certificateBoundTokens: true,
        grantTypes,
      },
      {
        clientId: "self-signed",
        authMethod: "self_signed_tls_client_auth",
        publicKeys: [certificateJwk(selfSigned.certificate)],
        grantTypes,
      },
    ],
  });
});
afterAll(() => server.close());

async function send(url: string, connect: object = {}, init: object = {}) {
  return through(new Agent({ connect: { ca: authority.certificate, ...connect } }), url, init);
}

async function through(dispatcher: Dispatcher, url: string, init: object = {}) {
  onTestFinished(() => dispatcher.destroy());
  const response = await fetch(url, { ...init, dispatcher } as object);
  const text = await response.text();
  return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
}

function askForToken(clientId: string, shown?: TestCertificate, tokenUrl?: string) {
  const body = new URLSearchParams({ grant_type: "client_credentials", client_id: clientId });
  const { certificate: cert, privateKey: key } = shown ?? {};
  return send(tokenUrl ?? server.mutualTlsTokenUrl, { cert, key }, { method: "POST", body });
}

describe("oidc-provider behind TLS", () => {
  test("serves those who trust its authority, and names its port for client certificates", async () => {
    const url = `${server.issuer}/.well-known/openid-configuration`;
    await expect(fetch(url)).rejects.toMatchObject({
      cause: { code: "SELF_SIGNED_CERT_IN_CHAIN" },
    });
    expect((await send(url)).body).toMatchObject({
      issuer: server.issuer,
      token_endpoint: server.tokenUrl,
      mtls_endpoint_aliases: { token_endpoint: server.mutualTlsTokenUrl },
      tls_client_certificate_bound_access_tokens: true,
    });
    expect(new URL(server.tokenUrl).port).not.toBe(new URL(server.mutualTlsTokenUrl).port);
  });

  test("knows a client by the name in its certificate, from its own authority alone", async () => {
    const subject = "CN=checkout,O=Example";
    const right = await authority.clientCertificate({ subject });
    expect((await askForToken("by-name", right)).status).toBe(200);
    const other = await createCertificateAuthority();
    const expired = { subject, notAfter: new Date(Date.now() - 60_000) };
    for (const wrong of [
      undefined,
      await authority.clientCertificate({ subject: "CN=other" }),
      await authority.clientCertificate(expired),
      await other.clientCertificate({ subject }),
    ]) {
      expect(await askForToken("by-name", wrong)).toMatchObject({
        status: 401,
        body: { error: "invalid_client" },
      });
    }
    expect((await askForToken("by-name", right, server.tokenUrl)).status).toBe(401);
  });

  test("knows a client by the very certificate that it registered", async () => {
    expect((await askForToken("self-signed", selfSigned)).status).toBe(200);
    const another = await selfSignedCertificate();
    expect((await askForToken("self-signed", another)).status).toBe(401);
  });

  test("binds a token to the certificate, with which alone the backend takes it", async () => {
    const backend = await startBackend(server, { authority });
    onTestFinished(backend.close);
    const subject = "CN=checkout,O=Example";
    const [mine, other] = await Promise.all([
      authority.clientCertificate({ subject }),
      authority.clientCertificate({ subject }),
    ]);
    const { body } = await askForToken("by-name", mine);
    const headers = { authorization: `Bearer ${body.access_token}` };
    const call = async (shown?: TestCertificate) => {
      const connect = { cert: shown?.certificate, key: shown?.privateKey };
      return (await send(backend.url, connect, { headers })).status;
    };
    expect([await call(mine), await call(other), await call()]).toEqual([200, 401, 401]);
    const shown = [mine, other].map(({ certificate }) => thumbprintOf(certificate));
    expect(backend.requests.map(({ certificate }) => certificate)).toEqual([...shown, undefined]);
  });

  test("has a key that its passphrase opens", async () => {
    const { certificate: cert, privateKey } = await authority.clientCertificate();
    const key = encryptedKey(privateKey, "open sesame");
    const url = server.jwksUrl;
    expect((await send(url, { cert, key, passphrase: "open sesame" })).status).toBe(200);
    await expect(send(url, { cert, key, passphrase: "wrong" })).rejects.toThrow();
  });
});

describe("the forward proxy", () => {
  test("reaches names that nobody else knows, by http and by https", async () => {
    const plain = await listen((_req, res) => respond(res, 200, { ok: true }));
    const tls = await listen((_req, res) => respond(res, 200, { ok: true }), {
      tls: await tlsOf(authority),
    });
    const proxy = await startForwardProxy();
    onTestFinished(async () => {
      await Promise.all([plain.close(), tls.close(), proxy.close()]);
    });
    const requestTls = { ca: authority.certificate, servername: "localhost" };
    const agent = () => new ProxyAgent({ uri: proxy.url, requestTls });
    const targets = [`orders.example.test:${plain.port}`, `idp.example.test:${tls.port}`];
    expect((await through(agent(), `http://${targets[0]}/`)).status).toBe(200);
    expect((await through(agent(), `https://${targets[1]}/`)).status).toBe(200);
    expect(proxy.targets).toEqual(targets);
  });

  test("serves its user, and nobody else", async () => {
    const target = await listen((_req, res) => respond(res, 200, { ok: true }));
    const proxy = await startForwardProxy({ user: { username: "me", password: "p w" } });
    onTestFinished(async () => {
      await Promise.all([target.close(), proxy.close()]);
    });
    const as = (user: string) => new ProxyAgent(proxy.url.replace("//", `//${user}`));
    expect((await through(as("me:p%20w@"), target.origin)).status).toBe(200);
    for (const user of ["me:wrong@", ""]) {
      await expect(through(as(user), target.origin)).rejects.toMatchObject({
        cause: { cause: { message: expect.stringContaining("407") } },
      });
    }
    expect(proxy.requests.map(({ isAllowed }) => isAllowed)).toEqual([true, false, false]);
  });
});

test("the silent server takes connections, and knows when they are hung up", async () => {
  const silent = await startSilentServer();
  onTestFinished(silent.close);
  const socket = connect(silent.port, "127.0.0.1");
  await once(socket, "connect");
  await expect.poll(() => silent.open).toBe(1);
  socket.destroy();
  await expect.poll(() => silent.open).toBe(0);
});

test("a server counts its connections, and keeps none when it is closed", async () => {
  const target = await listen((_req, res) => respond(res, 200, {}));
  await Promise.all([through(new Agent(), target.origin), through(new Agent(), target.origin)]);
  expect(target.connections.opened).toBe(2);
  await target.close();
  await expect.poll(() => target.connections.open).toBe(0);
});
