import { syncBuiltinESMExports } from "node:module";
import tls from "node:tls";
import { EndpointSecurity } from "endpoint-security";
import { beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import {
  type CertificateAuthority,
  createCertificateAuthority,
} from "../servers/certificate-authority.ts";
import { listen, respond } from "../servers/http-server.ts";
import { account, orders, startService } from "./service.ts";
import { codesOf, wrappers } from "./wrappers.ts";

let authority: CertificateAuthority;
let other: CertificateAuthority;
beforeAll(async () => {
  [authority, other] = await Promise.all([
    createCertificateAuthority("One"),
    createCertificateAuthority("Other"),
  ]);
});

function instance(ca?: string | readonly string[]): EndpointSecurity {
  const security = new EndpointSecurity(ca === undefined ? {} : { transport: { ca } });
  onTestFinished(() => security.close());
  return security;
}

describe.each(wrappers)("%s", (_name, wrap) => {
  test("takes a server of the authority that `ca` holds, and so do its token requests", async () => {
    const service = await startService({ authority });
    const get = wrap(instance(authority.certificate), orders(service));
    expect((await get("/42")).status).toBe(200);
    expect(service.paths).toEqual(["/token", "/42"]);
  });

  test("refuses a server of any other authority", async () => {
    const service = await startService({ authority: other });
    for (const security of [instance(authority.certificate), instance()]) {
      expect(await codesOf(wrap(security, account(service.origin))("/42"))).toContainEqual(
        expect.stringMatching(/SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE/),
      );
    }
    expect(service.requests).toEqual([]);
  });
});

test("a token endpoint of an unknown authority is a typed error", async () => {
  const service = await startService({ authority: other });
  const { certificate: ca } = authority;
  const error = instance(ca).getToken(orders(service));
  await expect(error).rejects.toMatchObject({
    code: "token_endpoint_unavailable",
    reason: "tls",
    message: expect.stringContaining("has a certificate that can't be trusted"),
  });
});

test.each([
  ["a list", () => [authority.certificate, other.certificate]],
  ["one text", () => `${authority.certificate}\n${other.certificate}\n`],
])("several authorities are trusted, given as %s", async (_how, ca) => {
  const security = instance(ca());
  for (const trusted of [authority, other]) {
    const service = await startService({ authority: trusted });
    expect((await security.getToken(orders(service))).accessToken).toBe("token-1");
  }
});

test.each([
  ["transport.ca", (wrong: string) => wrong],
  ["transport.ca[1]", (wrong: string) => [authority.certificate, wrong]],
])("%s that is no certificate is a mistake in the configuration", async (path, ca) => {
  const service = await startService({ authority });
  const wrong = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
  const security = instance(ca(wrong));
  for (const call of [
    () => security.getToken(orders(service)),
    () => security.wrapFetch(account(service.origin))("/42"),
  ]) {
    await expect(call()).rejects.toMatchObject({
      code: "invalid_configuration",
      problems: [{ path, problem: expect.stringContaining("can't be read") }],
    });
  }
});

test.each([
  ["another host", { alternativeNames: [{ type: "dns" as const, value: "other.test" }] }],
  ["a time that is over", { notAfter: new Date(Date.now() - 60_000) }],
  ["a time to come", { notBefore: new Date(Date.now() + 3_600_000) }],
])(
  "a server's certificate for %s is refused, whichever authority issued it",
  async (_what, options) => {
    const { certificate, privateKey } = await authority.serverCertificate(options);
    const server = await listen((_req, res) => respond(res, 200), {
      tls: { cert: certificate, key: privateKey },
    });
    onTestFinished(server.close);
    const endpoint = orders({ origin: server.origin, tokenUrl: `${server.origin}/token` });
    await expect(instance(authority.certificate).getToken(endpoint)).rejects.toMatchObject({
      reason: "tls",
    });
  },
);

test("authorities that Node trusts are trusted beside one's own", async () => {
  const made = vi.spyOn(tls, "createSecureContext");
  syncBuiltinESMExports();
  onTestFinished(() => {
    vi.restoreAllMocks();
    syncBuiltinESMExports();
  });
  const service = await startService({ authority });
  made.mockClear();
  await instance(authority.certificate).getToken(orders(service));
  const trusted = made.mock.calls.flatMap(([options]) => options?.ca ?? []);
  expect(trusted).toContain(authority.certificate);
  expect(tls.rootCertificates.filter((root) => !trusted.includes(root))).toEqual([]);
});

test("an endpoint's own authorities take the place of the instance's", async () => {
  const [service, its] = [
    await startService({ authority }),
    await startService({ authority: other }),
  ];
  const security = instance(authority.certificate);
  const transport = { ca: other.certificate };
  expect((await security.getToken(orders(service))).accessToken).toBe("token-1");
  expect((await security.getToken(orders(its, { transport }))).accessToken).toBe("token-1");
  // Another client, for a token that is there already needs no trust.
  const untrusted = [orders(its, { clientId: "b" }), orders(service, { transport, clientId: "b" })];
  for (const endpoint of untrusted) {
    await expect(security.getToken(endpoint)).rejects.toMatchObject({ reason: "tls" });
  }
});
