import { EndpointSecurity, isEndpointSecurityError } from "endpoint-security";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkoutOnce } from "../tokens/token-endpoint.ts";

const endpoint = checkoutOnce("https://idp.example.test/token");

const text = fc.string({ unit: "binary" });
const anything = fc.jsonValue();
const either = <T>(...likely: T[]) => fc.oneof(fc.constantFrom(...likely), anything, text);

/** Bodies that get far, with anything in each member. */
const nearlyGood = fc
  .record(
    {
      access_token: either<unknown>("abc", "a b", ""),
      token_type: either<unknown>("Bearer", "DPoP", null),
      expires_in: either<unknown>(3600, "3600", 0, -1, null),
      refresh_in: either<unknown>(60, -1),
      scope: either<unknown>("a b"),
      error: either<unknown>("invalid_client", "slow_down", "", null),
      error_description: either<unknown>("no"),
    },
    { requiredKeys: [] },
  )
  .map((body) => JSON.stringify(body));

const body: fc.Arbitrary<string | Uint8Array<ArrayBuffer>> = fc.oneof(
  { weight: 4, arbitrary: nearlyGood },
  anything.map((value) => JSON.stringify(value)),
  nearlyGood.chain((json) => fc.nat(json.length).map((length) => json.slice(0, length))),
  text,
  fc.uint8Array().map((bytes) => Uint8Array.from(bytes)),
);
const status = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(200, 201) },
  fc.integer({ min: 200, max: 599 }),
);
const retryAfter = fc.option(fc.oneof(fc.string(), fc.nat().map(String)), { nil: undefined });

/** What comes of an answer: a header, or an error. */
async function outcomeOf(how: {
  body: typeof body extends fc.Arbitrary<infer B> ? B : never;
  status: number;
  retryAfter?: string | undefined;
}) {
  const headers = new Headers();
  if (how.retryAfter !== undefined) headers.set("retry-after", how.retryAfter);
  const isEmpty = [204, 205, 304].includes(how.status);
  const security = new EndpointSecurity({
    fetch: async () => new Response(isEmpty ? null : how.body, { status: how.status, headers }),
  });
  return security.getToken(endpoint).catch((error: unknown) => error);
}

describe("whatever a token endpoint answers", () => {
  test("there is a header that can be sent, or a typed error, and nothing else", async () => {
    await fc.assert(
      fc.asyncProperty(fc.record({ body, status, retryAfter }), async (how) => {
        const outcome = await outcomeOf(how);
        if (outcome instanceof Error) {
          if (!isEndpointSecurityError(outcome)) throw outcome;
          expect([
            "token_request_rejected",
            "token_endpoint_unavailable",
            "invalid_token_response",
            "token_expired_on_arrival",
          ]).toContain(outcome.code);
          expect(outcome.message).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
          expect(outcome.message.length).toBeLessThan(1_000);
          expect(JSON.parse(JSON.stringify(outcome))).toMatchObject({ code: outcome.code });
          expect(outcome.retryable).toBe(
            ["token_endpoint_unavailable", "token_expired_on_arrival"].includes(outcome.code),
          );
        } else {
          const { authorization, expiresAt, isUsable } = outcome as never;
          expect(authorization).toMatch(/^Bearer [\x21-\x7e]+$/);
          expect(new Headers({ authorization }).get("authorization")).toBe(authorization);
          expect([Number.isFinite(expiresAt), isUsable]).toEqual([true, true]);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("a token comes of a success alone, and is the one it names", async () => {
    await fc.assert(
      fc.asyncProperty(nearlyGood, status, async (json, code) => {
        const outcome = await outcomeOf({ body: json, status: code });
        if (outcome instanceof Error) return;
        const { access_token, error } = JSON.parse(json) as Record<string, unknown>;
        expect([200, 201]).toContain(code);
        expect(outcome).toMatchObject({ accessToken: access_token });
        expect(error || undefined).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });
});
