import { inspect } from "node:util";
import { type ConfigurationError, EndpointSecurity } from "endpoint-security";
import { describe, expect, test } from "vitest";
import { configurationError } from "./mistakes.ts";
import { mockTokenEndpoint, orders } from "./mocked-token-endpoint.ts";
import { unchecked } from "./unchecked.ts";

const user = { ...orders, grantType: "password", username: "svc", password: "svc-password" };
const basic = { type: "basic", username: "svc", password: "svc-password" };
const key = { type: "api_key", headerName: "X-Key", apiKey: "key" };

const secrets: [type: string, config: object, field: string][] = [
  ["client_credentials", orders, "clientSecret"],
  ["password", user, "clientSecret"],
  ["password", user, "username"],
  ["password", user, "password"],
  ["basic", basic, "username"],
  ["basic", basic, "password"],
  ["api_key", key, "apiKey"],
];

const unusable: [problem: RegExp, value: unknown][] = [
  [/is masked/, "******"],
  [/is masked/, "***"],
  [/is masked/, " •••••••• "],
  [/is empty/, ""],
  [/is empty/, " \n"],
  [/template that was not filled in/, "${VAULT_SECRET}"],
  [/template that was not filled in/, "canary-${suffix}"],
  [/got a number/, 424242],
  [/got an object/, { value: "canary" }],
  [/got null/, null],
  [/is the text "undefined"/, "undefined"],
  [/is the text "null"/, "null"],
  [/ends with a line break/, "canary\n"],
  [/ends with a line break/, "canary\r\n"],
];

/** What some services have for the half of user name and password that they don't use. */
const mayBeEmpty = (type: string, value: unknown) => type === "basic" && value === "";

const cases = secrets.flatMap(([type, config, field]) =>
  unusable
    .filter(([, value]) => !mayBeEmpty(type, value))
    .map(([problem, value]) => ({ type, config, field, problem, value })),
);

/** What a function returns for a variable that isn't set. */
const returned = new Map<unknown, RegExp>([
  ["", /returned an empty string/],
  [null, /returned null/],
]);

/** Nothing that anyone could print of the error tells the value. */
function expectUntold(error: ConfigurationError, value: unknown): void {
  const told = [error.message, String(error.stack), inspect(error), JSON.stringify(error)].join();
  for (const canary of ["canary", "VAULT_SECRET", "424242"]) {
    if (String(value).includes(canary)) expect(told).not.toContain(canary);
  }
}

describe("an unusable secret is refused by the name of its field, and never shown", () => {
  test.each(cases)("$type: $field $value", async ({ config, field, problem, value }) => {
    const call = new EndpointSecurity().getAuthHeader(unchecked({ ...config, [field]: value }));
    const error = await configurationError(call);
    expect(error.problems).toMatchObject([
      { path: field, problem: expect.stringMatching(problem) },
    ]);
    expectUntold(error, value);
  });

  test.each(cases)("returned by a function, $type: $field $value", async (example) => {
    const { config, field, problem, value } = example;
    const read = async () => value;
    const said = returned.get(value) ?? problem;
    const call = new EndpointSecurity().getAuthHeader(unchecked({ ...config, [field]: read }));
    const error = await configurationError(call);
    expect(error.problems).toMatchObject([
      { path: `${field}()`, problem: expect.stringMatching(said) },
    ]);
    expectUntold(error, value);
  });

  test.each(["basic", "digest"] as const)(
    "but %s takes an empty one that is written so",
    async (type) => {
      const security = new EndpointSecurity();
      const options = {
        request: { method: "GET", url: "https://a.test/" },
        challenge: 'Digest realm="r", nonce="n", qop="auth"',
      };
      for (const user of [
        { username: "sk_live_1", password: "" },
        { username: "", password: "p" },
      ]) {
        const { Authorization } = await security.getAuthHeaders({ type, ...user }, options);
        expect(Authorization).toMatch(/^(Basic|Digest) ./);
      }
    },
  );

  test("no token request is made with it", async () => {
    const requests = mockTokenEndpoint();
    const security = new EndpointSecurity();
    await configurationError(security.getToken({ ...orders, clientSecret: () => "******" }));
    expect(requests).toHaveLength(0);
  });
});

describe("a secret that only looks unusual is taken", () => {
  test.each(["**", "a***", "$ecret", "$HOME", "{x}", "  spaces  ", "pass:word", "密码🔑", "•"])(
    "%s",
    async (clientSecret) => {
      mockTokenEndpoint();
      const header = await new EndpointSecurity().getAuthHeader({ ...orders, clientSecret });
      expect(header).toBe("Bearer token-1");
    },
  );
});

describe("a function that can't give its secret", () => {
  test.each([
    ["throws", () => Promise.reject(new TypeError("canary is the secret")), "threw TypeError"],
    [
      "throws at once",
      () => {
        throw Object.assign(new Error("canary"), { code: "EVAULT" });
      },
      "threw Error (EVAULT)",
    ],
    ["throws what is no error", () => Promise.reject("canary"), "threw a string"],
  ])("%s: an error that says which, and may be tried again", async (_, read, said) => {
    const requests = mockTokenEndpoint();
    const call = new EndpointSecurity().getAuthHeader({ ...orders, clientSecret: read });
    const error: unknown = await call.catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: "secret_unavailable",
      field: "clientSecret",
      retryable: true,
      message: expect.stringContaining(said),
    });
    expect(`${inspect(error)}${JSON.stringify(error)}`).not.toContain("canary");
    expect(requests).toHaveLength(0);
  });

  test("is asked again at the next call", async () => {
    mockTokenEndpoint();
    const security = new EndpointSecurity();
    let sealed = true;
    const clientSecret = async () => {
      if (sealed) throw new Error("the vault is sealed");
      return "secret";
    };
    await expect(security.getAuthHeader({ ...orders, clientSecret })).rejects.toMatchObject({
      code: "secret_unavailable",
    });
    sealed = false;
    await expect(security.getAuthHeader({ ...orders, clientSecret })).resolves.toBe(
      "Bearer token-1",
    );
  });

  test("is not waited for longer than the token request's deadline", async () => {
    const never = () => new Promise<string>(() => {});
    const config = { ...orders, clientSecret: never, tokenRequest: { timeoutMs: 1 } };
    await expect(new EndpointSecurity().getAuthHeader(config)).rejects.toMatchObject({
      code: "secret_unavailable",
      field: "clientSecret",
      message: expect.stringContaining("returned nothing within 1 ms"),
    });
  });
});
