import { describe, expect, test } from "vitest";
import {
  type Check,
  credentialOrList,
  credentialThat,
  flag,
  headerName,
  headerValue,
  milliseconds,
  oneOf,
  optional,
  Problems,
  quoted,
  text,
  textOrList,
} from "../../src/checks/check.ts";
import { isRecord, kindOf } from "../../src/checks/kinds.ts";
import { secretMistake, unfilledTemplate } from "../../src/checks/secret-mistake.ts";
import { near } from "../../src/checks/unknown-fields.ts";
import {
  backendUrl,
  issuerUrl,
  originUrl,
  shownUrl,
  tokenEndpointUrl,
} from "../../src/checks/url-checks.ts";
import { labelOf } from "../../src/configuration/parsed-endpoint.ts";
import { audienceOf } from "../../src/credentials/assertion-audience.ts";
import { nameOf } from "../../src/credentials/secrets.ts";
import {
  algorithmsFor,
  algorithmsOfCryptoKey,
  privateKeyAlgorithms,
} from "../../src/credentials/signature-algorithms.ts";

/** What a check says of a value, as `path problem`. */
function said(check: Check, value: unknown): readonly string[] {
  const problems = new Problems();
  check(value, "x", problems);
  for (const { fix } of problems.list) expect(fix).toMatch(/\w/);
  return problems.list.map(({ path, problem }) => `${path} ${problem}`);
}

describe("messages show the kind of a value, never the value", () => {
  test.each([
    [undefined, "missing"],
    [null, "null"],
    [["secret"], "a list"],
    [{ a: "secret" }, "an object"],
    ["secret", "a string"],
    [7, "a number"],
    [true, "a boolean"],
    [() => "secret", "a function"],
  ])("%o is %s", (value, kind) => {
    expect(kindOf(value)).toBe(kind);
  });

  const named = (name: string, code?: unknown) =>
    Object.assign(new Error("secret"), { name, code });
  test.each([
    [new TypeError("secret"), "TypeError"],
    [named("Error", "ENOENT"), "Error (ENOENT)"],
    [named("Error", "E_NO_1"), "Error (E_NO_1)"],
    [named("Error", "the secret"), "Error"],
    [named("Error", "ESECRET x"), "Error"],
    [named("Error", "x ESECRET"), "Error"],
    [named("Error", 7), "Error"],
    [named("the secret"), "an error"],
    [named("Secret: x"), "an error"],
    [named("7Secret"), "an error"],
    [named(""), "an error"],
    [named("A"), "A"],
    [named("Vault2", "E2"), "Vault2 (E2)"],
    ["secret", "a string"],
  ])("what was thrown is %o: %s", (thrown, name) => {
    expect(nameOf(thrown)).toBe(name);
  });
});

describe("a value is", () => {
  test.each<[string, Check, unknown, readonly string[]]>([
    ["a text", text, "a", []],
    ["a text or a mistake", text, 7, ["x must be a string, got a number"]],
    ["a text of blanks", text, " ", ["x is empty"]],
    ["a template", text, "a${b}", ["x has a template that was not filled in (${…})"]],
    ["left out", optional(text), undefined, []],
    ["null, which isn't left out", optional(text), null, ["x must be a string, got null"]],
    ["one text for a list", textOrList, "a", []],
    ["a list", textOrList, ["a", "b"], []],
    ["an empty list", textOrList, [], ["x is an empty list"]],
    [
      "a list with mistakes",
      textOrList,
      ["a", "", 7],
      ["x[1] is empty", "x[2] must be a string, got a number"],
    ],
    ["a list of secrets", credentialOrList, ["a", () => "b"], []],
    ["one secret", credentialOrList, "a", []],
    ["no secret at all", credentialOrList, [], ["x is an empty list"]],
    [
      "secrets with mistakes",
      credentialOrList,
      ["***", 7],
      [
        "x[0] is masked (******), as in a gateway's export",
        "x[1] must be a string or a function, got a number",
      ],
    ],
    ["one of several", oneOf("a", "b"), "b", []],
    ["none of several", oneOf("a", "b"), "c", ['x must be one of "a", "b"']],
    ["no text for one of several", oneOf("a", "b"), 7, ['x must be one of "a", "b", got a number']],
    ["a flag", flag, false, []],
    ["no flag", flag, "false", ["x must be true or false, got a string"]],
    ["the least of milliseconds", milliseconds(1, 5), 1, []],
    ["the most of milliseconds", milliseconds(1, 5), 5, []],
    [
      "too few milliseconds",
      milliseconds(1, 5),
      0.9,
      ["x must be a number of milliseconds from 1 to 5, got 0.9"],
    ],
    [
      "too many milliseconds",
      milliseconds(1, 5),
      5.1,
      ["x must be a number of milliseconds from 1 to 5, got 5.1"],
    ],
    ["the most that a timer takes", milliseconds(1), 2_147_483_647, []],
    [
      "more than a timer takes",
      milliseconds(1),
      2_147_483_648,
      ["x must be a number of milliseconds from 1 to 2147483647, got 2147483648"],
    ],
    [
      "no number",
      milliseconds(1, 5),
      Number.NaN,
      ["x must be a number of milliseconds from 1 to 5, got NaN"],
    ],
    [
      "milliseconds as text",
      milliseconds(1, 5),
      "3",
      ["x must be a number of milliseconds from 1 to 5, got a string"],
    ],
    ["a header's name", headerName, "X-A_1", []],
    ["no header's name in front", headerName, " X-A", ["x must be a header name"]],
    ["no header's name behind", headerName, "X-A:", ["x must be a header name"]],
    ["no header's name at all", headerName, "", ["x must be a header name"]],
    ["no text for a header's name", headerName, 7, ["x must be a header name"]],
    ["a header's value", headerValue, "a \tb~", []],
    ["an empty header's value", headerValue, "", []],
    [
      "no header's value in front",
      headerValue,
      "\na",
      ["x has characters that a header can't carry"],
    ],
    ["no header's value behind", headerValue, "aä", ["x has characters that a header can't carry"]],
    [
      "a template for a header",
      headerValue,
      "${a}",
      ["x has a template that was not filled in (${…})"],
    ],
    ["no text for a header", headerValue, 7, ["x must be a string, got a number"]],
  ])("%s", (_, check, value, expected) => {
    expect(said(check, value)).toEqual(expected);
  });

  test("looked at further where it is a good secret, and no function", () => {
    const further = credentialThat((_, path, problems) => problems.add(path, "is seen", "x"));
    expect(said(further, "a")).toEqual(["x is seen"]);
    expect(said(further, "")).toEqual(["x is empty"]);
    expect(said(further, () => "a")).toEqual([]);
  });

  test.each([
    [{}, true],
    [Object.create(null), true],
    [[], false],
    [null, false],
    [new Map(), false],
    ["a", false],
  ])("a record or not: %o", (value, expected) => {
    expect(isRecord(value)).toBe(expected);
  });
});

