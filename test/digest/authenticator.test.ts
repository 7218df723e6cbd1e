import { createHash } from "node:crypto";
import { describe, expect, it, vi } from "vitest";
import { authenticationInfo } from "../../src/authenticators/digest/authentication-info.ts";
import { DigestAuthenticator } from "../../src/authenticators/digest.ts";
import { parsed } from "../configuration/parsed.ts";

interface Credentials {
  readonly username: string;
  readonly password: string;
}

function authenticator(credentials: () => Credentials = () => ({ username: "u", password: "p" })) {
  const endpoint = parsed({
    type: "digest",
    name: "files",
    username: () => credentials().username,
    password: () => credentials().password,
  });
  if (endpoint.type !== "digest") throw new Error("not a digest endpoint");
  const proofFailed = vi.fn();
  const digest = new DigestAuthenticator(endpoint, proofFailed);
  return { digest, proofFailed };
}

const request = { method: "GET", url: "https://a.test/x?y=1" };
const challengeOf = (nonce: string, more = "") =>
  `Digest realm="r", nonce="${nonce}", qop="auth"${more}`;

const refusal = (challenge: string | null) => ({
  status: 401,
  challenge,
  earlier: [],
  header: () => null,
});
const answer = (status = 200, info: string | null = null) => ({
  status,
  header: (name: string) => (name === "authentication-info" ? info : null),
});
const valueIn = ({ Authorization = "" }: Readonly<Record<string, string>>, name: string) =>
  new RegExp(`[ ,]${name}="?([^",]*)`).exec(Authorization)?.[1];

/** One that issued credentials, and what it sent then. */
async function asked(nonce = "n1", more = "", credentials?: () => Credentials) {
  const made = authenticator(credentials);
  const { digest } = made;
  const bare = await digest.headers({ request, isWrapped: true });
  expect(bare).toEqual({});
  expect(await digest.challenged(refusal(challengeOf(nonce, more)), bare)).toBe(true);
  const sent = await digest.headers({ request, isWrapped: true });
  return { ...made, sent };
}

describe("after a refusal, a request is sent again", () => {
  it("where the nonce was good before, though the backend doesn't say that it is stale", async () => {
    const { digest, sent } = await asked();
    await digest.answered(answer(), sent);
    const second = await digest.headers({ request, isWrapped: true });
    expect(await digest.challenged(refusal(challengeOf("n2")), second)).toBe(true);
    const third = await digest.headers({ request, isWrapped: true });
    expect([valueIn(third, "nonce"), valueIn(third, "nc")]).toEqual(["n2", "00000001"]);
  });

  it("where the nonce is stale, though it never was good", async () => {
    const { digest, sent } = await asked();
    expect(await digest.challenged(refusal(challengeOf("n2", ", stale=true")), sent)).toBe(true);
    expect(valueIn(await digest.headers({ request, isWrapped: true }), "nonce")).toBe("n2");
  });

  it("with a new count where the same nonce is called stale", async () => {
    const { digest, sent } = await asked();
    expect(await digest.challenged(refusal(challengeOf("n1", ", stale=true")), sent)).toBe(true);
    expect(valueIn(await digest.headers({ request, isWrapped: true }), "nc")).toBe("00000001");
  });

  it("where another realm asks, though no nonce was good", async () => {
    const { digest, sent } = await asked();
    const other = 'Digest realm="other", nonce="n2", qop="auth"';
    expect(await digest.challenged(refusal(other), sent)).toBe(true);
    expect(valueIn(await digest.headers({ request, isWrapped: true }), "realm")).toBe("other");
  });

  it("with the challenge that another request has brought meanwhile, which goes on counting", async () => {
    const { digest, sent } = await asked();
    const late = await digest.headers({ request, isWrapped: true });
    await digest.challenged(refusal(challengeOf("n2", ", stale=true")), sent);
    await digest.headers({ request, isWrapped: true });
    expect(await digest.challenged(refusal(challengeOf("n3")), late)).toBe(true);
    const next = await digest.headers({ request, isWrapped: true });
    expect([valueIn(next, "nonce"), valueIn(next, "nc")]).toEqual(["n2", "00000002"]);
  });

  it("but not where the credentials of a new nonce are refused", async () => {
    const { digest, sent } = await asked();
    expect(await digest.challenged(refusal(challengeOf("n2")), sent)).toBe("rejected_again");
    // The next call begins with what came last.
    expect(valueIn(await digest.headers({ request, isWrapped: true }), "nonce")).toBe("n2");
  });

  it("but not where nothing that can be answered is asked", async () => {
    const { digest, sent } = await asked();
    await digest.answered(answer(), sent);
    for (const challenge of [null, 'Basic realm="r"']) {
      const second = await digest.headers({ request, isWrapped: true });
      expect(await digest.challenged(refusal(challenge), second)).toBe("rejected_again");
    }
    const next = await digest.headers({ request, isWrapped: true });
    expect([valueIn(next, "nonce"), valueIn(next, "nc")]).toEqual(["n1", "00000004"]);
  });

  it("and goes on counting where the same challenge comes again", async () => {
    const { digest, sent } = await asked();
    expect(await digest.challenged(refusal(challengeOf("n1")), sent)).toBe("rejected_again");
    expect(valueIn(await digest.headers({ request, isWrapped: true }), "nc")).toBe("00000002");
  });

  it("where nobody knows any more what was sent", async () => {
    const { digest } = await asked();
    expect(await digest.challenged(refusal(challengeOf("n9")), {})).toBe(true);
    // What is known may be newer than that.
    expect(valueIn(await digest.headers({ request, isWrapped: true }), "nonce")).toBe("n1");
  });
});

