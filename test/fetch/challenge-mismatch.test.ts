import { inspect } from "node:util";
import axios from "axios";
import { EndpointSecurity } from "endpoint-security";
import { wrapAxios } from "endpoint-security/axios";
import { describe, expect, it } from "vitest";
import { respond } from "../servers/http-server.ts";
import { bearerEndpoint } from "./bearer-endpoint.ts";
import { startRecordingBackend } from "./recording-backend.ts";

/** A backend that answers 401 with this challenge, or 200 where there is none. */
async function startAsking(first: string | undefined) {
  let challenge = first;
  let onlyFor: string | undefined;
  const backend = await startRecordingBackend((res, { headers }) =>
    challenge === undefined || (onlyFor !== undefined && headers.authorization !== onlyFor)
      ? respond(res, 200)
      : respond(res, 401, "as it is", { "www-authenticate": challenge }),
  );
  return {
    ...backend,
    /** @param rejected.only the `Authorization` header that it is for. */
    ask: (next: string | undefined, rejected?: { readonly only: string }) => {
      challenge = next;
      onlyFor = rejected?.only;
    },
  };
}

function listening(security: EndpointSecurity) {
  const events: { readonly asked: readonly string[]; readonly message: string }[] = [];
  security.on("challengeMismatch", (event) => events.push(event));
  return events;
}

const digest = 'Digest realm="r", nonce="n", qop="auth"';
const others = {
  basic: { type: "basic", username: "u", password: "p" },
  digest: { type: "digest", username: "u", password: "p" },
  key: { type: "api_key", headerName: "X-Key", apiKey: "k" },
  "key in Authorization": { type: "api_key", headerName: "Authorization", apiKey: "Key k" },
} as const;

describe("a backend that asks for another kind of credentials", () => {
  it.each([
    [digest, ["Digest"], 'set type: "digest" with username and password'],
    ['Basic realm="r"', ["Basic"], 'set type: "basic" with username and password'],
    ['DPoP algs="ES256"', ["DPoP"], "set dpop: true"],
    ["Negotiate", ["Negotiate"], "Kerberos isn't supported here"],
    ["NTLM, Negotiate", ["NTLM", "Negotiate"], "NTLM isn't supported here"],
    ["eyJhbGciOi.canary", ["another scheme"], "ask its owner which credentials it accepts"],
  ])("and got a Bearer token: %s", async (challenge, asked, fix) => {
    const backend = await startAsking(challenge);
    const { answers, wrapped, security, endpoint } = bearerEndpoint(backend.origin);
    const events = listening(security);
    const response = await wrapped("/orders");
    expect([response.status, await response.text()]).toEqual([401, "as it is"]);
    expect(events).toEqual([
      { endpoint: expect.any(String), configured: "oauth2", asked, message: expect.any(String) },
    ]);
    expect(events[0]?.message).toContain(
      `the backend asks for ${asked.join(" or ")}, and Bearer is configured (type "oauth2"); `,
    );
    expect(events[0]?.message).toContain(fix);
    expect(security.explain(endpoint).challengeMismatch).toEqual({
      configured: "oauth2",
      asked,
      message: events[0]?.message,
    });
    // Nothing was renewed for it, nor sent again.
    expect([answers.count, backend.requests.length]).toEqual([1, 1]);
    expect(inspect([events, security.explain(endpoint)])).not.toMatch(/canary|token-1/);
  });

  it.each(['DPoP algs="ES256", error="invalid_token"'])(
    "renews a token that is blamed under another scheme, and reports the scheme if that doesn't help: %s",
    async (challenge) => {
      const backend = await startAsking(challenge);
      const { answers, wrapped, security } = bearerEndpoint(backend.origin);
      const events = listening(security);
      expect((await wrapped("/orders")).status).toBe(401);
      expect([answers.count, backend.requests.length]).toEqual([2, 2]);
      expect(events).toMatchObject([{ asked: ["DPoP"] }]);
    },
  );

  it.each(['Basic realm="api"', "Negotiate"])(
    "renews a token that the backend accepted before, whatever scheme it asks for: %s",
    async (challenge) => {
      const backend = await startAsking(undefined);
      const { answers, wrapped, security } = bearerEndpoint(backend.origin);
      const events = listening(security);
      expect((await wrapped("/orders")).status).toBe(200);
      backend.ask(challenge, { only: "Bearer token-1" });
      expect((await wrapped("/orders")).status).toBe(200);
      expect([answers.count, events]).toEqual([2, []]);
    },
  );

  it("renews a token that is blamed under a scheme of the backend's own, such as OAuth2", async () => {
    const backend = await startAsking(undefined);
    backend.ask('OAuth2 realm="api", error="invalid_token"', { only: "Bearer token-1" });
    const { answers, wrapped, security } = bearerEndpoint(backend.origin);
    const events = listening(security);
    expect((await wrapped("/orders")).status).toBe(200);
    expect([answers.count, events]).toEqual([2, []]);
  });

  it.each([
    ["basic", digest, ["Digest"]],
    ["digest", 'Basic realm="r"', ["Basic"]],
    ["digest", 'Bearer realm="r"', ["Bearer"]],
    ["digest", 'Digest realm="r", nonce="n", algorithm=SHA3-999', ["Digest"]],
    ["key", 'Bearer realm="r"', ["Bearer"]],
    ["key in Authorization", digest, ["Digest"]],
  ] as const)("and its endpoint is of the type %s: %s", async (name, challenge, asked) => {
    const backend = await startAsking(challenge);
    const security = new EndpointSecurity();
    const events = listening(security);
    const endpoint = { ...others[name], url: backend.origin };
    expect((await security.wrapFetch(endpoint)("/x")).status).toBe(401);
    expect(events).toMatchObject([{ configured: endpoint.type, asked }]);
    expect(backend.requests).toHaveLength(1);
  });

  it.each([
    ["basic", 'Basic realm="r"'],
    ["basic", `${digest}, Basic realm="r"`],
    ["key", 'Vendor realm="r"'],
    ["key in Authorization", 'Key realm="r"'],
    ["digest", digest],
  ] as const)("is none that only refuses what it asked for: %s, %s", async (name, challenge) => {
    const backend = await startAsking(challenge);
    const security = new EndpointSecurity();
    const events = listening(security);
    const endpoint = { ...others[name], url: backend.origin };
    expect((await security.wrapFetch(endpoint)("/x")).status).toBe(401);
    expect(events).toEqual([]);
    expect(security.explain(endpoint)).not.toHaveProperty("challengeMismatch");
  });

  it("is reported once while it lasts, by whichever wrapper, and again when it comes back", async () => {
    const backend = await startAsking(digest);
    const { wrapped, security, endpoint } = bearerEndpoint(backend.origin);
    const events = listening(security);
    const client = axios.create({ validateStatus: () => true });
    wrapAxios(client, security, endpoint);
    for (let count = 0; count < 3; count++) {
      await wrapped("/orders");
      await client.get("/orders");
    }
    expect(events).toHaveLength(1);

    backend.ask(undefined);
    expect((await wrapped("/orders")).status).toBe(200);
    expect(security.explain(endpoint)).not.toHaveProperty("challengeMismatch");

    backend.ask(digest);
    await wrapped("/orders");
    expect(events).toHaveLength(2);
    // What it asks for now is something else.
    backend.ask("Negotiate");
    await wrapped("/orders");
    expect(events.map(({ asked }) => asked)).toEqual([["Digest"], ["Digest"], ["Negotiate"]]);
  });
});