describe("a secret is a mistake that", () => {
  test.each<[unknown, RegExp | undefined]>([
    ["a", undefined],
    ["**", undefined],
    ["***", /masked/],
    [" ••• ", /masked/],
    ["***a", undefined],
    ["a***", undefined],
    ["\t", /is empty/],
    ["${A}", /template/],
    ["${}", /template/],
    ["${A", undefined],
    [undefined, /is missing/],
  ])("%j", (value, problem) => {
    const mistake = secretMistake(value);
    if (problem === undefined) expect(mistake).toBeUndefined();
    else {
      expect(mistake?.problem).toMatch(problem);
      expect(mistake?.fix).toMatch(/\w/);
    }
  });

  test("templates in a text are found anywhere", () => {
    expect(unfilledTemplate("a-${B}-c")?.fix).toMatch(/\w/);
    expect(unfilledTemplate("a-$B-{c}")).toBeUndefined();
  });
});

describe("a URL", () => {
  const insecure = "x is http, which sends the credentials in plain text";
  test.each<[string, Check, unknown, readonly string[]]>([
    ["of a backend", backendUrl, "https://a.test/x", []],
    ["of a backend by http", backendUrl, "http://a.test/x", []],
    ["of a backend with a query", backendUrl, "https://a.test/x?y", ["x has a query (?…)"]],
    ["that is relative", backendUrl, "/x", ["x must be an absolute URL"]],
    ["that is no text", backendUrl, 7, ["x must be an absolute URL, got a number"]],
    ["of another scheme", backendUrl, "ftp://a.test", ["x has the scheme ftp:"]],
    ["with a user", backendUrl, "https://u@a.test", ["x has a user name or password"]],
    ["with a password", backendUrl, "https://:p@a.test", ["x has a user name or password"]],
    ["with a fragment", backendUrl, "https://a.test/#f", ["x has a fragment (#…)"]],
    ["of an origin", originUrl, "https://a.test:8443", []],
    ["of an origin with a path", originUrl, "https://a.test/x", ["x has a path or query"]],
    ["of an origin with a query", originUrl, "https://a.test/?y", ["x has a path or query"]],
    ["of a token endpoint", tokenEndpointUrl(false), "https://a.test/t?x=y", []],
    ["of a token endpoint by http", tokenEndpointUrl(false), "http://a.test/t", [insecure]],
    ["that is allowed to be http", tokenEndpointUrl(true), "http://a.test/t", []],
    ["of this machine", tokenEndpointUrl(false), "http://localhost/t", []],
    ["of a name of this machine", tokenEndpointUrl(false), "http://a.localhost/t", []],
    ["of this machine's address", tokenEndpointUrl(false), "http://127.0.0.1:81/t", []],
    ["of another of its addresses", tokenEndpointUrl(false), "http://127.255.12.133/t", []],
    ["of its address in IPv6", tokenEndpointUrl(false), "http://[::1]/t", []],
    ["that only begins like it", tokenEndpointUrl(false), "http://localhost.test/t", [insecure]],
    ["that only ends like it", tokenEndpointUrl(false), "http://notlocalhost/t", [insecure]],
    [
      "that begins like its address",
      tokenEndpointUrl(false),
      "http://127.0.0.1.test/t",
      [insecure],
    ],
    [
      "that ends like its address",
      tokenEndpointUrl(false),
      "http://a127.0.0.1.nip.io/t",
      [insecure],
    ],
    ["with its address inside", tokenEndpointUrl(false), "http://x.127.0.0.1.y/t", [insecure]],
    ["of an issuer", issuerUrl(false), "https://a.test/tenant", []],
    ["of an issuer by http", issuerUrl(false), "http://a.test", [insecure]],
    ["of an issuer allowed so", issuerUrl(true), "http://a.test", []],
    ["of an issuer with a query", issuerUrl(false), "https://a.test/?t=1", ["x has a query (?…)"]],
    [
      "of an issuer's metadata",
      issuerUrl(false),
      "https://a.test/.well-known/openid-configuration",
      ["x is the URL of the issuer's metadata"],
    ],
  ])("%s", (_, check, value, expected) => {
    expect(said(check, value)).toEqual(expected);
  });

  test("is shown without what may be secret", () => {
    expect(shownUrl("https://u:p@a.test/x?y#z")).toBe("https://a.test/x");
    expect(shownUrl(new URL("https://a.test/x"))).toBe("https://a.test/x");
    expect(shownUrl("x")).toBe("(no URL)");
  });
});

