import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { EndpointSecurity } from "endpoint-security";
import { describe, expect, it, onTestFinished } from "vitest";
import { strongestChallenge } from "../../src/authenticators/digest/challenge.ts";
import { DigestSession } from "../../src/authenticators/digest/session.ts";
import { type OfferedChallenge, startDigestServer } from "../servers/digest-server.ts";
import { findOnPath } from "../servers/redis/find-on-path.ts";

const run = promisify(execFile);
const curl = await findOnPath("curl");
if (curl === undefined) console.warn("skipped: curl is not on the PATH");

const username = "Mufasa";
const password = "Circle of Life";

async function askWithCurl(url: string, options: readonly string[]): Promise<string> {
  const args = ["-s", "-o", "/dev/null", "-w", "%{http_code}", ...options];
  const user = ["--digest", "--user", `${username}:${password}`];
  return (await run(curl ?? "curl", [...args, ...user, url])).stdout;
}

/** What this curl makes nothing of (its help doesn't say): it sends no credentials then. */
const answersTo = (challenge: OfferedChallenge) => JSON.stringify(challenge);

describe.skipIf(curl === undefined)("curl --digest, before the same server", () => {
  it.each<[string, OfferedChallenge]>([
    ["MD5", { algorithm: "MD5", qop: "auth" }],
    ["no algorithm", { qop: "auth" }],
    ["RFC 2069", {}],
    ["MD5-sess", { algorithm: "MD5-sess", qop: "auth" }],
    ["SHA-256", { algorithm: "SHA-256", qop: "auth" }],
    ["SHA-256-sess", { algorithm: "SHA-256-sess", qop: "auth" }],
    ["both qops", { algorithm: "SHA-256", qop: "auth,auth-int" }],
    ["auth-int without a body", { algorithm: "SHA-256", qop: "auth-int" }],
    ["userhash", { algorithm: "SHA-256", qop: "auth", userhash: true }],
    ["userhash with MD5", { algorithm: "MD5", qop: "auth", userhash: true }],
  ])("says what we say: %s", async (_, challenge) => {
    const server = await startDigestServer({ challenges: [challenge], username, password });
    onTestFinished(server.close);
    const url = `${server.origin}/dir/index.html?a=b&c=d`;

    expect(await askWithCurl(url, [])).toBe("200");
    const theirs = server.requests.at(-1);
    expect(theirs?.digest, answersTo(challenge)).toBeDefined();

    const endpoint = { type: "digest", url: server.origin, username, password } as const;
    const ours = await new EndpointSecurity().wrapFetch(endpoint)("/dir/index.html?a=b&c=d");
    expect(ours.status).toBe(200);

    // To curl's very challenge, with curl's cnonce, we answer what curl answered.
    const { algorithm, qop, userhash } = challenge;
    const { nonce, realm, cnonce = "", response } = theirs?.digest ?? {};
    const asked = strongestChallenge(
      [
        `Digest realm="${realm}", nonce="${nonce}", opaque="opa\\"que"`,
        ...(algorithm === undefined ? [] : [`algorithm=${algorithm}`]),
        ...(qop === undefined ? [] : [`qop="${qop}"`]),
        ...(userhash === undefined ? [] : [`userhash=${userhash}`]),
      ].join(", "),
    );
    if (asked === undefined) throw new Error("no challenge");
    const { header } = new DigestSession(asked, () => cnonce).answer({
      username,
      password,
      method: "GET",
      target: "/dir/index.html?a=b&c=d",
      body: new Uint8Array(),
    });
    expect(header).toContain(`response="${response}"`);
    expect(header).toContain(`username="${theirs?.digest?.username}"`);
  });

  it("sends a body as we do", async () => {
    const server = await startDigestServer({
      challenges: [{ algorithm: "SHA-256", qop: "auth" }],
      username,
      password,
    });
    onTestFinished(server.close);
    const data = ["--data-binary", "näme=wert", "-X", "PUT"];
    expect(await askWithCurl(`${server.origin}/x`, data)).toBe("200");
    const endpoint = { type: "digest", url: server.origin, username, password } as const;
    const wrapped = new EndpointSecurity().wrapFetch(endpoint);
    expect((await wrapped("/x", { method: "PUT", body: "näme=wert" })).status).toBe(200);
    const bodies = server.requests.filter(({ status }) => status === 200).map(({ body }) => body);
    expect(bodies).toEqual(["näme=wert", "näme=wert"]);
  });
});
