import { EndpointSecurity } from "endpoint-security";
import { beforeAll, describe, expect, test } from "vitest";
import { configurationError, mistakesIn } from "../configuration/mistakes.ts";
import { mockTokenEndpoint, orders } from "../configuration/mocked-token-endpoint.ts";
import { unchecked } from "../configuration/unchecked.ts";
import { canaries, seenIn } from "../errors/canaries.ts";
import {
  createCertificateAuthority,
  encryptedKey,
  type TestCertificate,
} from "../servers/certificate-authority.ts";

let pair: TestCertificate;
beforeAll(async () => {
  pair = await (await createCertificateAuthority()).clientCertificate();
});

const files = { certificateFile: "/tls.crt", privateKeyFile: "/tls.key" };
const deadlines = [
  "connectTimeoutMs",
  "headersTimeoutMs",
  "bodyTimeoutMs",
  "timeoutMs",
  "keepAliveTimeoutMs",
];

type Mistake = readonly [path: string, transport: unknown, problem: RegExp];

/** What stands for PEM of the pair, which is made when the tests run. */
const certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
const privateKey = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----";

const mistakes: readonly Mistake[] = [
  ["", "http://proxy.test:3128", /got a string$/],
  ["", null, /got null$/],
  ["", [], /got a list$/],
  ["", () => ({}), /got a function$/],
  [".prroxy", { prroxy: "http://proxy.test" }, /is not a field here \(did you mean "proxy"\?\)/],
  [".timeout", { timeout: 5 }, /is not a field here/],
  ...deadlines.flatMap((name): Mistake[] => [
    [`.${name}`, { [name]: 0 }, /got 0$/],
    [`.${name}`, { [name]: -1 }, /got -1$/],
    [`.${name}`, { [name]: Number.NaN }, /got NaN$/],
    [`.${name}`, { [name]: Number.POSITIVE_INFINITY }, /got Infinity$/],
    [`.${name}`, { [name]: 2 ** 31 }, /got 2147483648$/],
    [`.${name}`, { [name]: "5s" }, /got a string$/],
    [`.${name}`, { [name]: null }, /got null$/],
  ]),
  [".maxConnections", { maxConnections: 0 }, /must be a positive integer/],
  [".maxConnections", { maxConnections: 1.5 }, /must be a positive integer/],
  [".maxConnections", { maxConnections: "8" }, /must be a positive integer/],
  [".proxy", { proxy: true }, /got a boolean$/],
  [".proxy", { proxy: { host: "proxy.test" } }, /got an object$/],
  [".proxy", { proxy: "" }, /must be an absolute URL/],
  [".proxy", { proxy: "//proxy.test" }, /must be an absolute URL/],
  [".proxy", { proxy: "proxy.test:3128" }, /has the scheme proxy\.test:/],
  [".proxy", { proxy: "socks5://proxy.test:1080" }, /has the scheme socks5:/],
  [".proxy", { proxy: "http://${PROXY}" }, /template that was not filled in/],
  [".proxy", { proxy: "http://proxy.test/path" }, /has more than scheme, credentials, host/],
  [".proxy", { proxy: "http://proxy.test?a=b" }, /has more than scheme, credentials, host/],
  [".proxy", { proxy: "http://proxy.test#a" }, /has more than scheme, credentials, host/],
  [".proxy", { proxy: "http://:pw@proxy.test" }, /has a password without a user name/],
  [".proxy", { proxy: "http://me:100%@proxy.test" }, /has credentials with an unescaped %/],
  [".noProxy", { noProxy: "a.test,b.test" }, /got a string$/],
  [".noProxy", { noProxy: ["*", "a.test"] }, /has "\*" among others/],
  [".noProxy[0]", { noProxy: [5] }, /got a number$/],
  [".noProxy[1]", { noProxy: ["a.test", ""] }, /must be a host/],
  [".noProxy[0]", { noProxy: ["a.test,b.test"] }, /must be a host/],
  [".noProxy[0]", { noProxy: ["https://a.test"] }, /must be a host/],
  [".noProxy[0]", { noProxy: ["a.test/path"] }, /must be a host/],
  [".noProxy[0]", { noProxy: ["10.0.0.0/33"] }, /must be a host/],
  [".noProxy[0]", { noProxy: ["api.*.test"] }, /must be a host/],
  [".noProxy[0]", { noProxy: ["*example.test"] }, /must be a host/],
  [".noProxy[0]", { noProxy: ["a.test:https"] }, /must be a host/],
  [".proxyFromEnvironment", { proxyFromEnvironment: "yes" }, /got a string$/],
  [
    ".proxyFromEnvironment",
    { proxyFromEnvironment: true, proxy: "http://proxy.test" },
    /is set as well as proxy/,
  ],
  [".ca", { ca: 5 }, /got a number$/],
  [".ca", { ca: "/etc/ssl/ca.pem" }, /has no certificate in PEM format/],
  [".ca", { ca: "${CA}" }, /template that was not filled in/],
  [".ca", { ca: [] }, /is an empty list/],
  [".ca[0]", { ca: [Buffer.from(certificate)] }, /got an object$/],
  [".ca[1]", { ca: [certificate, privateKey] }, /has no certificate in PEM format/],
  [".clientCertificate", { clientCertificate: certificate }, /got a string$/],
  [".clientCertificate.privateKey", { clientCertificate: { certificate } }, /^is missing$/],
  [".clientCertificate.certificate", { clientCertificate: { privateKey } }, /^is missing$/],
  [
    ".clientCertificate.certificate",
    { clientCertificate: { certificate: privateKey, privateKey } },
    /has no certificate in PEM format/,
  ],
  [
    ".clientCertificate.privateKey",
    { clientCertificate: { certificate, privateKey: certificate } },
    /has no private key in PEM format/,
  ],
  [
    ".clientCertificate.privateKey",
    { clientCertificate: { certificate, privateKey: "******" } },
    /has no private key in PEM format/,
  ],
  [
    ".clientCertificate.privateKey",
    { clientCertificate: { certificate, privateKey: "${KEY}" } },
    /template that was not filled in/,
  ],
  [
    ".clientCertificate.passphrase",
    { clientCertificate: { certificate, privateKey, passphrase: 5 } },
    /got a number$/,
  ],
  [
    ".clientCertificate.passphrase",
    { clientCertificate: { ...files, passphrase: "" } },
    /^is empty$/,
  ],
  [
    ".clientCertificate.privateKeyFile",
    { clientCertificate: { certificateFile: "/tls.crt" } },
    /^is missing$/,
  ],
  [
    ".clientCertificate.certificateFile",
    { clientCertificate: { privateKeyFile: "/tls.key" } },
    /^is missing$/,
  ],
  [
    ".clientCertificate.certificateFile",
    { clientCertificate: { ...files, certificateFile: "" } },
    /^is empty$/,
  ],
  [
    ".clientCertificate.privateKeyFile",
    { clientCertificate: { ...files, privateKeyFile: 5 } },
    /got a number$/,
  ],
  [
    ".clientCertificate.certificate",
    { clientCertificate: { ...files, certificate } },
    /is set as well as a file/,
  ],
  [
    ".clientCertificate.privateKey",
    { clientCertificate: { ...files, privateKey } },
    /is set as well as a file/,
  ],
  [
    ".clientCertificate.cert",
    { clientCertificate: { certificate, privateKey, cert: certificate } },
    /is not a field here/,
  ],
];

