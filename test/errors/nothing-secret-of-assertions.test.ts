import { inspect } from "node:util";
import { EndpointSecurity, type Fetch } from "endpoint-security";
import Keyv from "keyv";
import { describe, expect, test } from "vitest";
import { jwk, pem, privateKeys } from "../client-authentication/keys.ts";
import { unchecked } from "../configuration/unchecked.ts";

const base = { tokenUrl: "https://idp.test/token", clientId: "checkout" };
const byKey = {
  ...base,
  grantType: "client_credentials",
  tokenEndpointAuthMethod: "private_key_jwt",
};
const secrets = {
  key: String(jwk(privateKeys.p256).d),
  pem: pem(privateKeys.p256).split("\n")[1] ?? "",
  assertion: "AssertionCanary.eyJzdWIiOiJ4In0.c2lnbmF0dXJl",
  subject: "SubjectCanary.eyJzdWIiOiJ4In0.c2lnbmF0dXJl",
  actor: "ActorCanary.eyJzdWIiOiJ4In0.c2lnbmF0dXJl",
};
const bearer = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const exchange = "urn:ietf:params:oauth:grant-type:token-exchange";
const withSecret = { ...base, clientSecret: "ClientSecretCanary" };

const configs: Record<string, object> = {
  "a key as PEM": { ...byKey, clientPrivateKey: pem(privateKeys.p256) },
  "a key as a JWK": { ...byKey, clientPrivateKey: jwk(privateKeys.p256) },
  "a given assertion": { ...byKey, clientAssertion: () => secrets.assertion },
  "a key for a grant": {
    ...withSecret,
    grantType: bearer,
    assertionPrivateKey: pem(privateKeys.p256),
  },
  "an assertion for a grant": { ...withSecret, grantType: bearer, assertion: secrets.assertion },
  "a token exchange": {
    ...withSecret,
    grantType: exchange,
    subjectToken: secrets.subject,
    actorToken: () => secrets.actor,
  },
  "a broken key": {
    ...byKey,
    clientPrivateKey: pem(privateKeys.p256).replace("PRIVATE KEY", "EC PRIVATE KEY"),
  },
  "a JWK for another algorithm": {
    ...byKey,
    clientPrivateKey: jwk(privateKeys.p256),
    clientAssertionAlgorithm: "RS256",
  },
  "a key in the wrong place": { ...withSecret, clientPrivateKey: pem(privateKeys.p256) },
};

/** A token endpoint that repeats all it was sent, in an error or in a token's answer. */
const endpoints: Record<string, Fetch> = {
  "quotes it in an error": async (_input, init) => {
    const said = new URLSearchParams(String(init?.body)).values();
    const body = { error: "invalid_client", error_description: [...said].join(" ") };
    return Response.json(body, { status: 401 });
  },
  "quotes it in an answer": async (_input, init) => {
    const said = [...new URLSearchParams(String(init?.body)).values()].join(" ");
    return Response.json({ access_token: "t", token_type: "Bearer", scope: said, expires_in: 60 });
  },
  "breaks off": async (_input, init) => {
    throw new TypeError("fetch failed", { cause: new Error(String(init?.body)) });
  },
};

describe.each(Object.entries(endpoints))("a token endpoint that %s", (_what, answer) => {
  test.each(Object.entries(configs))("gets nothing said of %s", async (_which, config) => {
    const sent: string[] = [];
    const fetch: Fetch = async (input, init) => {
      const body = new URLSearchParams(String(init?.body));
      sent.push(
        ...[body.get("client_assertion"), body.get("assertion")].filter((one) => one !== null),
      );
      return answer(input, init);
    };
    const heard: unknown[] = [];
    const endpoint = unchecked({ ...config, tokenRequest: { retries: 0 } });
    for (const options of [{}, { cache: new Keyv() }]) {
      const security = new EndpointSecurity({ fetch, ...options });
      security.on("tokenRequestFailed", (event) => heard.push(event));
      security.on("tokenObtained", (event) => heard.push(event));
      await security.getToken(endpoint).then(
        (token) => heard.push(token, JSON.stringify(token)),
        (error) => heard.push(error, String(error), JSON.stringify(error), error.stack),
      );
      try {
        heard.push(security.explain(endpoint));
      } catch (error) {
        heard.push(error);
      }
      heard.push(security);
    }
    const text = heard.map((one) => inspect(one, { depth: 20, showHidden: true })).join("\n");
    expect(text).toMatch(/idp\.test/);
    for (const secret of [...Object.values(secrets), "ClientSecretCanary", ...sent]) {
      expect(text).not.toContain(secret);
    }
  });
});
