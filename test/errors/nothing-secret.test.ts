import {
  defineGrant,
  type EndpointConfig,
  EndpointSecurity,
  type EndpointSecurityOptions,
  type EventName,
  isEndpointSecurityError,
} from "endpoint-security";
import Keyv from "keyv";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { respond } from "../servers/http-server.ts";
import { issue, startTokenEndpoint } from "../tokens/token-endpoint.ts";
import { canaries, seenIn } from "./canaries.ts";

const events: readonly EventName[] = [
  "tokenObtained",
  "tokenRequestFailed",
  "credentialsRejected",
  "challengeMismatch",
  "serverProofFailed",
  "cacheFailed",
];

const assertionGrant = defineGrant({
  grantType: "urn:example:assertion",
  fields: [],
  parameters: async () => ({ assertion: canaries.assertion }),
});

type Options = EndpointSecurityOptions<[typeof assertionGrant]>;
type Config = EndpointConfig<typeof assertionGrant>;
type Security = EndpointSecurity<[typeof assertionGrant]>;

/** An endpoint whose every credential is a canary. */
function loaded(tokenUrl: string) {
  return {
    name: "orders",
    url: new URL("/v1", tokenUrl).href,
    grantType: "password" as const,
    tokenUrl,
    clientId: "checkout",
    clientSecret: canaries.clientSecret,
    username: canaries.username,
    password: canaries.password,
    customParameters: { plain: canaries.parameter, list: ["x", canaries.parameter] },
    tokenRequest: { headers: { "X-Tenant-Key": canaries.header }, retries: 0 },
  };
}

/** Everything said while a test runs: what is thrown, emitted, explained, printed, warned of. */
function eavesdrop() {
  const outputs: unknown[] = [];
  const hear = (...said: unknown[]) => void outputs.push(...said);
  for (const method of ["log", "info", "warn", "error", "debug", "trace"] as const) {
    vi.spyOn(console, method).mockImplementation(hear);
  }
  vi.spyOn(process, "emitWarning").mockImplementation(hear);
  vi.spyOn(process.stderr, "write").mockImplementation((chunk) => {
    hear(String(chunk));
    return true;
  });
  onTestFinished(() => void vi.restoreAllMocks());
  return {
    outputs,
    listenTo(security: Security): Security {
      for (const name of events) security.on(name, (event) => hear({ name, event }));
      return security;
    },
    /** Does something with an instance, and then looks at all that can be looked at. */
    async during(
      work: (security: Security) => unknown,
      { options = {}, config }: { options?: Options; config?: Config } = {},
    ) {
      const security = this.listenTo(
        new EndpointSecurity({ grants: [assertionGrant], ...options }),
      );
      let thrown: unknown;
      try {
        hear(await work(security));
      } catch (error) {
        thrown = error;
        hear(error);
      }
      if (config !== undefined) {
        try {
          hear(security.explain(config));
        } catch (error) {
          hear(error);
        }
      }
      hear(security);
      await security.close();
      hear(security);
      return thrown;
    },
  };
}

describe("the ear itself", () => {
  const { clientSecret, token } = canaries;
  test.each<[string, unknown]>([
    ["a message", new Error(clientSecret)],
    ["a cause", new Error("x", { cause: { deep: { deeper: [clientSecret] } } })],
    ["a hidden property", Object.defineProperty(new Error("x"), "y", { value: clientSecret })],
    ["a symbol property", { [Symbol("x")]: clientSecret }],
    ["a map", new Map([["x", new Set([clientSecret])]])],
    ["headers", new Headers({ authorization: "ClientSecretCanary7Q" })],
    ["JSON", { toJSON: () => clientSecret }],
    ["base64", Buffer.from(`checkout:${clientSecret}`).toString("base64")],
    ["base64 behind another prefix", Buffer.from(`x:${clientSecret}`).toString("base64")],
    ["a form", String(new URLSearchParams({ clientSecret }))],
    ["an aggregate", new AggregateError([new Error(clientSecret)])],
  ])("hears a secret in %s", (_what, output) => {
    expect(seenIn([output])).toEqual(["clientSecret"]);
  });

  test("hears nothing where nothing is", () => {
    expect(seenIn([new Error("x"), { token: "abc" }, undefined, token.slice(0, 8)])).toEqual([]);
  });
});