describe("a mistake in transport is reported with its path, what is wrong and the fix", () => {
  test.each(mistakes)("transport%s, given %j", async (path, transport, problem) => {
    const requests = mockTokenEndpoint();
    const said = await mistakesIn({ ...orders, transport });
    expect(said).toMatchObject([
      {
        path: `transport${path}`,
        problem: expect.stringMatching(problem),
        fix: expect.stringMatching(/\w/),
      },
    ]);
    expect(requests).toHaveLength(0);
  });

  test.each(mistakes)(
    "where an instance is made: transport%s, given %j",
    async (path, transport, problem) => {
      const make = async () => new EndpointSecurity({ transport } as never);
      const { problems } = await configurationError(make());
      expect(problems).toMatchObject([
        { path: `transport${path}`, problem: expect.stringMatching(problem) },
      ]);
    },
  );

  test.each(["basic", "digest", "api_key"])("of an endpoint of type %s, too", async (type) => {
    const said = await mistakesIn({
      type,
      url: "https://orders.test",
      ...(type === "api_key"
        ? { headerName: "X-Key", apiKey: "k" }
        : { username: "me", password: "pw" }),
      transport: { timeoutMs: 0, prroxy: "a" },
    });
    expect(said.map(({ path }) => path)).toEqual(["transport.timeoutMs", "transport.prroxy"]);
  });
});

