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
});

describe("access_token", () => {
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
});

describe("scope", () => {
  test.each([
    ["orders:read orders:write", "orders:read orders:write"],
    [null, undefined],
    [undefined, undefined],
    ["", undefined],
    [7, undefined],
    [{}, undefined],
  ])("%j is reported as %j", async (scope, told) => {
    const security = answering({ access_token: "a", token_type: "Bearer", expires_in: 60, scope });
    expect((await security.getToken(endpoint)).scope).toBe(told);
  });
});
