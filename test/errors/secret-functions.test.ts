import {
  ConfigurationError,
  type EndpointConfig,
  EndpointSecurity,
  SecretUnavailableError,
} from "endpoint-security";
import { afterEach, describe, expect, test, vi } from "vitest";
import { checkout, checkoutFor, startTokenEndpoint } from "../tokens/token-endpoint.ts";

afterEach(() => {
  vi.useRealTimers();
});

type SecretFunction = () => string | Promise<string>;

/** Each kind of endpoint with a function as one of its credentials. */
const kinds: [string, (tokenUrl: string, secret: SecretFunction) => EndpointConfig][] = [
  ["clientSecret", (tokenUrl, clientSecret) => ({ ...checkout(tokenUrl), clientSecret })],
  ["password", (tokenUrl, password) => ({ ...checkoutFor(tokenUrl), password })],
  ["username", (tokenUrl, username) => ({ ...checkoutFor(tokenUrl), username })],
  ["password", (_, password) => ({ name: "orders", type: "basic", username: "svc", password })],
  ["apiKey", (_, apiKey) => ({ name: "orders", type: "api_key", headerName: "X-Key", apiKey })],
];

describe.each(kinds)("a function given as %s", (field, configure) => {
  async function failureOf(secret: SecretFunction) {
    const server = await startTokenEndpoint();
    const endpoint = configure(server.tokenUrl, secret);
    const error = await new EndpointSecurity()
      .getAuthHeader(endpoint)
      .catch((reason: unknown) => reason);
    expect(server.requests).toHaveLength(0);
    return error;
  }

  test.each([
    [
      "throws",
      () => {
        throw new RangeError("vault says s3cret");
      },
    ],
    ["rejects", () => Promise.reject(new RangeError("vault says s3cret"))],
  ])("that %s is named, without what it said", async (_what, secret) => {
    const error = await failureOf(secret);
    expect(error).toBeInstanceOf(SecretUnavailableError);
    expect(error).toMatchObject({ field, retryable: true, code: "secret_unavailable" });
    expect(String(error)).toContain("RangeError");
    expect(String(error)).not.toContain("vault says");
  });

  test("that hangs is given up", async () => {
    vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] });
    let asked = () => {};
    const called = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const failure = failureOf(() => {
      asked();
      return new Promise(() => {});
    });
    await called;
    vi.advanceTimersByTime(10_000);
    expect(await failure).toBeInstanceOf(SecretUnavailableError);
  });

  test.each([
    ["a masked secret", "******", /masked/],
    ["a masked secret of dots", "••••••••", /masked/],
    ["nothing", "", /returned an empty string; is its environment variable set\?/],
    ["white space", " \n", /empty/],
    ["a template that was not filled in", "${ORDERS_SECRET}", /template/],
    [
      "undefined",
      undefined as unknown as string,
      /returned undefined; is its environment variable set\?/,
    ],
    ["a number", 7 as unknown as string, /number/],
    ["an object", {} as unknown as string, /object/],
  ])("that returns %s is refused by name", async (_what, value, expected) => {
    const error = await failureOf(() => value);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error).toMatchObject({ endpoint: "orders", message: expect.stringMatching(expected) });
    expect(String(error)).toContain(field);
  });

  test("that fails once is asked again by the next call", async () => {
    const server = await startTokenEndpoint();
    const secret = vi.fn(async () => "good").mockRejectedValueOnce(new Error("vault is sealed"));
    const endpoint = configure(server.tokenUrl, secret);
    const security = new EndpointSecurity();
    await expect(security.getAuthHeader(endpoint)).rejects.toThrow(SecretUnavailableError);
    expect(await security.getAuthHeader(endpoint)).toBeTruthy();
    expect(secret).toHaveBeenCalledTimes(2);
  });
});

test("a rotated secret is taken up with the next token request, without a restart", async () => {
  const server = await startTokenEndpoint();
  let secret = "first";
  const endpoint = checkout(server.tokenUrl, {
    tokenEndpointAuthMethod: "client_secret_post" as const,
    clientSecret: () => secret,
  });
  const security = new EndpointSecurity();
  await security.getAuthHeader(endpoint);
  secret = "second";
  expect(await security.getAuthHeader(endpoint)).toBe("Bearer token-1");
  await security.getAuthHeader(endpoint, { rejectedToken: "token-1" });
  expect(server.requests.map(({ form }) => form.get("client_secret"))).toEqual(["first", "second"]);
});
