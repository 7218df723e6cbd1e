import { describe, expect, it } from "vitest";
import { digestAlgorithm } from "../../src/authenticators/digest/algorithms.ts";
import { authenticationInfo } from "../../src/authenticators/digest/authentication-info.ts";
import { strongestChallenge } from "../../src/authenticators/digest/challenge.ts";
import { DigestSession } from "../../src/authenticators/digest/session.ts";

const request = {
  username: "Mufasa",
  password: "Circle of Life",
  method: "GET",
  target: "/a",
  body: new Uint8Array(),
};

/** A session whose nonces are n1, n2, … */
function sessionOf(parameters: string): DigestSession {
  const challenge = strongestChallenge(`Digest ${parameters}`);
  if (challenge === undefined) throw new Error("no challenge");
  let count = 0;
  return new DigestSession(challenge, () => `n${++count}`);
}

/** The names of what an answer says, in order, where no value has a comma. */
const namesIn = (header: string) =>
  header
    .slice("Digest ".length)
    .split(", ")
    .map((part) => part.split("=")[0]);

const valueIn = (header: string, name: string) =>
  new RegExp(`(?:^|[ ,])${name.replace("*", "\\*")}=("[^"]*"|[^,]*)`).exec(header)?.[1];

describe("an answer", () => {
  const always = ["username", "realm", "nonce", "uri"];
  it.each([
    ["of RFC 2069", "", [...always, "response"]],
    ["with an algorithm", "algorithm=MD5", [...always, "algorithm", "response"]],
    ["with opaque", 'opaque="o"', [...always, "response", "opaque"]],
    ["with qop", 'qop="auth"', [...always, "response", "qop", "nc", "cnonce"]],
    [
      "of a session without qop",
      "algorithm=MD5-sess",
      [...always, "algorithm", "response", "cnonce"],
    ],
    [
      "with a hashed name",
      "userhash=true",
      ["username", "userhash", ...always.slice(1), "response"],
    ],
  ])("%s says no more than the challenge asks for", (_, parameters, names) => {
    const session = sessionOf(`realm="r", nonce="n", ${parameters}`);
    expect(namesIn(session.answer(request).header)).toEqual(names);
  });

  it("has a nonce of the client's own each time, and a count that grows", () => {
    const session = sessionOf('realm="r", nonce="n", qop="auth"');
    const answers = [1, 2, 3].map(() => session.answer(request).header);
    expect(answers.map((header) => valueIn(header, "cnonce"))).toEqual(['"n1"', '"n2"', '"n3"']);
    expect(answers.map((header) => valueIn(header, "nc"))).toEqual([
      "00000001",
      "00000002",
      "00000003",
    ]);
  });

  it("keeps the client's nonce for the whole of a -sess session, through new nonces", () => {
    const session = sessionOf('realm="r", nonce="n", qop="auth", algorithm=MD5-sess');
    const first = session.answer(request).header;
    session.continueWith("next");
    const second = session.answer(request).header;
    expect([valueIn(first, "cnonce"), valueIn(second, "cnonce")]).toEqual(['"n1"', '"n1"']);
    expect(valueIn(second, "nonce")).toBe('"next"');
  });

  it("counts from one with a new nonce, and on with the same", () => {
    const session = sessionOf('realm="r", nonce="n", qop="auth"');
    session.answer(request);
    session.continueWith("n");
    expect(valueIn(session.answer(request).header, "nc")).toBe("00000002");
    session.continueWith("next");
    expect(valueIn(session.answer(request).header, "nc")).toBe("00000001");
  });

  it("knows the server's own proof, but not the one that covers a body", () => {
    const proof = (qop: string) => sessionOf(`realm="r", nonce="n", qop="${qop}"`).answer(request);
    expect(proof("auth").rspauth()).toMatch(/^[0-9a-f]{32}$/);
    expect(proof("auth-int").rspauth()).toBeUndefined();
  });

  it("has nonces that nobody guesses, unless they are given", () => {
    const challenge = strongestChallenge('Digest realm="r", nonce="n", qop="auth"');
    if (challenge === undefined) throw new Error("no challenge");
    const nonces = [1, 2].map(() =>
      valueIn(new DigestSession(challenge).answer(request).header, "cnonce"),
    );
    expect(nonces[0]).toMatch(/^"[\w-]{24}"$/);
    expect(nonces[0]).not.toBe(nonces[1]);
  });
});

