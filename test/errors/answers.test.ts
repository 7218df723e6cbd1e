import { gzipSync } from "node:zlib";
import {
  type AnyEndpointSecurityError,
  EndpointSecurity,
  InvalidTokenResponseError,
  isEndpointSecurityError,
  TokenEndpointUnavailableError,
  TokenRequestRefusedError,
} from "endpoint-security";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { listen, respond } from "../servers/http-server.ts";
import { checkoutOnce, issue, startTokenEndpoint } from "../tokens/token-endpoint.ts";

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
      expect(failure).toBeInstanceOf(TokenRequestRefusedError);
      expect(failure).toMatchObject({
        code: "token_request_refused",
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
  ])("as %s tells the status, and no OAuth error", async (_what, answer) => {
    const failure = await failureWith(answer);
    expect(failure).toBeInstanceOf(TokenRequestRefusedError);
    expect(failure).toMatchObject({ error: undefined, errorDescription: undefined });
  });

  test("with 200 and an error is a refusal, even with a token beside it", async () => {
    const failure = await failureWith(
      answering(200, { error: "invalid_grant", access_token: "abc", token_type: "Bearer" }),
    );
    expect(failure).toBeInstanceOf(TokenRequestRefusedError);
    expect(failure).toMatchObject({ status: 200, error: "invalid_grant" });
  });

  test("with a description of a megabyte is told in few words", async () => {
    const failure = await failureWith(
      answering(400, { error: "invalid_request", error_description: "x".repeat(900_000) }),
    );
    expect(failure.message.length).toBeLessThan(1_000);
  });

  test("with line breaks and control characters in its description stays on one line", async () => {
    const failure = await failureWith(
      answering(400, {
        error: "invalid_request",
        error_description: "a\r\n2026-11-23 INFO all is well\x1b[31m\0\u2028b",
      }),
    );
    expect(failure.message).not.toMatch(/\p{C}/u);
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

describe("a redirect", () => {
  test.each([301, 302, 303, 307, 308])("with %i is not followed", async (status) => {
    let contacted = 0;
    const elsewhere = await listen((_req, res) => {
      contacted += 1;
      respond(res, 200, { access_token: "abc", token_type: "Bearer" });
    });
    onTestFinished(elsewhere.close);
    const failure = await failureWith(
      answering(status, undefined, { location: `${elsewhere.origin}/token` }),
    );
    expect(failure).toBeInstanceOf(InvalidTokenResponseError);
    expect(failure.message).toContain("redirect");
    expect(contacted).toBe(0);
  });

  test("to the same server is not followed either", async () => {
    const failure = await failureWith(answering(307, undefined, { location: "/token" }));
    expect(failure).toBeInstanceOf(InvalidTokenResponseError);
  });
});

describe("an answer that is no token", () => {
  const raw =
    (body: string | Buffer, headers: Record<string, string> = {}): Answer =>
    (res) =>
      void res.writeHead(200, { "content-type": "application/json", ...headers }).end(body);

  test.each([
    ["HTML", raw("<!DOCTYPE html><title>Log in</title>"), /HTML/],
    ["nothing", raw(""), /empty/],
    ["white space", raw(" \n "), /empty/],
    ["204", answering(204), /204/],
    ["202 with a token", answering(202, { access_token: "a", token_type: "Bearer" }), /202/],
    ["a list", raw('[{"access_token":"abc","token_type":"Bearer"}]'), /JSON object/],
    ["a string", raw('"abc"'), /JSON object/],
    ["null", raw("null"), /JSON object/],
    ["a number", raw("42"), /JSON object/],
    ["JSON cut off", raw('{"access_token":"abc'), /JSON object/],
    ["a form", raw("access_token=abc&token_type=bearer"), /JSON object/],
    ["an empty object", raw("{}"), /access_token/],
    ["a token as __proto__", raw('{"__proto__":{"access_token":"abc"}}'), /access_token/],
    ["a token within a token", raw('{"access_token":{"access_token":"abc"}}'), /access_token/],
    ["UTF-16", raw(Buffer.from('{"access_token":"abc"}', "utf16le")), /JSON object/],
    [
      "a token of invalid UTF-8",
      raw(Buffer.from('{"access_token":"a\xffb"}', "latin1")),
      /characters/,
    ],
  ])("but %s says what it is", async (_what, answer, expected) => {
    const failure = await failureWith(answer);
    expect(failure).toBeInstanceOf(InvalidTokenResponseError);
    expect(failure).toMatchObject({ retryable: false, message: expect.stringMatching(expected) });
  });

  test("but more than 1 MiB is refused, without waiting for its end", async () => {
    const failure = await failureWith((res) => {
      res.writeHead(200, { "content-type": "application/json" });
      const more = () => {
        while (res.write(" ".repeat(65_536)));
        res.once("drain", more);
      };
      more();
    });
    expect(failure).toBeInstanceOf(InvalidTokenResponseError);
    expect(failure.message).toContain("1 MiB");
  });

  test("but a gzip bomb is refused", async () => {
    const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024, " "));
    const failure = await failureWith(raw(bomb, { "content-encoding": "gzip" }));
    expect(failure).toBeInstanceOf(InvalidTokenResponseError);
    expect(failure.message).toContain("1 MiB");
  });

  test("but a failure's body of more than 1 MiB is refused too", async () => {
    const failure = await failureWith((res) => {
      res.writeHead(400, { "content-type": "application/json" });
      res.end(JSON.stringify({ error: "x".repeat(2 * 1024 * 1024) }));
    });
    expect(failure.message.length).toBeLessThan(1_000);
  });
});

