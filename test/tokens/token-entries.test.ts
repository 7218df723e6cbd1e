import { describe, expect, test, vi } from "vitest";
import { filled } from "../../src/configuration/option-table.ts";
import { renewalOptions } from "../../src/configuration/renewal-options.ts";
import type { ResolvedEndpoint } from "../../src/endpoint/resolved-endpoint.ts";
import { tokenFormat } from "../../src/tokens/token-format.ts";

const now = Date.now();
const settings = { renewal: filled(renewalOptions, undefined) };
const endpoint = { settings } as unknown as ResolvedEndpoint;
const whole = {
  accessToken: "abc",
  tokenType: "Bearer",
  issuedAt: now - 1_000,
  expiresAt: now + 59_000,
  scope: "orders",
  issuedTokenType: "urn:example:token",
  refreshInMs: 40_000,
  refresh: { token: "again", expiresAt: now + 100_000 },
};

describe("a token in a cache", () => {
  test("says everything that is known of it", () => {
    const read = tokenFormat.fromJson(whole, endpoint, 0);
    expect(read?.source).toBe("cache");
    expect(read && tokenFormat.toJson(read, 0)).toEqual(whole);
  });

  test("uses the cache's clock for its entry, and the process's for its lifetime", () => {
    const ahead = tokenFormat.fromJson(whole, endpoint, 5_000);
    expect(ahead).toMatchObject({ issuedAt: now - 6_000, expiresAt: now + 54_000 });
    expect(ahead?.refresh).toEqual({ token: "again", expiresAt: now + 95_000 });
    expect(ahead && tokenFormat.toJson(ahead, 5_000)).toEqual(whole);
  });

  test("needs no more than token, type and life", () => {
    const { accessToken, tokenType, issuedAt, expiresAt } = whole;
    const least = { accessToken, tokenType, issuedAt, expiresAt };
    const read = tokenFormat.fromJson(least, endpoint, 0);
    expect(read && { ...tokenFormat.toJson(read, 3) }).toEqual({
      ...least,
      issuedAt: issuedAt + 3,
      expiresAt: expiresAt + 3,
    });
  });

  test("keeps a refresh token whose end nobody told", () => {
    const read = tokenFormat.fromJson({ ...whole, refresh: { token: "again" } }, endpoint, 7);
    expect(read?.refresh).toEqual({ token: "again" });
  });

  test("is stale when the token endpoint said to ask for the next", () => {
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    expect(tokenFormat.fromJson(whole, endpoint, 0)?.freshUntil).toBe(whole.issuedAt + 40_000);
    vi.restoreAllMocks();
  });

  test.each([
    ["nothing", null],
    ["undefined", undefined],
    ["text", "Bearer abc"],
    ["a list", []],
    ["no token", { ...whole, accessToken: undefined }],
    ["a token that is no text", { ...whole, accessToken: 1 }],
    ["no type", { ...whole, tokenType: undefined }],
    ["no beginning", { ...whole, issuedAt: undefined }],
    ["a beginning as text", { ...whole, issuedAt: "0" }],
    ["no end", { ...whole, expiresAt: null }],
    ["a scope that is no text", { ...whole, scope: ["orders"] }],
    ["a kind of token that is no text", { ...whole, issuedTokenType: 1 }],
    ["a moment of renewal that is no number", { ...whole, refreshInMs: "40000" }],
    ["a refresh token without a place", { ...whole, refresh: "again" }],
    ["a refresh token that is null", { ...whole, refresh: null }],
    ["a refresh token that is no text", { ...whole, refresh: { token: 1 } }],
    ["no refresh token in its place", { ...whole, refresh: {} }],
    ["a refresh token's end as text", { ...whole, refresh: { token: "again", expiresAt: "0" } }],
  ])("with %s is none", (_, json) => {
    expect(tokenFormat.fromJson(json, endpoint, 0)).toBeUndefined();
  });
});
