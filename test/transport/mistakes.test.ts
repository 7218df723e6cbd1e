import { EndpointSecurity } from "endpoint-security";
import { beforeAll, describe, expect, test } from "vitest";
import { configurationError, mistakesIn } from "../configuration/mistakes.ts";
import { mockTokenEndpoint, orders } from "../configuration/mocked-token-endpoint.ts";
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
  ["", "http://proxy.test:3128", /^is a string$/],
  ["", null, /^is null$/],
  ["", [], /^is a list$/],
  ["", () => ({}), /^is a function$/],
  [".prroxy", { prroxy: "http://proxy.test" }, /is not a field here \(did you mean "proxy"\?\)/],
  [".timeout", { timeout: 5 }, /is not a field here/],
  ...deadlines.flatMap((name): Mistake[] => [
    [`.${name}`, { [name]: 0 }, /^is 0$/],
    [`.${name}`, { [name]: -1 }, /^is -1$/],
    [`.${name}`, { [name]: Number.NaN }, /^is NaN$/],
    [`.${name}`, { [name]: Number.POSITIVE_INFINITY }, /^is Infinity$/],
    [`.${name}`, { [name]: 2 ** 31 }, /^is 2147483648$/],
    [`.${name}`, { [name]: "5s" }, /^is a string$/],
    [`.${name}`, { [name]: null }, /^is null$/],
  ]),
  [".maxConnections", { maxConnections: 0 }, /is no positive integer/],
  [".maxConnections", { maxConnections: 1.5 }, /is no positive integer/],
  [".maxConnections", { maxConnections: "8" }, /is no positive integer/],
  [".proxy", { proxy: true }, /^is a boolean$/],
  [".proxy", { proxy: { host: "proxy.test" } }, /^is an object$/],
  [".proxy", { proxy: "" }, /is no absolute URL/],
  [".proxy", { proxy: "//proxy.test" }, /is no absolute URL/],
  [".proxy", { proxy: "proxy.test:3128" }, /has the scheme proxy\.test:/],
  [".proxy", { proxy: "socks5://proxy.test:1080" }, /has the scheme socks5:/],
  [".proxy", { proxy: "http://${PROXY}" }, /template left unfilled/],
  [".proxy", { proxy: "http://proxy.test/path" }, /has more than scheme, credentials, host/],
  [".proxy", { proxy: "http://proxy.test?a=b" }, /has more than scheme, credentials, host/],
  [".proxy", { proxy: "http://proxy.test#a" }, /has more than scheme, credentials, host/],
  [".proxy", { proxy: "http://me@proxy.test" }, /has a user name or a password alone/],
  [".proxy", { proxy: "http://:pw@proxy.test" }, /has a user name or a password alone/],
  [".proxy", { proxy: "http://me:100%@proxy.test" }, /has credentials with a stray %/],
  [".noProxy", { noProxy: "a.test,b.test" }, /^is a string$/],
  [".noProxy", { noProxy: ["*", "a.test"] }, /holds "\*" among others/],
  [".noProxy[0]", { noProxy: [5] }, /^is a number$/],
  [".noProxy[1]", { noProxy: ["a.test", ""] }, /is no host/],
  [".noProxy[0]", { noProxy: ["a.test,b.test"] }, /is no host/],
  [".noProxy[0]", { noProxy: ["https://a.test"] }, /is no host/],
  [".noProxy[0]", { noProxy: ["a.test/path"] }, /is no host/],
  [".noProxy[0]", { noProxy: ["10.0.0.0/8"] }, /is no host/],
  [".noProxy[0]", { noProxy: ["api.*.test"] }, /is no host/],
  [".noProxy[0]", { noProxy: ["*example.test"] }, /is no host/],
  [".noProxy[0]", { noProxy: ["a.test:https"] }, /is no host/],
  [".proxyFromEnvironment", { proxyFromEnvironment: "yes" }, /^is a string$/],
  [
    ".proxyFromEnvironment",
    { proxyFromEnvironment: true, proxy: "http://proxy.test" },
    /is given as well as proxy/,
  ],
  [".ca", { ca: 5 }, /^is a number$/],
  [".ca", { ca: "/etc/ssl/ca.pem" }, /holds no certificate as PEM/],
  [".ca", { ca: "${CA}" }, /template left unfilled/],
  [".ca", { ca: [] }, /is an empty list/],
  [".ca[0]", { ca: [Buffer.from(certificate)] }, /^is an object$/],
  [".ca[1]", { ca: [certificate, privateKey] }, /holds no certificate as PEM/],
  [".clientCertificate", { clientCertificate: certificate }, /^is a string$/],
  [".clientCertificate.privateKey", { clientCertificate: { certificate } }, /^is missing$/],
  [".clientCertificate.certificate", { clientCertificate: { privateKey } }, /^is missing$/],
  [
    ".clientCertificate.certificate",
    { clientCertificate: { certificate: privateKey, privateKey } },
    /holds no certificate as PEM/,
  ],
  [
    ".clientCertificate.privateKey",
    { clientCertificate: { certificate, privateKey: certificate } },
    /holds no private key as PEM/,
  ],
  [
    ".clientCertificate.privateKey",
    { clientCertificate: { certificate, privateKey: "******" } },
    /holds no private key as PEM/,
  ],
  [
    ".clientCertificate.privateKey",
    { clientCertificate: { certificate, privateKey: "${KEY}" } },
    /template left unfilled/,
  ],
  [
    ".clientCertificate.passphrase",
    { clientCertificate: { certificate, privateKey, passphrase: 5 } },
    /^is a number$/,
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
    /^is a number$/,
  ],
  [
    ".clientCertificate.certificate",
    { clientCertificate: { ...files, certificate } },
    /is given as well as a file/,
  ],
  [
    ".clientCertificate.privateKey",
    { clientCertificate: { ...files, privateKey } },
    /is given as well as a file/,
  ],
  [
    ".clientCertificate.cert",
    { clientCertificate: { certificate, privateKey, cert: certificate } },
    /is not a field here/,
  ],
];

describe("a mistake in transport is told with its path, what is wrong and the mend", () => {
  test.each(mistakes)("transport%s, given %j", async (path, transport, problem) => {
    const requests = mockTokenEndpoint();
    const said = await mistakesIn({ ...orders, transport });
    expect(said).toMatchObject([
      {
        path: `transport${path}`,
        problem: expect.stringMatching(problem),
        mend: expect.stringMatching(/\w/),
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

test("all mistakes are told at once, those of other fields too", async () => {
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
  const error = await configurationError(security.getToken(config as never));
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