describe("a token is found", () => {
  async function headerFrom(answer: Answer): Promise<string> {
    const server = await startTokenEndpoint(answer);
    return new EndpointSecurity().getAuthHeader(checkoutOnce(server.tokenUrl));
  }
  const json = '{"access_token":"abc","token_type":"Bearer"}';

  test("behind a byte order mark", async () => {
    expect(await headerFrom((res) => void res.end(`\ufeff${json}`))).toBe("Bearer abc");
  });

  test("under any content type", async () => {
    const answer = answering(200, json, { "content-type": "text/html" });
    expect(await headerFrom(answer)).toBe("Bearer abc");
  });

  test("in a compressed body", async () => {
    const answer: Answer = (res) =>
      void res.setHeader("content-encoding", "gzip").end(gzipSync(json));
    expect(await headerFrom(answer)).toBe("Bearer abc");
  });

  test("in an answer of exactly 1 MiB", async () => {
    expect(await headerFrom((res) => void res.end(json.padEnd(1024 * 1024)))).toBe("Bearer abc");
  });

  test("in a body cut into single bytes, in the middle of characters too", async () => {
    const bytes = Buffer.from('{"note":"äöü€😀","access_token":"abc"}');
    const answer: Answer = async (res) => {
      for (const byte of bytes) {
        await new Promise((resolve) => res.write(Buffer.of(byte), resolve));
      }
      res.end();
    };
    expect(await headerFrom(answer)).toBe("Bearer abc");
  });

  test("with 201", async () => {
    expect(await headerFrom((res) => respond(res, 201, { access_token: "abc" }))).toBe(
      "Bearer abc",
    );
  });

  test("after a failure, on the same instance", async () => {
    const server = await startTokenEndpoint((res, count) =>
      count === 1 ? respond(res, 403) : issue(res, "abc"),
    );
    const security = new EndpointSecurity();
    await expect(security.getAuthHeader(checkoutOnce(server.tokenUrl))).rejects.toThrow("403");
    expect(security.explain(checkoutOnce(server.tokenUrl)).lastError?.code).toBe(
      "token_request_refused",
    );
    expect(await security.getAuthHeader(checkoutOnce(server.tokenUrl))).toBe("Bearer abc");
    expect(security.explain(checkoutOnce(server.tokenUrl)).lastError).toBeUndefined();
  });
});
