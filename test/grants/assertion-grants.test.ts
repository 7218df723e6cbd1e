import { EndpointSecurity } from "endpoint-security";
import fc from "fast-check";
import { decodeJwt, jwtVerify } from "jose";
import Keyv from "keyv";
import { describe, expect, test } from "vitest";
import { takingEndpoint, token } from "../client-authentication/assertion-endpoint.ts";
import { privateKeys, publicKeys } from "../client-authentication/keys.ts";
import { derivingEndpoint } from "../configuration/deriving-fetch.ts";
import { mistakesIn } from "../configuration/mistakes.ts";
import { mockTokenEndpoint, orders } from "../configuration/mocked-token-endpoint.ts";

const bearer = { ...orders, grantType: "urn:ietf:params:oauth:grant-type:jwt-bearer" } as const;
const exchange = {
  ...orders,
  grantType: "urn:ietf:params:oauth:grant-type:token-exchange",
} as const;
const accessToken = "urn:ietf:params:oauth:token-type:access_token";
const idToken = "urn:ietf:params:oauth:token-type:id_token";

describe("the JWT bearer grant", () => {
  test.each([
    ["a value", "the-assertion"],
    ["a function", () => "the-assertion"],
    ["an async function", async () => "the-assertion"],
  ])("sends an assertion that is given as %s", async (_how, assertion) => {
    const requests = mockTokenEndpoint();
    await new EndpointSecurity().getToken({ ...bearer, assertion, scope: "a" });
    expect(Object.fromEntries(requests[0]?.body ?? [])).toEqual({
      grant_type: bearer.grantType,
      assertion: "the-assertion",
      scope: "a",
    });
  });

  test("signs one with issuer, subject, audience, life and claims as they are given", async () => {
    const requests = mockTokenEndpoint();
    await new EndpointSecurity().getToken({
      ...bearer,
      assertionPrivateKey: privateKeys.rsa,
      assertionPrivateKeyId: "key-1",
      assertionAlgorithm: "PS256",
      assertionIssuer: "svc@project.test",
      assertionSubject: "ada@project.test",
      assertionAudience: "https://idp.test",
      assertionLifetimeMs: 600_000,
      assertionClaims: { scope: "https://api.test/read", nested: { a: [1] } },
    });
    const assertion = requests[0]?.body.get("assertion") ?? "";
    const { payload, protectedHeader } = await jwtVerify(assertion, publicKeys.rsa);
    expect(protectedHeader).toEqual({ alg: "PS256", kid: "key-1" });
    expect(payload).toMatchObject({
      iss: "svc@project.test",
      sub: "ada@project.test",
      aud: "https://idp.test",
      scope: "https://api.test/read",
      nested: { a: [1] },
    });
    expect(Number(payload.exp) - Number(payload.iat)).toBe(600);
  });

  test("signs one about the client for the token endpoint where nothing more is said", async () => {
    const requests = mockTokenEndpoint();
    const assertionPrivateKey = privateKeys.ed25519;
    await new EndpointSecurity().getToken({ ...bearer, assertionPrivateKey });
    const claims = decodeJwt(requests[0]?.body.get("assertion") ?? "");
    expect(claims).toMatchObject({ iss: "checkout", sub: "checkout", aud: bearer.tokenUrl });
    expect(Number(claims.exp) - Number(claims.iat)).toBe(60);
  });

  test("signs another for every request and every retry", async () => {
    const endpoint = takingEndpoint((count) =>
      count === 1
        ? new Response("", { status: 503, headers: { "retry-after": "0" } })
        : token(count),
    );
    const security = new EndpointSecurity({ fetch: endpoint.fetch });
    const config = { ...bearer, assertionPrivateKey: privateKeys.p256 };
    await security.getToken(config);
    await security.invalidate(config);
    await security.getToken(config);
    const ids = endpoint.requests.map((one) => decodeJwt(one.get("assertion") ?? "").jti);
    expect(new Set(ids).size).toBe(3);
  });

  test("signs with one key what the client proves itself with another for", async () => {
    const endpoint = takingEndpoint();
    const { clientSecret: _, ...base } = bearer;
    await new EndpointSecurity({ fetch: endpoint.fetch }).getToken({
      ...base,
      tokenEndpointAuthMethod: "private_key_jwt",
      clientPrivateKey: privateKeys.p256,
      assertionPrivateKey: privateKeys.p384,
      assertionSubject: "ada",
    });
    const [request] = endpoint.requests;
    await jwtVerify(request?.get("client_assertion") ?? "", publicKeys.p256);
    await jwtVerify(request?.get("assertion") ?? "", publicKeys.p384, { subject: "ada" });
  });

  const signed = { ...bearer, assertionPrivateKey: privateKeys.p256 };
  test.each<[path: string, config: object, problem: RegExp]>([
    ["assertion", bearer, /is missing/],
    ["assertion", { ...bearer, assertion: 5 }, /got a number/],
    ["assertion()", { ...bearer, assertion: () => "" }, /returned an empty string/],
    ["assertionPrivateKey", { ...signed, assertion: "a" }, /as well as assertion/],
    ["assertionPrivateKey", { ...bearer, assertionPrivateKey: "a" }, /must be PEM/],
    ["assertionPrivateKey()", { ...bearer, assertionPrivateKey: () => "a" }, /must be PEM/],
    ["assertionAlgorithm", { ...signed, assertionAlgorithm: "HS256" }, /must be one of/],
    [
      "assertionAlgorithm",
      { ...signed, assertionAlgorithm: "RS256" },
      /doesn't fit the kind of key/,
    ],
    [
      "assertionAudience",
      { ...signed, assertionAudience: "issuer" },
      /this configuration has no issuer/,
    ],
    ["assertionLifetimeMs", { ...signed, assertionLifetimeMs: 0 }, /got 0/],
    ["assertionClaims", { ...signed, assertionClaims: "a" }, /got a string/],
    ["assertionClaims.sub", { ...signed, assertionClaims: { sub: "a" } }, /field of its own/],
    ["assertionClaims.jti", { ...signed, assertionClaims: { jti: "a" } }, /new for each/],
    [
      "assertionSubject",
      { ...bearer, assertion: "a", assertionSubject: "ada" },
      /no effect if assertion is set/,
    ],
    [
      "customParameters.assertion",
      { ...bearer, assertion: "a", customParameters: { assertion: "b" } },
      /sets itself/,
    ],
    ["assertionSubjct", { ...signed, assertionSubjct: "ada" }, /mean "assertionSubject"/],
  ])("reports a mistake at %s", async (path, config, problem) => {
    const mistakes = await mistakesIn(config);
    expect(mistakes).toMatchObject([{ path, problem: expect.stringMatching(problem) }]);
  });
});

