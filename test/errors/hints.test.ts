import { EndpointSecurity } from "endpoint-security";
import nock from "nock";
import { MockAgent, fetch as undiciFetch } from "undici";
import { afterEach, describe, expect, it, onTestFinished } from "vitest";
import { startRecordingBackend } from "../fetch/recording-backend.ts";
import { respond } from "../servers/http-server.ts";
import { errorOf } from "../tokens/fake-time.ts";
import { checkout } from "../tokens/token-endpoint.ts";

/** What an error says about its cause, and about the option that helps. */

async function failureFrom(
  status: number,
  body: unknown,
  { headers = {}, config = {} }: { headers?: Record<string, string>; config?: object } = {},
) {
  const server = await startRecordingBackend((res) =>
    respond(res, status, body as string, headers),
  );
  const endpoint = checkout(`${server.origin}/token`, { tokenRequest: { retries: 0 }, ...config });
  return { error: await errorOf(new EndpointSecurity().getToken(endpoint)), server };
}

describe("a token endpoint's error that isn't OAuth's", () => {
  it.each([
    [{ fault: { faultstring: "Invalid client identifier" } }, "Invalid client identifier"],
    [{ message: "Missing Authentication Token" }, "Missing Authentication Token"],
    ["<html><body><h1>Not\n authorised</h1></body></html>", "Not authorised"],
  ])("is quoted in one line: %j", async (body, quoted) => {
    const { error } = await failureFrom(401, body);
    expect(error.message).toContain(quoted);
    expect(error).toMatchObject({ excerpt: expect.stringContaining(quoted) });
  });

  it.each([
    ["the client's secret", { echo: "checkout-secret-canary" }],
    ["a token of somebody's", "token eyJhbGciOiJub25lIn0.canary.canary-canary"],
  ])("is quoted without %s", async (_what, body) => {
    const config = { clientSecret: "checkout-secret-canary" };
    const { error } = await failureFrom(401, body, { config });
    expect(`${error.message}${JSON.stringify(error)}`).not.toContain("canary");
  });

  it.each([404, 400, 405])(
    "asks to check tokenUrl first where the status is %i",
    async (status) => {
      const { error } = await failureFrom(status, { message: "not here" });
      expect(error.message).toContain("; check tokenUrl first");
    },
  );
});

describe("a hint", () => {
  it("names clientSecretBasicEncoding where encoding changed the secret", async () => {
    const invalid = { error: "invalid_client" };
    const changed = await failureFrom(401, invalid, { config: { clientSecret: "Abcd+1234" } });
    expect(changed.error.message).toContain('try clientSecretBasicEncoding: "raw"');
    const same = await failureFrom(401, invalid, { config: { clientSecret: "Abcd1234" } });
    expect(same.error.message).not.toContain("clientSecretBasicEncoding");
  });

  it("names clientAssertionAudience where an assertion was rejected", async () => {
    const config = { tokenEndpointAuthMethod: "client_secret_jwt", clientSecret: "s".repeat(40) };
    const { error } = await failureFrom(401, { error: "invalid_client" }, { config });
    expect(error.message).toContain("try clientAssertionAudience");
  });

  it("says where a redirect of the token endpoint leads, without its query", async () => {
    const headers = { location: "/token/?secret=canary" };
    const { error, server } = await failureFrom(301, "", { headers });
    expect(error.message).toContain(
      `a redirect to ${server.origin}/token/, which is never followed`,
    );
    expect(error.message).toContain("set tokenUrl to it");
    expect(error.message).not.toContain("canary");
  });

  it("names tokenUrl where an issuer's metadata is of a template", async () => {
    const server = await startRecordingBackend((res) =>
      respond(res, 200, { issuer: "https://login.test/{tenantid}/v2.0", token_endpoint: "x" }),
    );
    const { tokenUrl: _, ...config } = checkout("");
    const call = new EndpointSecurity().getToken({ ...config, issuer: server.origin });
    expect((await errorOf(call)).message).toContain("set tokenUrl instead of issuer");
  });
});

describe("a token request that a mock doesn't expect", () => {
  afterEach(() => {
    nock.cleanAll();
    nock.restore();
    nock.enableNetConnect();
  });

  const endpoint = checkout("https://idp.example.test/token", {
    tokenRequest: { retries: 0 },
    clientSecret: "secret-canary",
  });

  it("of nock's is reported in nock's words, without the secret", async () => {
    if (!nock.isActive()) nock.activate();
    nock.disableNetConnect();
    nock("https://idp.example.test").post("/other").reply(200);
    const error = await errorOf(new EndpointSecurity().getToken(endpoint));
    expect(error).toMatchObject({ code: "token_endpoint_unavailable", reason: "network" });
    expect(error.message).toMatch(/nock/i);
    expect(error.message).not.toContain("secret-canary");
  });

  it("of undici's MockAgent is reported in its words, with the code", async () => {
    const agent = new MockAgent();
    agent.disableNetConnect();
    onTestFinished(() => agent.close());
    const fetch = ((input: string, init: object) =>
      undiciFetch(input, { ...init, dispatcher: agent })) as unknown as typeof globalThis.fetch;
    const error = await errorOf(new EndpointSecurity({ fetch }).getToken(endpoint));
    expect(error).toMatchObject({ causeCode: "UND_MOCK_ERR_MOCK_NOT_MATCHED" });
    expect(error.message).toContain("Mock dispatch not matched");
    expect(error.message).not.toContain("secret-canary");
  });
});

describe("every request of the library's own", () => {
  it("is kept out of caches and says no charset", async () => {
    const inits: RequestInit[] = [];
    const fetch: typeof globalThis.fetch = async (input, init) => {
      inits.push(init ?? {});
      return String(input).includes(".well-known")
        ? Response.json({ issuer: "https://idp.test", token_endpoint: "https://idp.test/token" })
        : Response.json({ access_token: "t", token_type: "Bearer" });
    };
    const { tokenUrl: _, ...config } = checkout("");
    await new EndpointSecurity({ fetch }).getToken({ ...config, issuer: "https://idp.test" });
    expect(inits.map((init) => Reflect.get(init, "cache"))).toEqual(["no-store", "no-store"]);
    expect(new Headers(inits[1]?.headers).get("content-type")).toBe(
      "application/x-www-form-urlencoded",
    );
  });

  it("hands the control-flow errors of Next.js on as they are", async () => {
    const bailout = Object.assign(new Error("Dynamic server usage"), {
      digest: "DYNAMIC_SERVER_USAGE",
    });
    const fetch: typeof globalThis.fetch = () => Promise.reject(bailout);
    const call = new EndpointSecurity({ fetch }).getToken(checkout("https://idp.test/token"));
    await expect(call).rejects.toBe(bailout);
  });
});