describe("a user name is written", () => {
  const written = (username: string, more = "charset=UTF-8") => {
    const { header } = sessionOf(`realm="r", nonce="n", ${more}`).answer({ ...request, username });
    return header.slice("Digest ".length, header.indexOf(", realm="));
  };

  it.each([
    ["as it is, in ASCII", "Mufasa ~", 'username="Mufasa ~"'],
    ["with quotes escaped", 'a"b\\c', 'username="a\\"b\\\\c"'],
    [
      "as UTF-8 with percent signs, where a letter is beyond ASCII",
      "Jäs O'Doe\t%",
      "username*=UTF-8''J%C3%A4s%20O%27Doe%09%25",
    ],
    ["so where the first letter alone is", "äb", "username*=UTF-8''%C3%A4b"],
    ["so where the last letter alone is", "bä", "username*=UTF-8''b%C3%A4"],
    ["empty", "", 'username=""'],
  ])("%s", (_, username, expected) => {
    expect(written(username)).toBe(expected);
  });

  it("as its bytes, where the server doesn't speak of UTF-8", () => {
    expect(written("Jä", "charset=latin1")).toBe('username="J\u00c3\u00a4"');
    expect(written("Jä", "")).toBe('username="J\u00c3\u00a4"');
  });
});

describe("a challenge", () => {
  it("of another scheme is none, whatever it says", () => {
    expect(strongestChallenge('Basic realm="r", nonce="n", qop="auth"')).toBeUndefined();
  });

  it("without a realm has an empty one", () => {
    expect(strongestChallenge('Digest nonce="n"')?.realm).toBe("");
  });

  it("says only what it says", () => {
    expect(strongestChallenge('Digest realm="r", nonce="n"')).toMatchObject({
      opaque: undefined,
      qop: undefined,
      isStale: false,
      hashesUserName: false,
      isUtf8: false,
    });
    const all = 'Digest nonce="n", stale=TRUE, userhash=True, charset=utf-8';
    expect(strongestChallenge(all)).toMatchObject({
      isStale: true,
      hashesUserName: true,
      isUtf8: true,
    });
    expect(strongestChallenge('Digest nonce="n", charset=latin1')?.isUtf8).toBe(false);
  });

  it.each([
    ["", undefined],
    [" , ", undefined],
    ["AUTH", "auth"],
    ["auth-int , \t auth", "auth"],
    ["auth-x,,auth-int", "auth-int"],
  ])("offers the protection %j", (qop, expected) => {
    const challenge = strongestChallenge(`Digest nonce="n", qop="${qop}"`);
    expect(challenge).toBeDefined();
    expect(challenge?.qop).toBe(expected);
  });

  it.each(["auth-x", "auth-x, ", ", auth-x"])("that offers %j alone is none", (qop) => {
    expect(strongestChallenge(`Digest nonce="n", qop="${qop}"`)).toBeUndefined();
  });
});

describe("an algorithm", () => {
  it.each([
    [undefined, false, 0, "900150983cd24fb0d6963f7d28e17f72"],
    ["MD5", false, 0, "900150983cd24fb0d6963f7d28e17f72"],
    ["md5-SESS", true, 0, "900150983cd24fb0d6963f7d28e17f72"],
    ["SHA-256", false, 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    ["SHA-512-256", false, 2, "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"],
  ])("of the name %s is known", (name, isSession, strength, hashed) => {
    const algorithm = digestAlgorithm(name);
    expect(algorithm).toMatchObject({ name, isSession, strength });
    expect(algorithm?.hash("abc")).toBe(hashed);
  });

  it.each(["", "SHA-1", "sha256", "MD5-sess-x", "-sess"])("of the name %j is unknown", (name) => {
    expect(digestAlgorithm(name)).toBeUndefined();
  });
});

describe("what a server says with its answer", () => {
  it("is read, its proof in small letters", () => {
    expect(authenticationInfo('nextnonce="N", rspauth="AB", qop=auth')).toEqual({
      nextNonce: "N",
      rspauth: "ab",
    });
  });

  it.each(["", ",", "=", "qop=auth"])("may be nothing: %j", (header) => {
    expect(authenticationInfo(header)).toEqual({ nextNonce: undefined, rspauth: undefined });
  });
});