describe("the token exchange", () => {
  test("sends a subject token, taken for an access token where nothing is said", async () => {
    const requests = mockTokenEndpoint();
    await new EndpointSecurity().getToken({ ...exchange, subjectToken: async () => "subject" });
    expect(Object.fromEntries(requests[0]?.body ?? [])).toEqual({
      grant_type: exchange.grantType,
      subject_token: "subject",
      subject_token_type: accessToken,
    });
  });

  test("sends every parameter that RFC 8693 has", async () => {
    const requests = mockTokenEndpoint();
    await new EndpointSecurity().getToken({
      ...exchange,
      subjectToken: "subject",
      subjectTokenType: idToken,
      actorToken: () => "actor",
      actorTokenType: "urn:ietf:params:oauth:token-type:jwt",
      requestedTokenType: accessToken,
      resource: ["https://a.test", "https://b.test"],
      audience: ["a", "b"],
      scope: ["read", "write"],
    });
    expect([...(requests[0]?.body ?? [])].sort()).toEqual([
      ["actor_token", "actor"],
      ["actor_token_type", "urn:ietf:params:oauth:token-type:jwt"],
      ["audience", "a"],
      ["audience", "b"],
      ["grant_type", exchange.grantType],
      ["requested_token_type", accessToken],
      ["resource", "https://a.test"],
      ["resource", "https://b.test"],
      ["scope", "read write"],
      ["subject_token", "subject"],
      ["subject_token_type", idToken],
    ]);
  });

  const answering = (body: object) => async () =>
    Response.json({ access_token: "issued", expires_in: 60, ...body });

  test.each([
    ["Bearer", accessToken],
    ["N_A", idToken],
  ])("reports the token type %s and the issued token type", async (tokenType, issued) => {
    const fetch = answering({ token_type: tokenType, issued_token_type: issued });
    const cache = new Keyv();
    for (const _process of [1, 2]) {
      const security = new EndpointSecurity({ fetch, cache });
      const answer = await security.getToken({ ...exchange, subjectToken: "subject" });
      expect(answer.accessToken).toBe("issued");
      expect(answer.tokenType).toBe(tokenType);
      expect(answer.issuedTokenType).toBe(issued);
      expect(answer.toJSON()).toMatchObject({ tokenType, issuedTokenType: issued });
      await security.close();
    }
  });

  test("puts a token that is no access token into no header, however often it is asked", async () => {
    const security = new EndpointSecurity({ fetch: answering({ token_type: "N_A" }) });
    const config = { ...exchange, name: "orders", subjectToken: "subject" } as const;
    for (let call = 0; call < 3; call++) {
      await expect(security.getAuthHeader(config)).rejects.toMatchObject({
        code: "invalid_configuration",
        endpoint: "orders",
        problems: [{ path: "requestedTokenType" }],
      });
      await expect(security.getAuthHeaders(config)).rejects.toMatchObject({ endpoint: "orders" });
    }
  });

  test.each([
    ["client_credentials", orders],
    ["jwt-bearer", { ...bearer, assertion: "a" }],
  ] as const)("alone may bring N_A: %s may not", async (_grant, config) => {
    const security = new EndpointSecurity({ fetch: answering({ token_type: "N_A" }) });
    await expect(security.getToken(config)).rejects.toMatchObject({
      code: "invalid_token_response",
      message: expect.stringContaining('the type "N_A" instead of Bearer'),
    });
  });

  test("takes no token of a type that nobody knows here", async () => {
    const security = new EndpointSecurity({ fetch: answering({ token_type: "mac" }) });
    const call = security.getToken({ ...exchange, subjectToken: "subject" });
    await expect(call).rejects.toMatchObject({ code: "invalid_token_response" });
  });

  test("leaves out an issued token type that quotes the subject token", async () => {
    const security = new EndpointSecurity({
      fetch: answering({ issued_token_type: "urn:the-subject-token" }),
    });
    const answer = await security.getToken({ ...exchange, subjectToken: "the-subject-token" });
    expect(answer.issuedTokenType).toBeUndefined();
  });

  test.each<[path: string, config: object, problem: RegExp]>([
    ["subjectToken", exchange, /is missing/],
    ["subjectToken()", { ...exchange, subjectToken: () => undefined }, /returned undefined/],
    ["subjectTokenType", { ...exchange, subjectToken: "a", subjectTokenType: "" }, /is empty/],
    ["actorToken", { ...exchange, subjectToken: "a", actorToken: 5 }, /got a number/],
    ["actorTokenType", { ...exchange, subjectToken: "a", actorTokenType: "b" }, /without an actor/],
    ["requestedTokenType", { ...exchange, subjectToken: "a", requestedTokenType: 1 }, /a number/],
    [
      "customParameters.actor_token",
      { ...exchange, subjectToken: "a", customParameters: { actor_token: "b" } },
      /sets itself/,
    ],
  ])("reports a mistake at %s", async (path, config, problem) => {
    const mistakes = await mistakesIn(config);
    expect(mistakes).toMatchObject([{ path, problem: expect.stringMatching(problem) }]);
  });
});

