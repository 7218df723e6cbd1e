import { generateKeyPairSync } from "node:crypto";
import axios from "axios";
import { EndpointSecurity } from "endpoint-security";
import { wrapAxios } from "endpoint-security/axios";
import { calculateJwkThumbprint, decodeJwt, decodeProtectedHeader, generateKeyPair } from "jose";
import Keyv from "keyv";
import { describe, expect, onTestFinished, test } from "vitest";
import { startOidcProvider } from "../servers/oidc-provider.ts";
import { errorOf } from "../tokens/fake-time.ts";
import { checkout } from "../tokens/token-endpoint.ts";
import { startDpopBackend } from "./dpop-backend.ts";

const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });

async function start(options: { requireNonce?: boolean; dpop?: unknown } = {}) {
  const server = await startOidcProvider({ dpop: { requireNonce: options.requireNonce ?? false } });
  onTestFinished(server.close);
  const backend = await startDpopBackend(server);
  const security = new EndpointSecurity();
  const endpoint = {
    ...checkout(server.tokenUrl),
    url: backend.url,
    scope: "orders:read",
    dpop: (options.dpop ?? true) as true,
  };
  return { server, backend, security, endpoint, call: security.wrapFetch(endpoint) };
}

describe("A real server that binds tokens to keys, and a backend that checks it", () => {
  test.each<[string, () => unknown]>([
    ["a key of this process", () => true],
    ["a KeyObject", () => privateKey],
    ["PEM", () => privateKey.export({ format: "pem", type: "pkcs8" })],
    ["a JWK", () => privateKey.export({ format: "jwk" })],
    ["an RSA key", () => generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey],
    ["an Ed25519 key", () => generateKeyPairSync("ed25519").privateKey],
  ])("take tokens bound to %s", async (_, key) => {
    const { backend, call } = await start({ dpop: key() });
    expect((await call("/orders?page=2")).status).toBe(200);
    expect(backend.proofs).toMatchObject([{ htm: "GET", htu: `${backend.url}/orders` }]);
  });

  test("take a CryptoKey that can't be exported", async () => {
    const pair = await generateKeyPair("ES256", { extractable: false });
    const { call } = await start({ dpop: pair.privateKey });
    expect((await call("/orders")).status).toBe(200);
  });

  test("see a new proof with every request, for its method and address", async () => {
    const { server, backend, call } = await start();
    await call("/orders");
    await call("/orders/42", { method: "DELETE" });
    expect(backend.proofs).toMatchObject([
      { htm: "GET", htu: `${backend.url}/orders` },
      { htm: "DELETE", htu: `${backend.url}/orders/42` },
    ]);
    expect(new Set(backend.proofs.map(({ jti }) => jti)).size).toBe(2);
    expect(server.countTokenRequests()).toBe(1);
  });

  test("get the nonce that the token endpoint wants, with a second request", async () => {
    const { server, call } = await start({ requireNonce: true });
    expect((await call("/orders")).status).toBe(200);
    expect(server.tokenRequests.map(({ status }) => status)).toEqual([400, 200]);
  });

  test("get the nonce that the backend wants, with the same token", async () => {
    const { server, backend, call } = await start();
    backend.want("nonce-1");
    expect((await call("/orders")).status).toBe(200);
    expect((await call("/orders")).status).toBe(200);
    expect(backend.statuses).toEqual([401, 200, 200]);
    expect(server.countTokenRequests()).toBe(1);
  });

  test("get a nonce that was told beforehand without being asked twice", async () => {
    const { backend, call } = await start();
    backend.tellNext("nonce-1");
    await call("/orders");
    backend.tellNext("nonce-2");
    await call("/orders");
    await call("/orders");
    expect(backend.statuses).toEqual([200, 200, 200]);
    expect(backend.proofs.map(({ nonce }) => nonce)).toEqual([undefined, "nonce-1", "nonce-2"]);
  });

  test("have a hundred requests through that all meet a new nonce", async () => {
    const { server, backend, call } = await start();
    await call("/orders");
    backend.want("nonce-1");
    const all = await Promise.all(Array.from({ length: 100 }, () => call("/orders")));
    expect(all.map(({ status }) => status)).toEqual(Array(100).fill(200));
    expect(server.countTokenRequests()).toBe(1);
  });

  test("have a revoked token renewed, also where a nonce is wanted besides", async () => {
    const { server, backend, security, endpoint, call } = await start();
    await call("/orders");
    backend.revoke((await security.getToken(endpoint)).accessToken);
    backend.want("nonce-1");
    expect((await call("/orders")).status).toBe(200);
    expect(server.countTokenRequests()).toBe(2);
  });

  test("are served through axios", async () => {
    const { backend, security, endpoint } = await start();
    backend.want("nonce-1");
    const instance = axios.create();
    wrapAxios(instance, security, endpoint);
    expect((await instance.post("/orders", { id: 1 })).status).toBe(200);
    expect(backend.statuses).toEqual([401, 200]);
  });

  test("are served with the headers alone, each for one request", async () => {
    const { backend, security, endpoint } = await start();
    const url = `${backend.url}/orders`;
    const headers = await security.getAuthHeaders(endpoint, { request: { method: "GET", url } });
    expect((await fetch(url, { headers })).status).toBe(200);
    expect(headers.Authorization).toBe(await security.getAuthHeader(endpoint));
  });
});

