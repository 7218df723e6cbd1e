import { EndpointSecurity, type Fetch, isEndpointSecurityError } from "endpoint-security";
import { onTestFinished, vi } from "vitest";
import { checkout } from "./token-endpoint.ts";

/** A clock that only the test moves. */
export function stopTime(): void {
  vi.useFakeTimers({ toFake: ["Date", "performance", "setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
}

/** Lets everything go on that waits for no timer. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Moves the clock, and lets all that follows from it happen. */
export async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
  await settle();
}

type Answer = Response | Promise<Response> | "no network" | "silence";

/** A fetch that answers as the test says: `token-1`, `token-2`, … of an hour unless told otherwise. */
export function scriptedFetch(how: (count: number, body: string) => Answer = (n) => token(n)) {
  const times: number[] = [];
  const script = { answer: how, times, fetch: undefined as unknown as Fetch };
  script.fetch = async (_input, init) => {
    const answer = script.answer(times.push(performance.now()), String(init?.body));
    if (answer === "no network") throw new TypeError("fetch failed");
    return answer === "silence" ? new Promise<never>(() => {}) : answer;
  };
  return script;
}

export function token(count: number, more: object = {}): Response {
  return Response.json({
    access_token: `token-${count}`,
    token_type: "Bearer",
    expires_in: 3600,
    ...more,
  });
}

/** The error of ours that a call ends with. */
export async function errorOf(call: Promise<unknown>) {
  const error = await call.catch((reason: unknown) => reason);
  if (!isEndpointSecurityError(error)) throw new Error("no error of ours", { cause: error });
  return error;
}

// The first token request loads what makes them, and a sealed entry loads jose: that takes real time.
await import("jose");
await new EndpointSecurity({ fetch: scriptedFetch().fetch }).getToken(
  checkout("https://idp.example.test/token"),
);
