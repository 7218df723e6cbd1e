import { describe, expect, it } from "vitest";
import { strongestChallenge } from "../../src/authenticators/digest/challenge.ts";
import { DigestSession } from "../../src/authenticators/digest/session.ts";

const dir = {
  username: "Mufasa",
  password: "Circle of Life",
  method: "GET",
  target: "/dir/index.html",
  body: new Uint8Array(),
};

/** What the RFC's client answers to the RFC's challenge, with the RFC's cnonce. */
function answerTo(challenge: string, cnonce: string, request: typeof dir): string {
  const strongest = strongestChallenge(challenge);
  if (strongest === undefined) throw new Error("no challenge");
  return new DigestSession(strongest, () => cnonce).answer(request).header;
}

const of7616 = (algorithm: string) =>
  `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=${algorithm}, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`;

describe("the examples of the RFCs", () => {
  it.each([
    ["MD5", "8ca523f5e9506fed4657c9700eebdbec"],
    ["SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"],
  ])("RFC 7616 §3.9.1 with %s", (algorithm, response) => {
    const cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
    expect(answerTo(of7616(algorithm), cnonce, dir)).toBe(
      `Digest username="Mufasa", realm="http-auth@example.org", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", uri="/dir/index.html", algorithm=${algorithm}, response="${response}", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS", qop=auth, nc=00000001, cnonce="${cnonce}"`,
    );
  });

  it("RFC 7616 §3.9.2, as its erratum 4897 has it: SHA-512/256, userhash, UTF-8", () => {
    const challenge =
      'Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256, nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", charset=UTF-8, userhash=true';
    const header = answerTo(challenge, "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v", {
      ...dir,
      username: "J\u00e4s\u00f8n Doe",
      password: "Secret, or not?",
      target: "/doe.json",
    });
    expect(header).toContain(
      'username="793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b", userhash=true',
    );
    expect(header).toContain(
      'response="3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"',
    );
  });

  it("RFC 2617 §3.5", () => {
    const challenge =
      'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"';
    const header = answerTo(challenge, "0a4f113b", { ...dir, password: "Circle Of Life" });
    expect(header).toContain('response="6629fae49393a05397450978507c4ef1"');
    expect(header).not.toContain("algorithm");
  });

  it("RFC 2069 §2.4, as its erratum 749 has it: no qop, no count", () => {
    const challenge =
      'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"';
    const header = answerTo(challenge, "unused", { ...dir, password: "CircleOfLife" });
    expect(header).toContain('response="1949323746fe6a43ef61f9606e7febea"');
    expect(header).not.toMatch(/qop|nc=|cnonce/);
  });
});

describe("the challenge that is answered", () => {
  const named = (header: string) => strongestChallenge(header)?.algorithm.name;
  const digest = (algorithm: string, qop = "auth") =>
    `Digest realm="a, b=\\"c\\"", nonce="n-${algorithm}", algorithm=${algorithm}, qop="${qop}"`;

  it("is the strongest that is known, wherever it stands", () => {
    const all = ["MD5", "SHA-256", "SHA-512-256", "SHA3-999"].map((name) => digest(name));
    expect(named(all.join(", "))).toBe("SHA-512-256");
    expect(named(all.reverse().join(", "))).toBe("SHA-512-256");
    expect(named(["Negotiate abc==", digest("MD5"), 'Basic realm="x"'].join(", "))).toBe("MD5");
  });

  it("is the first among equals", () => {
    expect(named(`${digest("SHA-256-sess")}, ${digest("sha-256")}`)).toBe("SHA-256-sess");
  });

  it("is none where nothing is known of what is asked", () => {
    expect(strongestChallenge(digest("SHA3-999"))).toBeUndefined();
    expect(strongestChallenge(digest("MD5", "auth-x"))).toBeUndefined();
    expect(strongestChallenge('Digest realm="x"')).toBeUndefined();
    expect(strongestChallenge('Bearer realm="x"')).toBeUndefined();
    expect(strongestChallenge(null)).toBeUndefined();
  });

  it("covers the body only where nothing less will do", () => {
    expect(strongestChallenge(digest("MD5", "auth-int, auth"))?.qop).toBe("auth");
    expect(strongestChallenge(digest("MD5", "auth-int"))?.qop).toBe("auth-int");
  });

  it("has its realm as it was meant, with commas and quotes", () => {
    expect(strongestChallenge(digest("MD5"))?.realm).toBe('a, b="c"');
  });
});