describe("many subjects at once", () => {
  const tokenFor = (subject: string) => `of-${encodeURIComponent(subject)}`;

  /** A token endpoint that issues, after a moment, a token that says whose it is. */
  function issuing() {
    const requests: string[] = [];
    const fetch: typeof globalThis.fetch = async (_input, init) => {
      const body = new URLSearchParams(String(init?.body));
      const assertion = body.get("assertion");
      const subject = assertion === null ? body.get("subject_token") : decodeJwt(assertion).sub;
      requests.push(`${subject}`);
      await new Promise((resolve) => setImmediate(resolve));
      const answer = {
        access_token: tokenFor(`${subject}`),
        token_type: "Bearer",
        expires_in: 3600,
      };
      return Response.json(answer);
    };
    return { fetch, requests };
  }

  const configOf = {
    exchange: (subject: string) => ({ ...exchange, subjectToken: subject }),
    "exchange, by a function": (subject: string) => ({
      ...exchange,
      subjectToken: async () => subject,
    }),
    "jwt-bearer": (subject: string) => ({
      ...bearer,
      assertionPrivateKey: privateKeys.ed25519,
      assertionSubject: subject,
    }),
  };

  test.each(Object.entries(configOf))(
    "each get their own token, in whatever order they come: %s",
    async (_grant, config) => {
      const subject = fc.constantFrom("a", "b", "c", "ab", "a:b", "1:a", "A", "é");
      const calls = fc.array(fc.array(subject, { minLength: 1, maxLength: 8 }), { maxLength: 4 });
      await fc.assert(
        fc.asyncProperty(calls, fc.integer({ min: 1, max: 4 }), async (rounds, maxEntries) => {
          const { fetch } = issuing();
          const security = new EndpointSecurity({ fetch, maxEntries });
          for (const round of rounds) {
            const tokens = await Promise.all(round.map((one) => security.getToken(config(one))));
            expect(tokens.map(({ accessToken }) => accessToken)).toEqual(round.map(tokenFor));
          }
        }),
        { numRuns: 25 },
      );
    },
  );

  // Besides the tokens of maxEntries, those of a thousand configurations are at hand.
  test("no more of them are remembered than a thousand", async () => {
    const { fetch, requests } = issuing();
    const security = new EndpointSecurity({ fetch, maxEntries: 20 });
    const subjects = Array.from({ length: 1200 }, (_, index) => `subject-${index}`);
    const tokens = await Promise.all(
      subjects.map((one) => security.getToken(configOf.exchange(one))),
    );
    expect(tokens.map(({ accessToken }) => accessToken)).toEqual(subjects.map(tokenFor));
    expect(new Set(requests).size).toBe(1200);
    requests.length = 0;
    // The first ones are forgotten; the last ones are there.
    await security.getToken(configOf.exchange("subject-1199"));
    expect(requests).toEqual([]);
    await security.getToken(configOf.exchange("subject-0"));
    expect(requests).toEqual(["subject-0"]);
  });

  test("a subject's refusal is nobody else's", async () => {
    const { fetch: issue } = issuing();
    const fetch: typeof globalThis.fetch = async (input, init) =>
      String(init?.body).includes("subject_token=bad")
        ? Response.json({ error: "invalid_grant" }, { status: 400 })
        : issue(input, init);
    const security = new EndpointSecurity({ fetch });
    const outcomes = await Promise.allSettled(
      ["bad", "good"].map((one) => security.getToken(configOf.exchange(one))),
    );
    expect(outcomes).toMatchObject([
      { reason: { error: "invalid_grant" } },
      { status: "fulfilled" },
    ]);
  });
});

