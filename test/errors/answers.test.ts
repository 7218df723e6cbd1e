import {
  type AnyEndpointSecurityError,
  EndpointSecurity,
  isEndpointSecurityError,
  TokenEndpointUnavailableError,
  TokenRequestRejectedError,
} from "endpoint-security";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { respond } from "../servers/http-server.ts";
import { checkoutOnce, startTokenEndpoint } from "../tokens/token-endpoint.ts";

// Answers that are no OAuth at all are rows of hostile-answers.ts.
type Answer = Parameters<typeof startTokenEndpoint>[0];

async function failureWith(answer: Answer): Promise<AnyEndpointSecurityError> {
  const server = await startTokenEndpoint(answer);
  const error = await new EndpointSecurity()
    .getAuthHeader(checkoutOnce(server.tokenUrl))
    .catch((reason: unknown) => reason);
  if (!isEndpointSecurityError(error)) throw new Error("no error of ours", { cause: error });
  expect(server.requests).toHaveLength(1);
  expect(error.endpoint).toBe("orders");
  return error;
}

const answering =
  (status: number, body?: unknown, headers: Record<string, string> = {}): Answer =>
  (res) =>
    respond(res, status, body, headers);

describe("a refusal", () => {
  test.each([
    [400, "invalid_request"],
    [400, "invalid_grant"],
    [401, "invalid_client"],
    [400, "unauthorized_client"],
    [400, "unsupported_grant_type"],
    [400, "invalid_scope"],
    [400, "invalid_target"],
    [403, "access_denied"],
    [400, "an error of their own"],
  ])(
    "with %i %s tells both and the description, and isn't worth a retry",
    async (status, error) => {
      const failure = await failureWith(
        answering(status, { error, error_description: "said the server", error_uri: "https://x" }),
      );
      expect(failure).toBeInstanceOf(TokenRequestRejectedError);
      expect(failure).toMatchObject({
        code: "token_request_rejected",
        retryable: false,
        status,
        error,
        errorDescription: "said the server",
      });
      expect(failure.message).toContain(String(status));
      expect(failure.message).toContain(error);
      expect(failure.message).toContain("said the server");
    },
  );

  test.each([
    ["403 with an empty body", answering(403)],
    ["400 with an empty body", answering(400)],
    ["401 with HTML", answering(401, "<html>no</html>", { "content-type": "text/html" })],
    ["404 with JSON that is no OAuth error", answering(404, { message: "not here" })],
    ["400 with an error that is no string", answering(400, { error: { code: 7 } })],
    ["400 with an empty error", answering(400, { error: "" })],
  ])("as %s reports the status, and no OAuth error", async (_what, answer) => {
    const failure = await failureWith(answer);
    expect(failure).toBeInstanceOf(TokenRequestRejectedError);
    expect(failure).toMatchObject({ error: undefined, errorDescription: undefined });
  });

  test.each([404, 405, 410])("with %i doubts tokenUrl, and not the client", async (status) => {
    const failure = await failureWith(answering(status));
    expect(failure.message).toMatch(/; check tokenUrl first: it may not be the token endpoint$/);
  });
});

describe("an answer that means not now", () => {
  test.each([429, 500, 502, 503, 504])("with %i is worth a retry", async (status) => {
    const failure = await failureWith(answering(status));
    expect(failure).toBeInstanceOf(TokenEndpointUnavailableError);
    expect(failure).toMatchObject({
      retryable: true,
      reason: "status",
      status,
      retryAfterMs: undefined,
    });
  });

  test.each([
    ["temporarily_unavailable", 400],
    ["server_error", 400],
    ["server_error", 500],
    ["temporarily_unavailable", 503],
    ["temporarily_unavailable", 200],
  ])("with the OAuth error %s and %i is worth a retry", async (error, status) => {
    const failure = await failureWith(answering(status, { error, error_description: "a moment" }));
    expect(failure).toBeInstanceOf(TokenEndpointUnavailableError);
    expect(failure.message).toContain(error);
    expect(failure.message).toContain("a moment");
  });

  test.each([429, 503])("with %i and Retry-After in seconds says for how long", async (status) => {
    const failure = await failureWith(answering(status, undefined, { "retry-after": "17" }));
    expect(failure).toMatchObject({ status, retryAfterMs: 17_000 });
    expect(failure.message).toContain("17 s");
  });

  test.each([429, 503])("with %i and Retry-After as a date says for how long", async (status) => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2026, 10, 23) });
    onTestFinished(() => void vi.useRealTimers());
    const date = new Date(Date.now() + 90_000).toUTCString();
    const failure = await failureWith(answering(status, undefined, { "retry-after": date }));
    expect(failure).toMatchObject({ status, retryAfterMs: 90_000 });
  });

  test.each([
    ["a date gone by", "Wed, 21 Oct 2015 07:28:00 GMT", 0],
    ["zero", "0", 0],
    ["words", "soon", undefined],
    ["nothing", "", undefined],
  ])("with %s as Retry-After is read without surprise", async (_what, value, expected) => {
    const failure = await failureWith(answering(503, undefined, { "retry-after": value }));
    expect(failure).toMatchObject({ retryAfterMs: expected });
  });

  test("with an endless Retry-After has a number that a timer, a date and JSON can hold", async () => {
    const failure = await failureWith(
      answering(503, undefined, { "retry-after": "9".repeat(400) }),
    );
    expect(failure).toBeInstanceOf(TokenEndpointUnavailableError);
    expect(failure.message).not.toContain("Infinity");
    if (!(failure instanceof TokenEndpointUnavailableError)) return;
    expect(Number.isFinite(failure.retryAfterMs ?? 0)).toBe(true);
  });

  test.each([
    [500, { timestamp: "2026-11-23", status: 500, error: "Internal Server Error", path: "/token" }],
    [503, { error: "Service Unavailable" }],
    [429, { error: "too_many_requests", error_description: "Global limit has been reached" }],
    [429, { error: "access_denied", error_description: "Too many logins" }],
  ])("with %i is worth a retry whatever JSON its framework adds", async (status, body) => {
    const failure = await failureWith(answering(status, body, { "retry-after": "5" }));
    expect(failure).toBeInstanceOf(TokenEndpointUnavailableError);
    expect(failure).toMatchObject({ retryable: true, status, retryAfterMs: 5_000 });
  });
});