const encodings: [string, (secret: string) => string][] = [
  ["as it is", (secret) => secret],
  [
    "as a URLSearchParams writes it",
    (secret) => String(new URLSearchParams({ x: secret })).slice(2),
  ],
  ["as encodeURIComponent writes it", encodeURIComponent],
  [
    "form-encoded in lower case",
    (secret) => encodeURIComponent(secret).replaceAll(/%../g, (hex) => hex.toLowerCase()),
  ],
  ["JSON-escaped", (secret) => JSON.stringify(secret)],
  ["JSON-escaped to ASCII, with slashes", (secret) => asciiJson(secret)],
  ["HTML-escaped", (secret) => htmlEscaped(secret)],
  ["in base64", (secret) => Buffer.from(secret).toString("base64")],
  ["in base64url", (secret) => Buffer.from(secret).toString("base64url")],
];

function asciiJson(text: string): string {
  return JSON.stringify(text)
    .replaceAll("/", "\\/")
    .replaceAll(/[^ -~]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function htmlEscaped(text: string): string {
  const entities: Record<string, string> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  return text.replaceAll(/[&<>"']/g, (char) => entities[char] ?? char);
}

describe("a secret that the token endpoint echoes doesn't get out", () => {
  const sent = ["clientSecret", "password", "username", "parameter", "header"] as const;
  const answers: [string, (echo: string) => [number, object]][] = [
    ["description", (echo) => [400, { error: "x", error_description: `you sent ${echo}, wrong` }]],
    ["whole description", (echo) => [400, { error: "x", error_description: echo }]],
    ["error", (echo) => [401, { error: echo, error_description: "wrong" }]],
    ["error of a 500", (echo) => [500, { error: echo, error_description: echo }]],
    ["outage", (echo) => [503, { error: "server_error", error_description: `for ${echo}` }]],
    ["error of a 200", (echo) => [200, { error: "x", error_description: `"${echo}"` }]],
    ["token", (echo) => [200, { access_token: `a b ${echo}`, token_type: "Bearer" }]],
    ["token type", (echo) => [200, { access_token: "abc", token_type: echo }]],
  ];

  test.each(encodings)("%s", async (_how, encode) => {
    const leaks: string[] = [];
    for (const name of sent) {
      for (const [place, answer] of answers) {
        const [status, body] = answer(encode(canaries[name]));
        const server = await startTokenEndpoint((res) => respond(res, status, body));
        const config = loaded(server.tokenUrl);
        const ear = eavesdrop();
        const error = await ear.during((security) => security.getAuthHeader(config), { config });
        expect(isEndpointSecurityError(error)).toBe(true);
        if (seenIn(ear.outputs).length > 0) leaks.push(`${name} in the ${place}`);
      }
    }
    expect(leaks).toEqual([]);
  });

  test("as the type of a token", async () => {
    const clientSecret = "ClientSecretCanary7Q";
    const body = { access_token: "abc", token_type: clientSecret };
    const server = await startTokenEndpoint((res) => respond(res, 200, body));
    const config = { ...loaded(server.tokenUrl), clientSecret };
    const ear = eavesdrop();
    await ear.during((security) => security.getAuthHeader(config), { config });
    expect(seenIn(ear.outputs)).toEqual([]);
  });
});

test.each([
  ["Digest", (echo: string) => `Digest realm="${echo}", nonce="n", qop="auth"`],
  ["Digest of its own", (echo: string) => `Digest realm="x", nonce="n", algorithm="${echo}"`],
  ["a scheme of its own", (echo: string) => `${echo} realm="x"`],
  ["Basic", (echo: string) => `Basic realm="${echo}"`],
])("a backend's challenge of %s, with a secret in it, doesn't get out", async (_, challenge) => {
  const echo = "PasswordCanary7Q";
  const config = {
    type: "digest",
    url: "http://backend.test",
    username: canaries.username,
    password: echo,
  } as const;
  const headers = { "www-authenticate": challenge(echo) };
  const backend = async () => new Response(null, { status: 401, headers });
  const ear = eavesdrop();
  const request = { method: "GET", url: config.url };
  await ear.during(
    async (security) => {
      await security.wrapFetch(config, { fetch: backend })("/x");
      await security.getAuthHeader(config);
    },
    { config },
  );
  await ear.during((security) => security.getAuthHeaders(config, { request }), { config });
  expect(ear.outputs.length).toBeGreaterThan(3);
  expect(seenIn(ear.outputs)).toEqual([]);
});

test("an echo of the request's Authorization header doesn't get out", async () => {
  const raw = Buffer.from(`checkout:${canaries.clientSecret}`).toString("base64");
  const server = await startTokenEndpoint((res, count, { headers }) =>
    respond(res, 401, {
      error: "invalid_client",
      error_description: `bad: ${count === 1 ? `Basic ${raw}` : headers.authorization}`,
    }),
  );
  for (const clientSecretBasicEncoding of ["form", "form", "raw"] as const) {
    const config = { ...loaded(server.tokenUrl), clientSecretBasicEncoding };
    const ear = eavesdrop();
    await ear.during((security) => security.getAuthHeader(config), { config });
    expect(seenIn(ear.outputs)).toEqual([]);
  }
  expect(server.requests).toHaveLength(3);
});

test.each(["client_secret_basic", "client_secret_post"] as const)(
  "an echo of the whole request's body doesn't get out: %s",
  async (tokenEndpointAuthMethod) => {
    const server = await startTokenEndpoint((res, _count, { rawBody }) =>
      respond(res, 400, { error: "invalid_request", error_description: `can't read ${rawBody}` }),
    );
    const config = { ...loaded(server.tokenUrl), tokenEndpointAuthMethod };
    const ear = eavesdrop();
    await ear.during((security) => security.getAuthHeader(config), { config });
    expect(seenIn(ear.outputs)).toEqual([]);
  },
);

test("a parameter that a grant strategy made doesn't get out when it is echoed", async () => {
  const server = await startTokenEndpoint((res, _count, { form }) =>
    respond(res, 400, {
      error: "invalid_grant",
      error_description: `bad ${form.get("assertion")}`,
    }),
  );
  const { username: _u, password: _p, ...rest } = loaded(server.tokenUrl);
  const config = { ...rest, grantType: "urn:example:assertion" as const };
  const ear = eavesdrop();
  await ear.during((security) => security.getAuthHeader(config), { config });
  expect(seenIn(ear.outputs)).toEqual([]);
});

describe("a token in a hostile answer doesn't get out", () => {
  const { token, otherToken } = canaries;
  test.each<[string, number, unknown]>([
    ["with a line feed", 200, { access_token: `${token}\n`, token_type: "Bearer" }],
    ["with words around it", 200, { access_token: `a ${token} b` }],
    ["with a wrong type", 200, { access_token: token, token_type: "DPoP" }],
    ["that is its own type", 200, { access_token: otherToken, token_type: otherToken }],
    ["that is a life as well", 200, { access_token: token, expires_in: token }],
    ["that has expired", 200, { access_token: token, expires_in: -1 }],
    ["that is its own scope", 200, { access_token: token, expires_in: 60, scope: token }],
    [
      "that is part of its scope",
      200,
      { access_token: token, expires_in: 60, scope: `a ${token}` },
    ],
    ["beside an error", 200, { access_token: token, error: "x", error_description: token }],
    ["that is an error", 400, { access_token: token, error: token, error_description: "x" }],
    ["beside a refresh token", 400, { refresh_token: token, error_description: token, error: "x" }],
    ["beside an ID token", 400, { id_token: token, error_description: token, error: "x" }],
    ["in a list", 200, [{ access_token: token }]],
    ["that is all of it", 200, JSON.stringify(token)],
    ["in broken JSON", 200, `{"access_token":"${token}`],
    ["in HTML", 200, `<html>${token}</html>`],
    ["as a form", 200, `access_token=${token}`],
    ["with a status of a failure", 500, `${token}`],
    ["too deep", 200, { data: { access_token: token } }],
    ["that is a key", 200, { [token]: token }],
    ["that got a list", 200, { access_token: [token] }],
  ])("%s", async (_what, status, body) => {
    const server = await startTokenEndpoint((res) => respond(res, status, body));
    const config = loaded(server.tokenUrl);
    const ear = eavesdrop();
    await ear.during((security) => security.getToken(config), { config });
    expect(ear.outputs.length).toBeGreaterThan(3);
    expect(seenIn(ear.outputs)).toEqual([]);
  });

  test("that was issued before and is named when the next one is refused", async () => {
    const server = await startTokenEndpoint((res, count) =>
      count === 1
        ? issue(res, token)
        : respond(res, 400, { error: "invalid_grant", error_description: `you have ${token}` }),
    );
    const config = loaded(server.tokenUrl);
    const ear = eavesdrop();
    const error = await ear.during(
      async (security) => {
        await security.getToken(config);
        await security.getToken(config, { rejectedToken: token });
      },
      { config },
    );
    expect(error).toMatchObject({ code: "token_request_rejected" });
    expect(seenIn(ear.outputs)).toEqual([]);
  });

  test("that is issued again though it was refused", async () => {
    const server = await startTokenEndpoint((res) => issue(res, token));
    const config = loaded(server.tokenUrl);
    const ear = eavesdrop();
    const error = await ear.during(
      async (security) => {
        await security.getToken(config);
        await security.getToken(config, { rejectedToken: token });
      },
      { config },
    );
    expect(error).toMatchObject({ code: "token_rejected" });
    expect(seenIn(ear.outputs)).toEqual([]);
  });
});

describe("nothing secret gets out when all is well", () => {
  test("of the token, the instance, the wrapper, the events and the explanation", async () => {
    const server = await startTokenEndpoint((res) => issue(res, canaries.token, { scope: "a b" }));
    const config = loaded(server.tokenUrl);
    const ear = eavesdrop();
    const cache = new Keyv();
    const error = await ear.during(
      async (security) => {
        ear.outputs.push(await security.getToken(config), security.wrapFetch(config), security);
        ear.outputs.push([...(cache.store as Map<string, unknown>).entries()]);
        await security.invalidate(config, canaries.token);
        ear.outputs.push(security.explain(config));
      },
      { config, options: { cache, encryptionKeys: [canaries.encryptionKey] } },
    );
    expect(error).toBeUndefined();
    expect(ear.outputs.length).toBeGreaterThan(5);
    expect(seenIn(ear.outputs)).toEqual([]);
  });

  test("of a structured clone, a spread and a template with the token", async () => {
    const server = await startTokenEndpoint((res) => issue(res, canaries.token));
    const token = await new EndpointSecurity().getToken(loaded(server.tokenUrl));
    expect(token.accessToken).toBe(canaries.token);
    expect(seenIn([{ ...token }, structuredClone({ ...token }), `${token}`])).toEqual([]);
  });
});

/** Errors as vaults, caches and clients throw them: with all they know. */
function tellingError(secret: string): Error {
  const error = new Error(`could not do it with ${secret}`, { cause: new Error(secret) });
  return Object.assign(error, {
    config: { headers: { authorization: secret } },
    response: { data: secret },
    [Symbol("request")]: secret,
  });
}

describe("a function that gives a secret and throws it doesn't let it out", () => {
  const { clientSecret, password, apiKey } = canaries;
  const throwing = (secret: string) => () => {
    throw tellingError(secret);
  };
  const rejecting = (secret: string) => () => Promise.reject(tellingError(secret));
  const returning = (value: unknown) => async () => value as string;
  const tokenUrl = "https://idp.example.test/token";
  test.each<[string, Config]>([
    ["clientSecret throws", { ...loaded(tokenUrl), clientSecret: throwing(clientSecret) }],
    ["clientSecret rejects", { ...loaded(tokenUrl), clientSecret: rejecting(clientSecret) }],
    [
      "clientSecret throws a string",
      {
        ...loaded(tokenUrl),
        clientSecret: () => {
          throw clientSecret;
        },
      },
    ],
    [
      "clientSecret gives an object",
      { ...loaded(tokenUrl), clientSecret: returning({ value: clientSecret }) },
    ],
    [
      "clientSecret gives a template",
      { ...loaded(tokenUrl), clientSecret: returning(`\${${clientSecret}}`) },
    ],
    ["password rejects", { ...loaded(tokenUrl), password: rejecting(password) }],
    [
      "password of Basic rejects",
      { type: "basic", username: "svc", password: rejecting(password), name: "b" },
    ],
    [
      "username of Basic has a colon",
      { type: "basic", username: returning(`${canaries.username}:`), password, name: "b" },
    ],
    ["apiKey rejects", { type: "api_key", headerName: "X-Key", apiKey: rejecting(apiKey) }],
    [
      "apiKey gives a line feed",
      { type: "api_key", headerName: "X-Key", apiKey: returning(`${apiKey}\n`) },
    ],
  ])("%s", async (_what, config) => {
    const ear = eavesdrop();
    const error = await ear.during((security) => security.getAuthHeader(config), { config });
    expect(isEndpointSecurityError(error)).toBe(true);
    expect(seenIn(ear.outputs)).toEqual([]);
  });
});

test("a grant strategy that throws its secret doesn't let it out", async () => {
  const telling = defineGrant({
    grantType: "urn:example:telling",
    credentials: { pin: "required" },
    fields: [],
    parameters: ({ pin }: { pin: string }) => {
      throw tellingError(pin);
    },
  });
  const security = new EndpointSecurity({ grants: [telling] });
  const { username: _u, password: _p, ...rest } = loaded("https://idp.example.test/token");
  const config = { ...rest, grantType: "urn:example:telling" as const, pin: canaries.password };
  const ear = eavesdrop();
  for (const name of events) security.on(name, (event) => ear.outputs.push(event));
  const error = await security.getAuthHeader(config).catch((reason: unknown) => reason);
  expect(isEndpointSecurityError(error)).toBe(true);
  expect(seenIn([error, security.explain(config), ...ear.outputs])).toEqual([]);
});

describe("a fetch that throws what it was given doesn't let it out", () => {
  const failing: [string, (url: unknown, init: RequestInit | undefined) => Promise<never>][] = [
    [
      "as properties",
      async (url, init) => {
        throw Object.assign(new TypeError("fetch failed"), { url, init, request: { ...init } });
      },
    ],
    [
      "as the cause",
      async (_, init) => {
        throw new TypeError("fetch failed", { cause: { init, body: String(init?.body) } });
      },
    ],
    [
      "in its message",
      async (_, init) => {
        const headers = JSON.stringify([...new Headers(init?.headers)]);
        throw new Error(`can't send ${headers} ${String(init?.body)}`);
      },
    ],
    [
      "in the message of its cause",
      async (_, init) => {
        const cause = new Error(String(new Headers(init?.headers).get("authorization")));
        throw new TypeError(String(init?.body), { cause });
      },
    ],
    [
      "as a string",
      async (_, init) => {
        throw String(init?.body);
      },
    ],
    [
      "with the answer's token in its message",
      async () => {
        throw new Error(`strange answer: {"access_token":"${canaries.token}"}`);
      },
    ],
  ];
  test.each(failing)("%s", async (_how, fetch) => {
    for (const tokenEndpointAuthMethod of ["client_secret_basic", "client_secret_post"] as const) {
      const config = { ...loaded("https://idp.example.test/token"), tokenEndpointAuthMethod };
      const ear = eavesdrop();
      const error = await ear.during((security) => security.getAuthHeader(config), {
        config,
        options: { fetch: fetch as unknown as typeof globalThis.fetch },
      });
      expect(error).toMatchObject({ code: "token_endpoint_unavailable" });
      expect(seenIn(ear.outputs)).toEqual([]);
    }
  });
});

describe("a cache that reports its entries doesn't let them out", () => {
  const telling = (...entry: unknown[]) => tellingError(`${canaries.token} ${entry.join(" ")}`);
  test.each<[string, Options["cache"]]>([
    [
      "by throwing",
      {
        get: () => {
          throw telling();
        },
        set: (...entry) => {
          throw telling(...entry);
        },
        delete: () => {
          throw telling();
        },
      },
    ],
    [
      "by rejecting",
      {
        get: async () => Promise.reject(telling()),
        set: async (...entry) => Promise.reject(telling(...entry)),
        delete: async () => Promise.reject(telling()),
      },
    ],
    [
      "by an event",
      {
        get: async () => undefined,
        set: async () => true,
        delete: async () => true,
        on: (_, listener) => listener(telling()),
      },
    ],
    [
      "by rubbish",
      {
        get: async () => ({ token: canaries.token, toString: () => canaries.token }),
        set: async () => true,
        delete: async () => true,
      },
    ],
  ])("%s", async (_how, cache) => {
    const server = await startTokenEndpoint((res) => issue(res, canaries.token));
    const config = loaded(server.tokenUrl);
    const ear = eavesdrop();
    const error = await ear.during(
      async (security) => {
        await security.getToken(config);
        await security.invalidate(config);
        cache?.on?.("error", () => {});
        await security.getToken(config);
      },
      { config, options: { cache, encryptionKeys: [canaries.encryptionKey] } },
    );
    expect(error).toBeUndefined();
    expect(seenIn(ear.outputs)).toEqual([]);
  });
});

describe("a mistake in a configuration is reported without the values", () => {
  const { apiKey, clientSecret, header, parameter, password, username } = canaries;
  const tokenUrl = "https://idp.example.test/token";
  const userInfo = "ClientSecretCanary7Q:PasswordCanary7Q@";
  test.each<[string, object]>([
    ["a secret in an object", { ...loaded(tokenUrl), clientSecret: { value: clientSecret } }],
    ["a secret in a list of lists", { ...loaded(tokenUrl), clientSecret: [[clientSecret]] }],
    ["an unfilled template", { ...loaded(tokenUrl), clientSecret: `\${${clientSecret}}` }],
    ["a mistyped field", { ...loaded(tokenUrl), clientSecert: clientSecret }],
    ["a secret as grant type", { ...loaded(tokenUrl), grantType: clientSecret }],
    ["a secret as type", { ...loaded(tokenUrl), type: clientSecret }],
    ["a secret as method", { ...loaded(tokenUrl), tokenEndpointAuthMethod: clientSecret }],
    ["a secret as life", { ...loaded(tokenUrl), renewal: { defaultLifetimeMs: clientSecret } }],
    ["a secret with method none", { ...loaded(tokenUrl), tokenEndpointAuthMethod: "none" }],
    ["user info in tokenUrl", loaded(`https://${userInfo}idp.example.test/token`)],
    ["user info in url", { ...loaded(tokenUrl), url: `https://${userInfo}x.test` }],
    ["a fragment in tokenUrl", loaded(`${tokenUrl}#PasswordCanary7Q`)],
    ["a query in url", { ...loaded(tokenUrl), url: `${tokenUrl}?key=ApiKeyCanary7Q` }],
    [
      "user info in url, without a name",
      {
        ...loaded(tokenUrl),
        name: undefined,
        url: `https://${userInfo}x.test`,
      },
    ],
    ["a broken URL", { ...loaded(tokenUrl), name: undefined, url: `https://${userInfo}[` }],
    [
      "a reserved parameter",
      {
        ...loaded(tokenUrl),
        customParameters: { client_secret: clientSecret, password },
      },
    ],
    [
      "a parameter in an object",
      {
        ...loaded(tokenUrl),
        customParameters: { a: { value: parameter }, b: [{ value: parameter }] },
      },
    ],
    ["parameters that are none", { ...loaded(tokenUrl), customParameters: parameter }],
    [
      "a header with a line feed",
      {
        ...loaded(tokenUrl),
        tokenRequest: { headers: { "X-A": `${header}\n`, authorization: header } },
      },
    ],
    ["headers that are none", { ...loaded(tokenUrl), tokenRequest: { headers: [header] } }],
    [
      "a deep secret",
      {
        ...loaded(tokenUrl),
        customParameters: { a: { b: { c: { d: { e: { f: { g: { h: { i: parameter } } } } } } } } },
      },
    ],
    ["Basic with an object", { type: "basic", username: { username }, password: [password] }],
    ["an API key without a name", { type: "api_key", apiKey, headerName: apiKey }],
    ["an API key in an object", { type: "api_key", apiKey: { apiKey }, headerName: "X-Key" }],
    ["an API key with a line feed", { type: "api_key", apiKey: `${apiKey}\r\n`, headerName: "X" }],
  ])("%s", async (_what, broken) => {
    const config = broken as Config;
    const ear = eavesdrop();
    const error = await ear.during((security) => security.getAuthHeader(config), { config });
    expect(error).toMatchObject({ code: "invalid_configuration" });
    expect(seenIn(ear.outputs)).toEqual([]);
  });

  test.each<[string, object]>([
    ["a short encryption key", { encryptionKeys: ["EncryptionKeyCanary7Q"] }],
    ["an encryption key in an object", { encryptionKeys: [{ key: canaries.encryptionKey }] }],
    ["a cache that is an address", { cache: `redis://:${password}@127.0.0.1` }],
    ["a fetch that is a token", { fetch: canaries.token }],
    ["a deadline that is a secret", { cacheTimeoutMs: clientSecret }],
  ])("of the options: %s", (_what, options) => {
    const make = () => new EndpointSecurity(options as EndpointSecurityOptions);
    let error: unknown;
    try {
      make();
    } catch (reason) {
      error = reason;
    }
    expect(error).toMatchObject({ code: "invalid_configuration" });
    expect(seenIn([error])).toEqual([]);
  });
});

describe("a wrapped request that fails doesn't let out", () => {
  test.each([
    [
      "the query and user info of another origin",
      "https://u:PasswordCanary7Q@x.test/?k=ApiKeyCanary7Q",
    ],
    ["the user info of the endpoint's own origin", "own"],
    ["the credentials, to another path", "/../x?k=ApiKeyCanary7Q"],
  ])("%s", async (_what, destination) => {
    const server = await startTokenEndpoint((res) => issue(res, canaries.token));
    const config = loaded(server.tokenUrl);
    const own = config.url.replace("://", "://u:PasswordCanary7Q@");
    const ear = eavesdrop();
    const error = await ear.during((security) =>
      security.wrapFetch(config)(destination === "own" ? own : destination),
    );
    expect(error).toBeInstanceOf(Error);
    expect(seenIn(ear.outputs)).toEqual([]);
  });

  test("the token that a backend refused and a renewal could not replace", async () => {
    const server = await startTokenEndpoint((res, count) =>
      count === 1 ? issue(res, canaries.token) : respond(res, 401, { error: "invalid_token" }),
    );
    const config = loaded(server.tokenUrl);
    const ear = eavesdrop();
    const error = await ear.during(
      async (security) => (await security.wrapFetch(config)("/x")).status,
      { config },
    );
    expect(error).toBeUndefined();
    expect(ear.outputs).toContain(401);
    expect(seenIn(ear.outputs)).toEqual([]);
  });
});

test("a listener that throws an event's secret doesn't let it out by a warning", async () => {
  const server = await startTokenEndpoint((res) => issue(res, canaries.token));
  const config = loaded(server.tokenUrl);
  const ear = eavesdrop();
  await ear.during(async (security) => {
    security.on("tokenObtained", () => {
      throw tellingError(canaries.token);
    });
    await security.getAuthHeaders({ ...config });
    return "done";
  });
  expect(ear.outputs).toContain("done");
  expect(seenIn(ear.outputs)).toEqual([]);
});