/** Fields and two values of each that bring two tokens. */
const differing: [field: string, base: object, one: unknown, other: unknown][] = [
  ["assertion", bearer, "a", "b"],
  ["assertionPrivateKey", bearer, privateKeys.p256, privateKeys.ed25519],
  ...(
    [
      ["assertionPrivateKeyId", "a", "b"],
      ["assertionAlgorithm", "RS256", "PS256"],
      ["assertionIssuer", "a", "b"],
      ["assertionSubject", "a", "b"],
      ["assertionAudience", "a", "b"],
      ["assertionLifetimeMs", 60_000, 70_000],
      ["assertionClaims", { a: 1 }, { a: "1" }],
    ] as const
  ).map(([field, one, other]): (typeof differing)[number] => [
    field,
    { ...bearer, assertionPrivateKey: privateKeys.rsa },
    one,
    other,
  ]),
  ["subjectToken", exchange, "a", "b"],
  ...(["subjectTokenType", "actorToken", "requestedTokenType"] as const).map(
    (field): (typeof differing)[number] => [field, { ...exchange, subjectToken: "s" }, "a", "b"],
  ),
  ["actorTokenType", { ...exchange, subjectToken: "s", actorToken: "t" }, "a", "b"],
];

describe("two endpoints never share that differ in", () => {
  test.each(differing)("%s", async (field, base, one, other) => {
    const { fetch, requests } = derivingEndpoint();
    const security = new EndpointSecurity({ fetch });
    const config = (value: unknown) => ({ ...base, [field]: value }) as unknown as typeof orders;
    const values = field === "assertionAlgorithm" ? [one, other] : [one, other, undefined];
    const allowed = values.filter((value) => value !== undefined || isOptional(field));
    const first = await Promise.all(allowed.map((value) => security.getToken(config(value))));
    expect(new Set(first.map(({ accessToken }) => accessToken)).size).toBe(allowed.length);
    expect(requests).toHaveLength(allowed.length);
    const again = await Promise.all(allowed.map((value) => security.getToken(config(value))));
    expect(again.map(({ accessToken }) => accessToken)).toEqual(
      first.map(({ accessToken }) => accessToken),
    );
    expect(requests).toHaveLength(allowed.length);
  });

  const isOptional = (field: string) =>
    !["assertion", "assertionPrivateKey", "subjectToken"].includes(field);
});
