import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bearerEndpoint } from "./bearer-endpoint.ts";

/** How often a request is sent to a backend that refuses with such a challenge. */
async function sendingsWith(challenge: string): Promise<number> {
  let count = 0;
  const { security, endpoint } = bearerEndpoint("https://orders.example.test");
  const wrapped = security.wrapFetch(endpoint, {
    fetch: async () => {
      count += 1;
      return new Response(null, { status: 401, headers: { "www-authenticate": challenge } });
    },
  });
  expect((await wrapped("/orders")).status).toBe(401);
  return count;
}

const letters = fc.stringMatching(/^[a-z0-9-]{1,10}$/);
/** Visible text, with all that parsers stumble over. */
const quoted = fc
  .array(fc.constantFrom("a", ",", "=", "\\", '"', '", ', "Bearer ", "error=insufficient_scope"))
  .map((parts) => `"${parts.join("").replaceAll(/[\\"]/g, (char) => `\\${char}`)}"`);
const parameter = fc
  .tuple(
    letters.filter((name) => name !== "error"),
    fc.constantFrom("=", " = ", "= "),
    fc.oneof(letters, quoted),
  )
  .map((parts) => parts.join(""));
const scheme = fc.constantFrom("Basic", "Digest", "Negotiate", "DPoP", "X-Own");
const otherChallenge = fc.oneof(
  scheme,
  fc
    .tuple(scheme, fc.array(parameter, { minLength: 1, maxLength: 4 }))
    .map(([name, parameters]) => `${name} ${parameters.join(", ")}`),
  scheme.map((name) => `${name} YWJj==`),
);
const separator = fc.constantFrom(", ", ",", " , ", ",,");

describe("of several challenges in any spelling", () => {
  test("a Bearer one that says insufficient_scope is found wherever it stands", async () => {
    const bearer = fc.tuple(
      fc.constantFrom("Bearer", "bearer", "BEARER"),
      fc.array(parameter, { maxLength: 3 }),
      fc.constantFrom(
        'error="insufficient_scope"',
        "error=insufficient_scope",
        'ERROR = "insufficient\\_scope"',
      ),
      fc.array(parameter, { maxLength: 3 }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(otherChallenge, { maxLength: 3 }),
        bearer,
        fc.array(otherChallenge, { maxLength: 3 }),
        separator,
        async (before, [name, first, error, rest], after, comma) => {
          const own = `${name} ${[...first, error, ...rest].join(", ")}`;
          expect(await sendingsWith([...before, own, ...after].join(comma))).toBe(1);
        },
      ),
    );
  });

  test("none is taken for one where it is but quoted, or another scheme's", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(otherChallenge, { minLength: 1, maxLength: 4 }),
        separator,
        async (all, comma) => {
          const challenges = [...all, 'Bearer realm="r"'].join(comma);
          expect(await sendingsWith(challenges)).toBe(2);
          expect(await sendingsWith(`DPoP error="insufficient_scope"${comma}${challenges}`)).toBe(
            2,
          );
        },
      ),
    );
  });

  test.each([
    ['error="insufficient_scope", error="invalid_token"', 1],
    ['error="invalid_token", ERROR="insufficient_scope"', 2],
  ])("the first of two errors counts: %s", async (errors, sendings) => {
    expect(await sendingsWith(`Bearer ${errors}`)).toBe(sendings);
  });

  test("any header at all leads to a renewal or to none, and to nothing else", async () => {
    const visible = fc.string({ unit: fc.constantFrom(...'aB1 \t,="\\;/~é') });
    await fc.assert(
      fc.asyncProperty(visible, async (header) => {
        expect([1, 2]).toContain(await sendingsWith(header));
      }),
    );
  });

  test.each([
    ["quotes", '"'.repeat(60_000)],
    ["backslashes", `Bearer a="${"\\".repeat(60_000)}`],
    ["commas", ",".repeat(60_000)],
    ["spaces", `Bearer${" ".repeat(60_000)}!`],
    ["parameters", `Bearer ${"a=b, ".repeat(12_000)}`],
    ["schemes", "Bearer ".repeat(8_000)],
    ["a token that never ends", `Bearer ${"a".repeat(60_000)}!`],
  ])("a header of 60,000 %s is read like any other", async (_what, header) => {
    expect(await sendingsWith(header)).toBe(2);
  });
});
