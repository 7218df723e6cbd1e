import { EndpointSecurity } from "endpoint-security";
import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import { scriptedFetch, settle, token } from "./fake-time.ts";
import { checkout } from "./token-endpoint.ts";

/** What may happen to an endpoint. Times in seconds. */
type Step =
  | { readonly what: "time passes"; readonly seconds: number }
  | { readonly what: "calls"; readonly callers: number }
  | { readonly what: "a call is aborted" }
  | { readonly what: "the backend refuses the token" }
  | { readonly what: "the token is invalidated" }
  | { readonly what: "the token endpoint goes down" }
  | { readonly what: "the token endpoint comes back" };

const lifeSeconds = 100;

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        what: fc.constant("calls" as const),
        callers: fc.integer({ min: 1, max: 5 }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        what: fc.constant("time passes" as const),
        seconds: fc.integer({ min: 1, max: 130 }),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ what: "a call is aborted" as const }) },
    { weight: 1, arbitrary: fc.constant({ what: "the backend refuses the token" as const }) },
    { weight: 1, arbitrary: fc.constant({ what: "the token is invalidated" as const }) },
    { weight: 1, arbitrary: fc.constant({ what: "the token endpoint goes down" as const }) },
    { weight: 1, arbitrary: fc.constant({ what: "the token endpoint comes back" as const }) },
  ),
  { maxLength: 30 },
);

afterEach(() => {
  vi.useRealTimers();
});

/** The simplest thing that could be right: one token, good until a tenth of its life is left. */
class Model {
  now = 0;
  isUp = true;
  requests = 0;
  issued = 0;
  held: { readonly name: string; readonly usableUntil: number; expiresAt: number } | undefined;

  /** @returns the token's name, or undefined where there can be none. */
  call(rejected?: string): string | undefined {
    if (
      this.held !== undefined &&
      this.now < this.held.usableUntil &&
      this.held.name !== rejected
    ) {
      return this.held.name;
    }
    if (this.held?.name === rejected) this.held = undefined;
    this.requests++;
    if (!this.isUp) {
      // The last resort of an outage: a token that has not expired.
      const isLeft = this.held !== undefined && this.now < this.held.expiresAt;
      return isLeft && rejected === undefined ? this.held?.name : undefined;
    }
    this.held = {
      name: `token-${++this.issued}`,
      usableUntil: this.now + lifeSeconds * 0.9,
      expiresAt: this.now + lifeSeconds,
    };
    return this.held.name;
  }
}

function startInstance(refreshAhead: number | false) {
  vi.useFakeTimers({ toFake: ["Date", "performance", "setTimeout", "clearTimeout"] });
  const issuedAt = new Map<string, number>();
  let isUp = true;
  let issued = 0;
  const script = scriptedFetch(() => {
    if (!isUp) return "no network";
    issuedAt.set(`token-${++issued}`, Date.now());
    return token(issued, { expires_in: lifeSeconds });
  });
  const security = new EndpointSecurity({ fetch: script.fetch });
  const endpoint = checkout("https://idp.example.test/token", {
    tokenRequest: { retries: 0, coolDownMs: 0 },
    renewal: { maxForcedRenewals: 100, refreshAhead },
  });
  const call = (options?: { signal?: AbortSignal; rejectedToken?: string }) =>
    security.getToken(endpoint, options).then(
      ({ accessToken }) => accessToken,
      () => undefined,
    );
  return {
    security,
    endpoint,
    call,
    requests: () => script.times.length,
    goes: (up: boolean) => {
      isUp = up;
    },
    ageOf: (name: string) => (Date.now() - (issuedAt.get(name) ?? Number.NaN)) / 1_000,
  };
}

test("without refresh ahead, every call is answered as the simplest model answers it", async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const model = new Model();
      const real = startInstance(false);
      let last: string | undefined;
      for (const step of all) {
        switch (step.what) {
          case "time passes":
            model.now += step.seconds;
            vi.setSystemTime(Date.now() + step.seconds * 1_000);
            break;
          case "calls": {
            const expected = model.call();
            const got = await Promise.all(Array.from({ length: step.callers }, () => real.call()));
            expect(new Set(got)).toEqual(new Set([expected]));
            last = expected ?? last;
            break;
          }
          case "a call is aborted": {
            // Whoever lets go gets nothing, and the others get what they would have got.
            const aborter = new AbortController();
            const letGo = real.call({ signal: aborter.signal });
            const stays = real.call();
            aborter.abort();
            expect(await stays).toBe(model.call());
            await letGo;
            break;
          }
          case "the backend refuses the token":
            if (last !== undefined) {
              const expected = model.call(last);
              expect(await real.call({ rejectedToken: last })).toBe(expected);
              last = expected ?? last;
            }
            break;
          case "the token is invalidated":
            model.held = undefined;
            await real.security.invalidate(real.endpoint);
            break;
          default:
            model.isUp = step.what === "the token endpoint comes back";
            real.goes(model.isUp);
        }
        expect(real.requests()).toBe(model.requests);
      }
    }),
    { numRuns: 200 },
  );
});

test("with refresh ahead, no call gets a token that is over, refused or forgotten, and none waits in vain", async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const real = startInstance(0.8);
      const gone = new Set<string>();
      let isUp = true;
      let last: string | undefined;
      for (const step of all) {
        switch (step.what) {
          case "time passes":
            await vi.advanceTimersByTimeAsync(step.seconds * 1_000);
            break;
          case "calls":
          case "a call is aborted": {
            const had =
              last !== undefined && !gone.has(last) && real.ageOf(last) < lifeSeconds * 0.9;
            const name = await real.call();
            await settle();
            // A good token at hand is served whatever the token endpoint does.
            if (isUp || had) expect(name).toBeDefined();
            if (name !== undefined) {
              expect(real.ageOf(name)).toBeLessThan(isUp ? lifeSeconds * 0.9 : lifeSeconds);
              expect(gone).not.toContain(name);
            }
            last = name ?? last;
            break;
          }
          case "the backend refuses the token":
            if (last !== undefined) {
              gone.add(last);
              const name = await real.call({ rejectedToken: last });
              expect(gone).not.toContain(name);
              if (isUp) expect(name).toBeDefined();
              last = name ?? last;
            }
            break;
          case "the token is invalidated":
            if (last !== undefined) gone.add(last);
            await real.security.invalidate(real.endpoint);
            break;
          default:
            isUp = step.what === "the token endpoint comes back";
            real.goes(isUp);
        }
      }
    }),
    { numRuns: 100 },
  );
});
