import { inspect } from "node:util";
import { EndpointSecurity } from "endpoint-security";
import nock from "nock";
import { describe, expect, test } from "vitest";
import { configurationError } from "./mistakes.ts";
import { unchecked } from "./unchecked.ts";

const bearer = { type: "bearer", token: "ghp_1" } as const;

describe("a bearer endpoint", () => {
  test("sends its static token in the Authorization header", async () => {
    const security = new EndpointSecurity();
    expect(await security.getAuthHeader(bearer)).toBe("Bearer ghp_1");
    expect(await security.getAuthHeaders(bearer)).toEqual({ Authorization: "Bearer ghp_1" });
    expect(security.explain(bearer).type).toBe("bearer");
  });

  test.each([
    { options: { headerPrefix: "token" }, sent: { Authorization: "token ghp_1" } },
    { options: { headerPrefix: "" }, sent: { Authorization: "ghp_1" } },
    { options: { headerName: "X-Auth" }, sent: { "X-Auth": "Bearer ghp_1" } },
    { options: { headerName: "X-Auth", headerPrefix: "" }, sent: { "X-Auth": "ghp_1" } },
  ])("sends it with $options as $sent", async ({ options, sent }) => {
    expect(await new EndpointSecurity().getAuthHeaders({ ...bearer, ...options })).toEqual(sent);
  });

  test("calls a function for each request, so that a rotated token needs no restart", async () => {
    let version = 0;
    const config = { type: "bearer", token: async () => `v${++version}` } as const;
    const security = new EndpointSecurity();
    expect(await security.getAuthHeader(config)).toBe("Bearer v1");
    expect(await security.getAuthHeader(config)).toBe("Bearer v2");
  });

  test("is sent by wrapFetch once, and a 401 reaches the caller", async () => {
    const backend = nock("https://orders.example.com", { reqheaders: { "x-auth": "ghp_1" } });
    backend.get("/v1/42").reply(401);
    const config = { ...bearer, url: "https://orders.example.com/v1", headerPrefix: "" } as const;
    const wrapped = new EndpointSecurity().wrapFetch({ ...config, headerName: "X-Auth" });
    expect((await wrapped("/42")).status).toBe(401);
    expect(backend.isDone()).toBe(true);
  });

  test.each([
    { path: "token", fields: { token: "" } },
    { path: "token", fields: { token: "canary\nx" } },
    { path: "token()", fields: { token: () => "canary\nx" } },
    { path: "headerName", fields: { headerName: "no name" } },
    { path: "headerPrefix", fields: { headerPrefix: "\n" } },
    { path: "scope", fields: { scope: "a" } },
  ])("names $path when that is wrong, and shows no token", async ({ path, fields }) => {
    const config = { ...bearer, ...fields };
    const error = await configurationError(new EndpointSecurity().getAuthHeader(config));
    expect(error.problems).toMatchObject([{ path }]);
    expect(inspect(error)).not.toContain("canary");
  });

  test("has no token of a token endpoint", async () => {
    const error = await configurationError(new EndpointSecurity().getToken(bearer));
    expect(error.problems).toMatchObject([{ path: "type" }]);
  });

  test("is proposed for a configuration that holds a token and names no type", async () => {
    const config = unchecked({ token: "ghp_1" });
    const error = await configurationError(new EndpointSecurity().getAuthHeader(config));
    expect(error.problems).toMatchObject([
      { path: "type", fix: expect.stringContaining("bearer") },
    ]);
  });
});