test("all mistakes are reported at once, those of other fields too", async () => {
  const said = await mistakesIn({
    ...orders,
    clientId: "",
    transport: {
      connectTimeoutMs: 0,
      proxy: "proxy",
      noProxy: ["https://a.test", "b.test", "c d"],
      ca: "no",
      clientCertificate: { certificate: "no", privateKey: "no", passphrase: "" },
      more: 1,
    },
  });
  expect(said.map(({ path }) => path).sort()).toEqual([
    "clientId",
    "transport.ca",
    "transport.clientCertificate.certificate",
    "transport.clientCertificate.passphrase",
    "transport.clientCertificate.privateKey",
    "transport.connectTimeoutMs",
    "transport.more",
    "transport.noProxy[0]",
    "transport.noProxy[2]",
    "transport.proxy",
  ]);
});

describe("authentication by certificate", () => {
  const { clientSecret: _, ...base } = orders;
  const methods = ["tls_client_auth", "self_signed_tls_client_auth"];

  test.each(methods)("%s needs a client certificate", async (tokenEndpointAuthMethod) => {
    const requests = mockTokenEndpoint();
    for (const transport of [undefined, {}, { timeoutMs: 5_000 }]) {
      const said = await mistakesIn({ ...base, tokenEndpointAuthMethod, transport });
      expect(said).toMatchObject([
        { path: "transport.clientCertificate", problem: expect.stringContaining("is missing") },
      ]);
    }
    expect(requests).toHaveLength(0);
  });

  test.each(methods)(
    "%s sends no secret, and signs no assertion",
    async (tokenEndpointAuthMethod) => {
      const transport = { clientCertificate: pair };
      const secret = { ...orders, tokenEndpointAuthMethod, transport };
      expect(await mistakesIn(secret)).toMatchObject([{ path: "clientSecret" }]);
      const signed = {
        ...base,
        tokenEndpointAuthMethod,
        transport,
        clientPrivateKey: pair.privateKey,
      };
      expect(await mistakesIn(signed)).toMatchObject([{ path: "clientPrivateKey" }]);
    },
  );
});

test.each([
  ["proxy", (secret: string) => ({ proxy: `ftp://me:${encodeURIComponent(secret)}@proxy.test` })],
  [
    "proxy",
    (secret: string) => ({ proxy: `http://me:${encodeURIComponent(secret)}@proxy.test/x` }),
  ],
  ["proxy", (secret: string) => ({ proxy: `http//me:${secret}@proxy.test` })],
  ["proxy", (secret: string) => ({ proxy: `http://me:${secret}%@proxy.test` })],
  ["proxy", (secret: string) => ({ proxy: `${secret}:3128` })],
  ["ca", (secret: string) => ({ ca: secret })],
  ["noProxy[0]", (secret: string) => ({ noProxy: [secret] })],
  [
    "clientCertificate.privateKey",
    (secret: string) => ({ clientCertificate: { certificate, privateKey: secret } }),
  ],
])("a mistake in %s isn't quoted, for a secret may be in it", async (path, transport) => {
  const security = new EndpointSecurity();
  const config = { ...orders, transport: transport(canaries.password) };
  const error = await configurationError(security.getToken(unchecked(config)));
  expect(error.problems).toMatchObject([{ path: `transport.${path}` }]);
  expect(seenIn([error])).toEqual([]);
});

test.each<[what: string, transport: () => object]>([
  ["nothing", () => ({})],
  ["what is undefined", () => ({ proxy: undefined, ca: undefined, clientCertificate: undefined })],
  ["one millisecond", () => Object.fromEntries(deadlines.map((name) => [name, 1]))],
  ["no proxy", () => ({ proxy: false, proxyFromEnvironment: false })],
  [
    "the environment's proxy, whatever is false",
    () => ({ proxy: false, proxyFromEnvironment: true }),
  ],
  ["an https proxy", () => ({ proxy: "https://me:p%40ss@proxy.test:8443/" })],
  [
    "every form of host",
    () => ({
      noProxy: [
        "a",
        "a.test",
        ".a.test",
        "*.a.test",
        "*.a.test:1",
        "10.0.0.1",
        "[::1]",
        "[::1]:80",
      ],
    }),
  ],
  ["every host", () => ({ noProxy: ["*"] })],
  ["no host", () => ({ noProxy: [] })],
  [
    "an encrypted key",
    () => ({
      clientCertificate: {
        ...pair,
        privateKey: encryptedKey(pair.privateKey, "x"),
        passphrase: () => "x",
      },
    }),
  ],
])("a transport that says %s is none", async (_what, transport) => {
  const security = new EndpointSecurity({ transport: transport() });
  const endpoint = { ...orders, url: "https://orders.test", transport: transport() };
  expect(() => security.wrapFetch(endpoint)).not.toThrow();
  await security.close();
});