describe("A token that is bound to a key", () => {
  test("is of the type DPoP", async () => {
    const { security, endpoint } = await start();
    const token = await security.getToken(endpoint);
    expect(token.tokenType).toBe("DPoP");
    expect(token.authorization).toBe(`DPoP ${token.accessToken}`);
  });

  test("is bound to another key in another process, and shared with none", async () => {
    const { server, endpoint } = await start();
    const cache = new Keyv();
    const entries = cache.store as Map<string, unknown>;
    const jkts = await Promise.all(
      [1, 2].map(async () => {
        const { accessToken } = await new EndpointSecurity({ cache }).getToken(endpoint);
        return (decodeJwt(accessToken).cnf as { jkt: string }).jkt;
      }),
    );
    expect(new Set(jkts).size).toBe(2);
    expect(entries.size).toBe(0);
    expect(server.countTokenRequests()).toBe(2);
  });

  test("is shared by those who have the key", async () => {
    const { server, endpoint } = await start({ dpop: privateKey });
    const cache = new Keyv();
    const one = new EndpointSecurity({ cache });
    const first = await one.getToken(endpoint);
    await one.close();
    const pem = String(privateKey.export({ format: "pem", type: "pkcs8" }));
    const second = await new EndpointSecurity({ cache }).getToken({ ...endpoint, dpop: pem });
    expect(second.accessToken).toBe(first.accessToken);
    expect(second.tokenType).toBe("DPoP");
    expect(server.countTokenRequests()).toBe(1);
  });

  test("goes with a proof whose header shows the public key alone", async () => {
    const { backend, security, endpoint } = await start({ dpop: privateKey });
    const url = `${backend.url}/orders`;
    const { DPoP = "" } = await security.getAuthHeaders(endpoint, {
      request: { method: "GET", url },
    });
    const { jwk } = decodeProtectedHeader(DPoP);
    expect(Object.keys(jwk ?? {}).sort()).toEqual(["crv", "kty", "x", "y"]);
    const { accessToken } = await security.getToken(endpoint);
    expect((decodeJwt(accessToken).cnf as { jkt: string }).jkt).toBe(
      await calculateJwkThumbprint(jwk as never),
    );
  });

  test("is refused where Bearer comes instead", async () => {
    const security = new EndpointSecurity({
      fetch: async () => Response.json({ access_token: "a", token_type: "Bearer" }),
    });
    const endpoint = { ...checkout("https://idp.example.test/token"), dpop: true as const };
    const error = await errorOf(security.getToken(endpoint));
    expect(error).toMatchObject({ code: "invalid_token_response" });
    expect(error.message).toContain('of the type "Bearer" instead of DPoP');
  });

  test("needs to know the request", async () => {
    const { security, endpoint } = await start();
    const error = await errorOf(security.getAuthHeaders(endpoint));
    expect(error).toMatchObject({ code: "invalid_configuration" });
    expect(error.message).toContain("getAuthHeaders(endpoint, { request: { method, url } })");
  });

  test("isn't asked for a third time by a token endpoint that always wants another nonce", async () => {
    let count = 0;
    const security = new EndpointSecurity({
      fetch: async () => {
        const headers = { "dpop-nonce": `nonce-${++count}` };
        return Response.json({ error: "use_dpop_nonce" }, { status: 400, headers });
      },
    });
    const endpoint = { ...checkout("https://idp.example.test/token"), dpop: true as const };
    expect(await errorOf(security.getToken(endpoint))).toMatchObject({ error: "use_dpop_nonce" });
    expect(count).toBe(2);
  });

  test("is none where dpop is false", async () => {
    const security = new EndpointSecurity({
      fetch: async () => Response.json({ access_token: "a", token_type: "Bearer" }),
    });
    const endpoint = { ...checkout("https://idp.example.test/token"), dpop: false };
    expect(await security.getAuthHeader(endpoint)).toBe("Bearer a");
  });

  test.each<[unknown, string]>([
    [() => privateKey, "dpop must be true or a private key, got a function"],
    ["no pem", "dpop must be PEM"],
    [7, "dpop must be a private key, got a number"],
  ])("can't be bound to %s", async (dpop, told) => {
    const endpoint = { ...checkout("https://idp.example.test/token"), dpop: dpop as true };
    const error = await errorOf(new EndpointSecurity().getToken(endpoint));
    expect(error.message).toContain(told);
  });
});
