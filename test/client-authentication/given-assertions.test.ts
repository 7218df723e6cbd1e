import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EndpointSecurity } from "endpoint-security";
import { decodeJwt, SignJWT } from "jose";
import Keyv from "keyv";
import { describe, expect, onTestFinished, test } from "vitest";
import { signing, takingEndpoint, token } from "./assertion-endpoint.ts";
import { privateKeys } from "./keys.ts";

/** What a cluster gives its workloads. */
async function workloadToken(sub = "system:serviceaccount:shop:checkout"): Promise<string> {
  return new SignJWT({ jti: crypto.randomUUID() })
    .setProtectedHeader({ alg: "ES256" })
    .setIssuer("https://cluster.test")
    .setSubject(sub)
    .setAudience("https://idp.test")
    .setIssuedAt()
    .setExpirationTime("1h")
    .sign(privateKeys.p256);
}

async function temporaryFile(content: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "assertion-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, "token");
  await writeFile(path, content);
  return path;
}

describe("clientAssertion", () => {
  test("is asked for every token request and every retry, and sent as it is", async () => {
    const given: string[] = [];
    const clientAssertion = async () => {
      given.push(await workloadToken());
      return given.at(-1) ?? "";
    };
    const endpoint = takingEndpoint((count) =>
      count === 1
        ? new Response("", { status: 503, headers: { "retry-after": "0" } })
        : token(count),
    );
    const security = new EndpointSecurity({ fetch: endpoint.fetch });
    const config = { ...signing, clientAssertion };
    await security.getToken(config);
    await security.getToken(config);
    expect(endpoint.assertions).toEqual(given);
    expect(new Set(given).size).toBe(2);
    expect(endpoint.requests[0]?.get("client_assertion_type")).toBe(
      "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    );
  });

  test("gets one token for the same subject, and another for another", async () => {
    const endpoint = takingEndpoint();
    const security = new EndpointSecurity({ fetch: endpoint.fetch });
    const as = (sub: string) =>
      security.getToken({ ...signing, clientAssertion: () => workloadToken(sub) });
    const [one, again, other] = [await as("a"), await as("a"), await as("b")];
    expect(again.accessToken).toBe(one.accessToken);
    expect(other.accessToken).not.toBe(one.accessToken);
    expect(endpoint.assertions.map((each) => decodeJwt(each).sub)).toEqual(["a", "b"]);
  });

  test("that is no JWT stands for itself alone", async () => {
    const endpoint = takingEndpoint();
    const security = new EndpointSecurity({ fetch: endpoint.fetch });
    for (const text of ["opaque-1", "opaque-2", "opaque-1"]) {
      await security.getToken({ ...signing, clientAssertion: () => text });
    }
    expect(endpoint.assertions).toEqual(["opaque-1", "opaque-2"]);
  });

  test.each([
    ["throws", () => Promise.reject(new Error("secret")), "secret_unavailable"],
    ["returns nothing", async () => "", "invalid_configuration"],
    ["returns two lines", async () => "a\nb", "invalid_configuration"],
  ])("that %s fails the call, without a request", async (_what, clientAssertion, code) => {
    const endpoint = takingEndpoint();
    const security = new EndpointSecurity({ fetch: endpoint.fetch });
    const call = security.getToken({ ...signing, clientAssertion });
    await expect(call).rejects.toMatchObject({ code });
    expect(endpoint.requests).toHaveLength(0);
  });
});

describe("clientAssertionFile", () => {
  test("is read again for every token request", async () => {
    const first = await workloadToken();
    const clientAssertionFile = await temporaryFile(`${first}\n`);
    const endpoint = takingEndpoint();
    const security = new EndpointSecurity({ fetch: endpoint.fetch });
    const config = { ...signing, clientAssertionFile };
    await security.getToken(config);
    const second = await workloadToken();
    await writeFile(clientAssertionFile, second);
    await security.invalidate(config);
    await security.getToken(config);
    expect(endpoint.assertions).toEqual([first, second]);
  });

  test("that isn't there fails the call with its reason, and works once it is", async () => {
    const clientAssertionFile = `${await temporaryFile("")}-not`;
    const endpoint = takingEndpoint();
    const security = new EndpointSecurity({ fetch: endpoint.fetch });
    const config = { ...signing, clientAssertionFile };
    await expect(security.getToken(config)).rejects.toMatchObject({
      code: "secret_unavailable",
      message: expect.stringContaining("in clientAssertionFile can't be read: Error (ENOENT)"),
    });
    await writeFile(clientAssertionFile, await workloadToken());
    expect((await security.getToken(config)).accessToken).toBe("token-1");
  });

  test("that is empty is reported as a mistake", async () => {
    const clientAssertionFile = await temporaryFile("\n");
    const call = new EndpointSecurity().getToken({ ...signing, clientAssertionFile });
    await expect(call).rejects.toMatchObject({
      problems: [{ path: "clientAssertionFile", problem: "is empty" }],
    });
  });
});

describe("in a shared cache", () => {
  const encryptionKeys = ["an encryption key that is long enough"];
  const unexportable = async () => {
    const algorithm = { name: "ECDSA", namedCurve: "P-256" };
    const pair = await crypto.subtle.generateKey(algorithm, false, ["sign", "verify"]);
    return pair.privateKey;
  };
  const withoutBytes = {
    clientAssertion: async () => ({ clientAssertion: () => workloadToken() }),
    clientPrivateKey: async () => ({ clientPrivateKey: await unexportable() }),
  };

  test.each(Object.entries(withoutBytes))(
    "a token behind %s needs encryptionKeys, and is shared with them",
    async (path, way) => {
      const cache = new Keyv();
      const endpoint = takingEndpoint();
      const config = { ...signing, ...(await way()) };
      const bare = new EndpointSecurity({ fetch: endpoint.fetch, cache });
      await expect(bare.getToken(config)).rejects.toMatchObject({
        code: "invalid_configuration",
        problems: [{ path, fix: expect.stringContaining("encryptionKeys") }],
      });
      expect(endpoint.requests).toHaveLength(0);
      for (let process = 0; process < 2; process++) {
        const security = new EndpointSecurity({ fetch: endpoint.fetch, cache, encryptionKeys });
        expect((await security.getToken(config)).accessToken).toBe("token-1");
        await security.close();
      }
    },
  );

  test("a token behind a private key is sealed with the key, in whatever form it is given", async () => {
    const cache = new Keyv();
    const endpoint = takingEndpoint();
    const pem = String(privateKeys.p256.export({ format: "pem", type: "sec1" }));
    for (const clientPrivateKey of [privateKeys.p256, pem]) {
      const security = new EndpointSecurity({ fetch: endpoint.fetch, cache });
      expect((await security.getToken({ ...signing, clientPrivateKey })).accessToken).toBe(
        "token-1",
      );
      await security.close();
    }
    const other = new EndpointSecurity({ fetch: endpoint.fetch, cache });
    const config = { ...signing, clientPrivateKey: privateKeys.p384 };
    expect((await other.getToken(config)).accessToken).toBe("token-2");
  });
});