describe("an endpoint is called", () => {
  test.each([
    [{ name: "orders", url: "https://a.test" }, "orders"],
    [{ name: "", url: "https://a.test/x?y" }, "https://a.test/x"],
    [{ name: 7, tokenUrl: "https://b.test/t" }, "https://b.test/t"],
    [{ url: "x", tokenUrl: 7, issuer: "https://c.test" }, "https://c.test/"],
    [{}, "endpoint"],
  ])("by its name or its place: %j", (config, label) => {
    expect(labelOf(config)).toBe(label);
  });
});

describe("what was meant is", () => {
  const known = ["clientId", "clientSecret", "scope"];
  const meant = (name: string) => ` (did you mean "${name}"?)`;
  test.each([
    ["client_id", meant("clientId")],
    ["CLIENTSECRET", meant("clientSecret")],
    ["scopes", meant("scope")],
    ["sc", ""],
    ["sco", meant("scope")],
    ["clientSecretValue", meant("clientSecret")],
    ["clientSecretValuesX", ""],
    ["zzz", ""],
  ])("of %s: %s", (name, expected) => {
    expect(near(name, known)).toBe(expected);
  });

  test("the first of those that are as near, and nothing among nothing", () => {
    expect(near("ab", ["ac", "ad"])).toBe(meant("ac"));
    expect(near("ab", [])).toBe("");
    expect(quoted(["a", "b"])).toBe('"a", "b"');
  });
});

describe("the audience of an assertion is", () => {
  const urls = { tokenUrl: "https://a.test/t", issuer: "https://a.test" };
  test.each([
    [undefined, urls, urls.tokenUrl],
    ["token_endpoint", urls, urls.tokenUrl],
    ["issuer", urls, urls.issuer],
    ["issuer", { tokenUrl: urls.tokenUrl }, urls.tokenUrl],
    ["urn:other", urls, "urn:other"],
  ])("%s", (wanted, settings, expected) => {
    expect(audienceOf(settings, wanted)).toBe(expected);
  });
});

describe("a key signs with", () => {
  const rsa = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
  test.each([
    [{ kty: "RSA" }, rsa],
    [{ kty: "EC", crv: "P-256" }, ["ES256"]],
    [{ kty: "EC", crv: "P-384" }, ["ES384"]],
    [{ kty: "EC", crv: "P-521" }, ["ES512"]],
    [{ kty: "OKP", crv: "Ed25519" }, ["EdDSA", "Ed25519"]],
    [{ kty: "OKP", crv: "X25519" }, []],
    [{ kty: "EC" }, []],
    [{}, []],
  ])("what its kind says: %j", (jwk, expected) => {
    expect(algorithmsFor(jwk)).toEqual(expected);
  });

  const hash = { name: "SHA-384" };
  test.each([
    [{ name: "RSASSA-PKCS1-v1_5", hash }, ["RS384"]],
    [{ name: "RSA-PSS", hash }, ["PS384"]],
    [{ name: "RSA-PSS", hash: { name: "SHA-1" } }, []],
    [{ name: "RSA-PSS" }, []],
    [{ name: "ECDSA", namedCurve: "P-384" }, ["ES384"]],
    [{ name: "ECDSA" }, []],
    [{ name: "Ed25519" }, ["EdDSA", "Ed25519"]],
    [{ name: "X25519" }, []],
  ])("what it was made for: %j", (algorithm, expected) => {
    expect(algorithmsOfCryptoKey(algorithm)).toEqual(expected);
  });

  test("nothing but what is known", () => {
    expect(privateKeyAlgorithms).toEqual([...rsa, "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]);
  });
});