describe("an answer", () => {
  it("of 401 proves no nonce", async () => {
    const { digest, sent } = await asked();
    await digest.answered(answer(401), sent);
    expect(await digest.challenged(refusal(challengeOf("n2")), sent)).toBe("rejected_again");
  });

  it("that never came proves no nonce", async () => {
    const { digest, sent } = await asked();
    await digest.answered(undefined, sent);
    expect(await digest.challenged(refusal(challengeOf("n2")), sent)).toBe("rejected_again");
  });

  it("may bring the next nonce", async () => {
    const { digest, sent } = await asked();
    await digest.answered(answer(200, 'nextnonce="n2"'), sent);
    expect(valueIn(await digest.headers({ request, isWrapped: true }), "nonce")).toBe("n2");
  });

  it("brings no nonce together with a wrong proof", async () => {
    const { digest, sent, proofFailed } = await asked();
    await digest.answered(answer(200, 'nextnonce="n2", rspauth="00"'), sent);
    expect(proofFailed).toHaveBeenCalledTimes(1);
    expect(valueIn(await digest.headers({ request, isWrapped: true }), "nonce")).toBe("n1");
  });

  it("without a proof is no wrong one", async () => {
    const { digest, sent, proofFailed } = await asked();
    await digest.answered(answer(200, "qop=auth"), sent);
    await digest.answered(answer(200, ""), sent);
    expect(authenticationInfo("qop=auth").rspauth).toBeUndefined();
    expect(proofFailed).not.toHaveBeenCalled();
  });

  it("to auth-int has a proof that only who reads the body can check", async () => {
    const { digest, proofFailed } = authenticator();
    const challenge = 'Digest realm="r", nonce="n", qop="auth-int"';
    const sent = await digest.headers({ request, challenge });
    await digest.answered(answer(200, 'rspauth="00"'), sent);
    expect(proofFailed).not.toHaveBeenCalled();
  });

  it.each([
    ["a failure", undefined],
    ["a 401", answer(401)],
  ])("to the first request that is %s has the next one ask", async (_, first) => {
    const { digest } = authenticator();
    const bare = await digest.headers({ request, isWrapped: true });
    await digest.answered(first, bare);
    const begun = await digest.headers({ request, isWrapped: true });
    let waits = true;
    const waiting = digest.headers({ request, isWrapped: true }).then(() => {
      waits = false;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(waits).toBe(true);
    await digest.answered(undefined, begun);
    await waiting;
  });

  it("to another request ends nobody's wait", async () => {
    const { digest } = authenticator();
    const begun = await digest.headers({ request, isWrapped: true });
    let waits = true;
    const waiting = digest.headers({ request, isWrapped: true }).then(() => {
      waits = false;
    });
    await digest.answered(undefined, {});
    await new Promise((resolve) => setImmediate(resolve));
    expect(waits).toBe(true);
    await digest.answered(undefined, begun);
    await waiting;
  });
});

describe("a redirected request", () => {
  it("is answered at its target, and its own answer counts", async () => {
    const { digest, sent } = await asked();
    const there = digest.redirected(sent, { method: "GET", url: "https://a.test/there?z=2" });
    expect([valueIn(there, "uri"), valueIn(there, "nc")]).toEqual(["/there?z=2", "00000002"]);
    await digest.answered(answer(200, 'nextnonce="n2"'), sent);
    expect(valueIn(await digest.headers({ request, isWrapped: true }), "nonce")).toBe("n2");
  });

  it("has the target that its client writes", async () => {
    const { digest, sent } = await asked();
    const there = { method: "GET", url: "https://a.test/t", target: "/T%20" };
    expect(valueIn(digest.redirected(sent, there), "uri")).toBe("/T%20");
    const { digest: other } = authenticator();
    const challenge = challengeOf("n");
    const own = await other.headers({ request: { ...request, target: "/own" }, challenge });
    expect(valueIn(own, "uri")).toBe("/own");
  });

  it("that was sent without credentials stays so", async () => {
    const { digest } = authenticator();
    const bare = await digest.headers({ request, isWrapped: true });
    expect(digest.redirected(bare, request)).toBe(bare);
  });

  it.each([
    ["POST", "text"],
    ["GET", ""],
  ])("that stays or becomes a %s covers the body %j", async (method, covered) => {
    const { digest } = authenticator();
    const challenge = 'Digest realm="r", nonce="n", qop="auth-int"';
    const post = { method: "POST", url: "https://a.test/x", body: "text" };
    const sent = await digest.headers({ request: post, challenge });
    expect(valueIn(sent, "response")).toBe(responseOf(sent, "POST", "text"));
    const there = digest.redirected(sent, { method, url: "https://a.test/y" });
    expect(valueIn(there, "response")).toBe(responseOf(there, method, covered));
  });

  /** RFC 7616 §3.4.1, for auth-int with MD5. */
  function responseOf(sent: Readonly<Record<string, string>>, method: string, body: string) {
    const md5 = (text: string) => createHash("md5").update(text).digest("hex");
    const [nc, cnonce, uri] = ["nc", "cnonce", "uri"].map((name) => valueIn(sent, name));
    const proof = md5(`${method}:${uri}:${md5(body)}`);
    return md5(`${md5("u:r:p")}:n:${nc}:${cnonce}:auth-int:${proof}`);
  }
});

describe("credentials", () => {
  it("that no header can carry are a mistake that says where", async () => {
    const { digest } = authenticator(() => ({ username: "u\u0007", password: "p" }));
    await expect(digest.headers({ request, challenge: challengeOf("n") })).rejects.toMatchObject({
      code: "invalid_configuration",
      endpoint: "files",
      problems: [{ path: "username()" }],
    });
  });

  it("are not looked for where there is nothing to answer", async () => {
    const read = vi.fn(() => ({ username: "u", password: "p" }));
    const { digest } = authenticator(read);
    await expect(digest.headers({ request })).rejects.toMatchObject({ reason: "no_challenge" });
    expect(read).not.toHaveBeenCalled();
  });
});

describe("the body", () => {
  it("is not read where nothing covers it", async () => {
    const body = vi.fn(async () => undefined);
    const { digest } = authenticator();
    await digest.headers({ request, challenge: challengeOf("n"), body });
    expect(body).not.toHaveBeenCalled();
  });
});
