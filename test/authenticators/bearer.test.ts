import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { BearerAuthenticator } from "../../src/authenticators/bearer.ts";
import { refusal, tokenOf, tokensOf } from "./tokens.ts";

const sent = (token: string, scheme = "Bearer") => ({ Authorization: `${scheme} ${token}` });

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("an access token is sent", () => {
  test("at once where there is a current token, without a promise", () => {
    const { made, tokens } = tokensOf();
    expect(new BearerAuthenticator(made).headers({})).toEqual(sent("at-hand"));
    expect(tokens.token).not.toHaveBeenCalled();
  });

  test("when it was obtained, where there is none yet", async () => {
    const { tokens, made } = tokensOf();
    tokens.current.mockReturnValue(undefined);
    const { signal } = new AbortController();
    expect(await new BearerAuthenticator(made).headers({ signal })).toEqual(sent("obtained"));
    expect(tokens.token).toHaveBeenCalledExactlyOnceWith(undefined, signal);
  });

  test("a new one where the current one was rejected", async () => {
    const { tokens, made } = tokensOf();
    const headers = await new BearerAuthenticator(made).headers({ rejectedToken: "at-hand" });
    expect(headers).toEqual(sent("after-at-hand"));
    expect(tokens.token).toHaveBeenCalledExactlyOnceWith("at-hand", undefined);
  });

  test("unless it is not an access token; the error names the endpoint", () => {
    const { made } = tokensOf({}, tokenOf("other", 0, "N_A"));
    expect(() => new BearerAuthenticator(made).headers({})).toThrow(
      expect.objectContaining({ code: "invalid_configuration", endpoint: "orders" }),
    );
  });
});

describe("the endpoint says", () => {
  test("by which statuses a backend refuses, which are 401 otherwise", () => {
    const of = (config: object) => new BearerAuthenticator(tokensOf(config).made).rejectionStatuses;
    expect(of({})).toEqual([401]);
    expect(of({ renewal: { rejectionStatuses: [401, 403] } })).toEqual([401, 403]);
  });

  test("whether new tokens are sent twice, which takes two replays more", () => {
    const of = (config: object) => new BearerAuthenticator(tokensOf(config).made).mostReplays;
    expect(of({})).toBe(1);
    expect(of({ renewal: { freshTokenRetryWindowMs: 1 } })).toBe(3);
  });
});

describe("a refused token", () => {
  test("is replaced, and the request sent again", async () => {
    const { tokens, made } = tokensOf();
    const bearer = new BearerAuthenticator(made);
    expect(await bearer.challenged(refusal(), sent("old"), {})).toBe(true);
    expect(tokens.token).toHaveBeenCalledExactlyOnceWith("old", undefined);
  });

  test("is not there where none was sent", async () => {
    const { tokens, made } = tokensOf();
    expect(await new BearerAuthenticator(made).challenged(refusal(), {}, {})).toBe("not_renewable");
    expect(tokens.token).not.toHaveBeenCalled();
  });

  test.each([
    ['Bearer error="insufficient_scope"', "Bearer", "insufficient_scope"],
    ['Bearer error="invalid_token"', "Bearer", true],
    ['DPoP error="insufficient_scope"', "Bearer", true],
    ['DPoP error="insufficient_scope"', "DPoP", "insufficient_scope"],
    ['Basic realm="x", Bearer error="insufficient_scope"', "Bearer", "insufficient_scope"],
  ] as const)("is replaced on %j, sent as %s: %s", async (challenge, scheme, expected) => {
    const { tokens, made } = tokensOf();
    const bearer = new BearerAuthenticator(made);
    expect(await bearer.challenged(refusal(challenge), sent("old", scheme), {})).toBe(expected);
    expect(tokens.token).toHaveBeenCalledTimes(expected === true ? 1 : 0);
  });

  test("with a space inside is the whole of it", async () => {
    const { tokens, made } = tokensOf();
    await new BearerAuthenticator(made).challenged(refusal(), sent("a b"), {});
    expect(tokens.token).toHaveBeenCalledWith("a b", undefined);
  });

  test("after another one for the same request is refused for another reason", async () => {
    const { tokens, made } = tokensOf();
    const bearer = new BearerAuthenticator(made);
    expect(await bearer.challenged(refusal(null, [sent("older")]), sent("old"), {})).toBe(
      "rejected_again",
    );
    expect(tokens.token).not.toHaveBeenCalled();
  });

  test("that was sent twice is replaced", async () => {
    const { tokens, made } = tokensOf();
    const bearer = new BearerAuthenticator(made);
    expect(await bearer.challenged(refusal(null, [sent("old")]), sent("old"), {})).toBe(true);
    expect(tokens.token).toHaveBeenCalledTimes(1);
  });

  test("that can't be replaced goes to the caller as it came", async () => {
    const { tokens, made } = tokensOf();
    tokens.token.mockRejectedValueOnce(new Error("down"));
    const bearer = new BearerAuthenticator(made);
    expect(await bearer.challenged(refusal(), sent("old"), {})).toBe("token_unavailable");
  });

  test("that can't be replaced ends with the signal's reason, where the caller aborted", async () => {
    const { tokens, made } = tokensOf();
    const controller = new AbortController();
    tokens.token.mockImplementationOnce(async () => {
      controller.abort(new Error("enough"));
      throw new Error("down");
    });
    const { signal } = controller;
    const challenged = new BearerAuthenticator(made).challenged(refusal(), sent("old"), { signal });
    await expect(challenged).rejects.toThrow("enough");
  });
});

describe("a new token that is refused, where it may have come too early", () => {
  /** Whether it is sent again as it is. */
  async function waits(ageMs: number, config: object, earlier: object[] = [], refused = "new") {
    const { tokens, made } = tokensOf(config, tokenOf("new", Date.now() - ageMs));
    const bearer = new BearerAuthenticator(made);
    const before = earlier as readonly Record<string, string>[];
    const done = bearer.challenged(refusal(null, before), sent(refused), {});
    await vi.advanceTimersByTimeAsync(249);
    let over = false;
    void done.then(() => {
      over = true;
    });
    await vi.advanceTimersByTimeAsync(0);
    const waited = !over;
    await vi.advanceTimersByTimeAsync(1);
    expect(await done).toBe(true);
    expect(tokens.token).toHaveBeenCalledTimes(waited ? 0 : 1);
    return waited;
  }
  const config = { renewal: { freshTokenRetryWindowMs: 5_000 } };

  test.each<[string, boolean, Parameters<typeof waits>]>([
    ["waits for a quarter of a second", true, [0, config]],
    ["waits up to an age", true, [4_999, config]],
    ["is replaced at that age", false, [5_000, config]],
    ["is replaced where nobody asked for that", false, [0, {}]],
    ["is replaced where it was sent twice", false, [0, config, [sent("new")]]],
    ["waits where another was refused before", true, [0, config, [sent("older")]]],
    ["is replaced where it isn't the last one", false, [0, config, [], "other"]],
  ])("%s", async (_, expected, given) => {
    expect(await waits(...given)).toBe(expected);
  });

  test("is replaced where there is no current token", async () => {
    const { tokens, made } = tokensOf(config);
    tokens.last = undefined;
    const bearer = new BearerAuthenticator(made);
    expect(await bearer.challenged(refusal(), sent("new"), {})).toBe(true);
    expect(tokens.token).toHaveBeenCalledTimes(1);
  });
});
