import { EndpointSecurity, InvalidTokenResponseError } from "endpoint-security";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { answeringFetch } from "./answering-fetch.ts";
import { checkout } from "./token-endpoint.ts";

const endpoint = checkout("https://idp.example.test/token");

function answering(body: object): EndpointSecurity {
  return new EndpointSecurity({ fetch: answeringFetch(() => body).fetch });
}

describe("token_type", () => {
  test.each(["Bearer", "bearer", "BEARER", "bEaReR", undefined, null])(
    "%s leads to a header that says Bearer",
    async (token_type) => {
      const security = answering({ access_token: "abc", token_type, expires_in: 60 });
      expect(await security.getAuthHeader(endpoint)).toBe("Bearer abc");
      expect(await security.getAuthHeaders(endpoint)).toEqual({ Authorization: "Bearer abc" });
      expect((await security.getToken(endpoint)).tokenType).toBe("Bearer");
    },
  );

  test.each([
    "DPoP",
    "mac",
    "N_A",
    "Basic",
    "",
    " Bearer",
    "Bearer x",
    "Bearer\r\nX-Injected: 1",
    7,
    true,
    {},
    ["Bearer"],
  ])("%j is refused", async (token_type) => {
    const security = answering({ access_token: "abc", token_type, expires_in: 60 });
    await expect(security.getAuthHeader(endpoint)).rejects.toThrow(InvalidTokenResponseError);
  });
});

describe("access_token", () => {
  test.each([
    ["missing", undefined],
    ["null", null],
    ["empty", ""],
    ["a number", 42],
    ["an object", { value: "abc" }],
    ["a list", ["abc"]],
    ["with a line feed", "abc\n"],
    ["with a header behind it", "abc\r\nX-Injected: 1"],
    ["with a space", "abc def"],
    ["with a tab", "abc\tdef"],
    ["with a NUL", "abc\0"],
    ["with a DEL", "abc\x7f"],
    ["with an umlaut", "äbc"],
    ["with a lone surrogate", "abc\ud800"],
    ["longer than a header may be", "x".repeat(64 * 1024 + 1)],
  ])("%s is refused", async (_what, access_token) => {
    const security = answering({ access_token, token_type: "Bearer", expires_in: 60 });
    const call = security.getAuthHeader(endpoint);
    await expect(call).rejects.toThrow(InvalidTokenResponseError);
    await expect(call).rejects.toMatchObject({ code: "invalid_token_response", retryable: false });
  });

  test("is either something that fits a header, or refused", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary" }), async (access_token) => {
        const security = answering({ access_token, token_type: "Bearer", expires_in: 60 });
        const header = await security.getAuthHeader(endpoint).catch((error: unknown) => error);
        if (typeof header === "string") {
          expect(new Headers({ authorization: header }).get("authorization")).toBe(header);
          expect(header).toBe(`Bearer ${access_token}`);
        } else expect(header).toBeInstanceOf(InvalidTokenResponseError);
      }),
    );
  });

  test("of 60,000 characters is taken", async () => {
    const access_token = "x".repeat(60_000);
    const security = answering({ access_token, token_type: "Bearer", expires_in: 60 });
    expect(await security.getAuthHeader(endpoint)).toBe(`Bearer ${access_token}`);
  });
});

describe("scope", () => {
  test.each([
    ["orders:read orders:write", "orders:read orders:write"],
    [null, undefined],
    [undefined, undefined],
    ["", undefined],
    [7, undefined],
    [{}, undefined],
  ])("%j is told as %j", async (scope, told) => {
    const security = answering({ access_token: "a", token_type: "Bearer", expires_in: 60, scope });
    expect((await security.getToken(endpoint)).scope).toBe(told);
  });
});

test("other members, known and unknown, change nothing", async () => {
  const security = answering({
    access_token: "a",
    token_type: "Bearer",
    expires_in: 60,
    refresh_token: null,
    id_token: "not a JWT",
    error: null,
    ext_expires_in: {},
  });
  expect(await security.getAuthHeader(endpoint)).toBe("Bearer a");
});
