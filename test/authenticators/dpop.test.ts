import { describe, expect, test } from "vitest";
import { DpopAuthenticator } from "../../src/authenticators/dpop.ts";
import { refusal, tokenOf, tokensOf } from "./tokens.ts";

const url = "https://orders.test/v1";
const request = { method: "PUT", url };
const wantsNonce = 'DPoP error="use_dpop_nonce"';

/** A proof that says so. */
function sentWith(claims: object) {
  const payload = Buffer.from(JSON.stringify(claims)).toString("base64url");
  return { Authorization: "DPoP old", DPoP: `e30.${payload}.c2ln` };
}

function authenticator(config: object = {}) {
  const made = tokensOf(config, tokenOf("to ken", Date.now(), "DPoP"));
  return { ...made, dpop: new DpopAuthenticator(made.made) };
}

describe("a token that is bound to a key", () => {
  test("goes with a proof for its request", async () => {
    const { dpop, proofs } = authenticator();
    expect(await dpop.headers({ request })).toEqual({
      Authorization: "DPoP to ken",
      DPoP: "proof",
    });
    expect(proofs.proof).toHaveBeenCalledExactlyOnceWith({
      key: "key",
      audience: "backend",
      method: "PUT",
      url,
      accessToken: "to ken",
    });
  });

  test("needs a request, and the error says so", async () => {
    const { dpop } = authenticator();
    await expect(dpop.headers({})).rejects.toMatchObject({
      code: "invalid_configuration",
      endpoint: "orders",
      problems: [
        {
          path: "request",
          problem: expect.stringContaining("is missing"),
          fix: expect.stringContaining("getAuthHeaders"),
        },
      ],
    });
  });

  test("is refused by the same statuses as others, and sent a second time for a nonce", () => {
    const { dpop } = authenticator({ renewal: { rejectionStatuses: [403] } });
    expect([dpop.rejectionStatuses, dpop.mostReplays]).toEqual([[403], 2]);
    expect(authenticator({ renewal: { freshTokenRetryWindowMs: 1 } }).dpop.mostReplays).toBe(4);
  });
});

describe("a refusal", () => {
  test("that wants a nonce is answered with it, by the same token", async () => {
    const { dpop, proofs, tokens } = authenticator();
    proofs.nonceFor.mockReturnValue("new");
    const sent = sentWith({ htu: url, nonce: "old" });
    expect(await dpop.challenged(refusal(wantsNonce, [], "new"), sent, {})).toBe(true);
    expect(proofs.learn).toHaveBeenCalledExactlyOnceWith("backend", url, "new");
    expect(proofs.nonceFor).toHaveBeenCalledWith("backend", url);
    expect(tokens.token).not.toHaveBeenCalled();
  });

  test("that wants the nonce that was sent is final", async () => {
    const { dpop, proofs } = authenticator();
    proofs.nonceFor.mockReturnValue("old");
    const sent = sentWith({ htu: url, nonce: "old" });
    expect(await dpop.challenged(refusal(wantsNonce), sent, {})).toBe("rejected_again");
  });

  test.each([
    ["no proof", {}],
    ["a proof of one part", { DPoP: "x" }],
    ["a proof without a place", sentWith({ nonce: "old" })],
  ])("of a request with %s is final where it wants a nonce", async (_, sent) => {
    const { dpop, proofs } = authenticator();
    expect(await dpop.challenged(refusal(wantsNonce, [], "new"), sent, {})).toBe("rejected_again");
    expect(proofs.learn).not.toHaveBeenCalled();
  });

  test.each([
    ["says nothing", null],
    ["is about the token", 'DPoP error="invalid_token"'],
    ["wants a nonce by another scheme", 'Bearer error="use_dpop_nonce"'],
  ])("that %s replaces the token", async (_, challenge) => {
    const { dpop, tokens } = authenticator();
    expect(await dpop.challenged(refusal(challenge), sentWith({ htu: url }), {})).toBe(true);
    expect(tokens.token).toHaveBeenCalledExactlyOnceWith("old", undefined);
  });

  test("that wants a nonce among other things is answered with it", async () => {
    const { dpop, tokens } = authenticator();
    const challenge = `Basic realm="x", ${wantsNonce}, Bearer realm="y"`;
    const sent = sentWith({ htu: url, nonce: "old" });
    expect(await dpop.challenged(refusal(challenge), sent, {})).toBe(true);
    expect(tokens.token).not.toHaveBeenCalled();
  });
});

describe("an answer", () => {
  const answer = (nonce: string | null) => ({ ...refusal(null, [], nonce), status: 200 });

  test("may bring the next nonce", async () => {
    const { dpop, proofs } = authenticator();
    await dpop.answered(answer("new"), sentWith({ htu: url }));
    expect(proofs.learn).toHaveBeenCalledExactlyOnceWith("backend", url, "new");
  });

  test("without a nonce, or that never came, brings none and asks for no key", async () => {
    const { dpop, proofs, tokens } = authenticator();
    await dpop.answered(answer(null), sentWith({ htu: url }));
    await dpop.answered(undefined, sentWith({ htu: url }));
    await dpop.answered(answer("new"), {});
    expect(proofs.learn).not.toHaveBeenCalled();
    expect(tokens.dpop).not.toHaveBeenCalled();
  });
});
