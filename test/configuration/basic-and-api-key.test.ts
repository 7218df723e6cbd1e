import { inspect } from "node:util";
import { EndpointSecurity } from "endpoint-security";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { configurationError } from "./mistakes.ts";
import { mockTokenEndpoint } from "./mocked-token-endpoint.ts";
import { unchecked } from "./unchecked.ts";

const basic = { type: "basic", username: "Aladdin", password: "open sesame" } as const;
const apiKey = { type: "api_key", headerName: "X-API-Key", apiKey: "key-1" } as const;

describe("a basic endpoint", () => {
  test("gets the header of RFC 7617's example", async () => {
    const security = new EndpointSecurity();
    const value = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
    expect(await security.getAuthHeader(basic)).toBe(value);
    expect(await security.getAuthHeaders(basic)).toEqual({ Authorization: value });
  });

  test("sends user name and password as UTF-8, as RFC 7617 shows it", async () => {
    const config = { type: "basic", username: "test", password: "123£" } as const;
    expect(await new EndpointSecurity().getAuthHeader(config)).toBe("Basic dGVzdDoxMjPCow==");
  });

  test("sends what it was given, whatever it is", async () => {
    const security = new EndpointSecurity();
    const value = fc
      .string({ unit: "grapheme" })
      .filter((text) => text.trim() !== "" && !/\$\{|^\s*[*•]+\s*$/.test(text));
    const username = value.filter((text) => !text.includes(":"));
    await fc.assert(
      fc.asyncProperty(username, value, async (username, password) => {
        const header = await security.getAuthHeader({ type: "basic", username, password });
        const sent = Buffer.from(header.replace(/^Basic /, ""), "base64").toString("utf8");
        expect(sent).toBe(`${username}:${password}`);
      }),
    );
  });

  test("may have colons in the password, and none in the user name", async () => {
    const security = new EndpointSecurity();
    const header = await security.getAuthHeader({ ...basic, password: "a:b:c" });
    expect(Buffer.from(header.slice(6), "base64").toString()).toBe("Aladdin:a:b:c");
    for (const username of ["a:canary", () => "a:canary"]) {
      const error = await configurationError(security.getAuthHeader({ ...basic, username }));
      expect(error.problems).toMatchObject([
        {
          path: expect.stringMatching(/^username(\(\))?$/),
          problem: expect.stringContaining("colon"),
        },
      ]);
      expect(inspect(error)).not.toContain("canary");
    }
  });

  test("asks functions again at each request", async () => {
    const security = new EndpointSecurity();
    let version = 0;
    const config = { ...basic, username: async () => "svc", password: () => `p${++version}` };
    const sent = async () =>
      Buffer.from((await security.getAuthHeader(config)).slice(6), "base64").toString();
    expect([await sent(), await sent()]).toEqual(["svc:p1", "svc:p2"]);
  });

  test("changed in place says what it says now", async () => {
    const security = new EndpointSecurity();
    const config = { ...basic, password: "old" as string };
    const before = await security.getAuthHeader(config);
    config.password = "new";
    expect(await security.getAuthHeader(config)).not.toBe(before);
    expect(await security.getAuthHeader({ ...basic, password: "new" })).toBe(
      await security.getAuthHeader(config),
    );
  });
});

describe("an API key endpoint", () => {
  test("gets its key in its own header", async () => {
    const security = new EndpointSecurity();
    expect(await security.getAuthHeader(apiKey)).toBe("key-1");
    expect(await security.getAuthHeaders(apiKey)).toEqual({ "X-API-Key": "key-1" });
  });

  test("may put it into the Authorization header, with a scheme", async () => {
    const config = { ...apiKey, headerName: "Authorization", apiKey: "ApiKey abc" };
    expect(await new EndpointSecurity().getAuthHeaders(config)).toEqual({
      Authorization: "ApiKey abc",
    });
  });

  test.each([
    "canary\r\nX-Evil: 1",
    "canary\n",
    "canary\u0000",
    "canary-ü",
    "canary-🔑",
    "\u007fcanary",
  ])("refuses a key that no header can carry, without showing it: %j", async (value) => {
    const security = new EndpointSecurity();
    for (const key of [value, async () => value]) {
      const error = await configurationError(security.getAuthHeader({ ...apiKey, apiKey: key }));
      expect(error.problems).toMatchObject([
        {
          path: expect.stringMatching(/^apiKey(\(\))?$/),
          problem: expect.stringMatching(/a header can't carry|ends with a line break/),
        },
      ]);
      expect(inspect(error)).not.toContain("canary");
    }
  });

  test("asks a function again at each request", async () => {
    const security = new EndpointSecurity();
    let version = 0;
    const config = { ...apiKey, apiKey: async () => `key-${++version}` };
    expect(await security.getAuthHeader(config)).toBe("key-1");
    expect(await security.getAuthHeaders(config)).toEqual({ "X-API-Key": "key-2" });
  });

  test("changed in place says what it says now", async () => {
    const security = new EndpointSecurity();
    const config = { ...apiKey, headerName: "X-Key" as string };
    await security.getAuthHeaders(config);
    config.headerName = "X-Other";
    expect(await security.getAuthHeaders(config)).toEqual({ "X-Other": "key-1" });
  });
});

describe.each([basic, apiKey])("an endpoint of the type $type", (config) => {
  test("has no tokens: asking for one is a mistake in the configuration", async () => {
    const security = new EndpointSecurity();
    for (const call of [security.getToken(config), security.invalidate(config)]) {
      const error = await configurationError(call);
      expect(error.problems).toMatchObject([
        { path: "type", problem: `is "${config.type}", which has no tokens` },
      ]);
    }
  });

  test("asks no token endpoint", async () => {
    const requests = mockTokenEndpoint();
    await new EndpointSecurity().getAuthHeader(config);
    expect(requests).toHaveLength(0);
  });

  test("hands out headers that the caller may change", async () => {
    const security = new EndpointSecurity();
    const headers = await security.getAuthHeaders(config);
    const before = { ...headers };
    for (const name of Object.keys(headers)) headers[name] = "changed";
    expect(await security.getAuthHeaders(config)).toEqual(before);
  });

  test("stops for a signal that was aborted", async () => {
    const signal = AbortSignal.abort(new Error("too late"));
    await expect(new EndpointSecurity().getAuthHeader(config, { signal })).rejects.toThrow(
      "too late",
    );
  });
});

describe("a backend that refuses", () => {
  test.each([
    ["a user's name and password", { type: "basic", username: "svc", password: "pässword" }],
    ["a key", { type: "api_key", headerName: "X-Api-Key", apiKey: "key" }],
  ])("%s is asked once: nothing else could be sent", async (_, endpoint) => {
    const sent: Headers[] = [];
    const wrapped = new EndpointSecurity().wrapFetch(
      unchecked({ url: "https://orders.test", ...endpoint }),
      {
        fetch: async (_input, init) => {
          sent.push(new Headers(init?.headers));
          return new Response(null, { status: 401, headers: { "www-authenticate": "Basic" } });
        },
      },
    );
    expect((await wrapped("/")).status).toBe(401);
    expect(sent).toHaveLength(1);
  });
});
