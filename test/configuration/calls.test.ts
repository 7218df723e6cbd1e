import { ConfigurationError, type EndpointConfig, EndpointSecurity } from "endpoint-security";
import { expect, test, vi } from "vitest";

const files = {
  type: "digest",
  url: "https://files.example.test",
  username: "svc",
  password: "x",
} satisfies EndpointConfig;

/** What only JavaScript can do, or a type that was cast. */
const security = new EndpointSecurity();
const on = security.on.bind(security) as (name: unknown, listener: unknown) => () => void;

test("a listener of an unknown event gets an error with the known ones", () => {
  expect(() => on("tokenobtained", () => {})).toThrow(
    /name must be the name of an event; use tokenObtained/,
  );
});

test("a listener that must be a function is refused where it is given", () => {
  expect(() => on("tokenObtained", undefined)).toThrow(ConfigurationError);
});

test.each([
  "tokenObtained",
  "tokenRequestFailed",
  "credentialsRejected",
  "challengeMismatch",
  "serverProofFailed",
  "cacheFailed",
  "cacheRecovered",
])("a listener of %s is taken", (name) => {
  expect(on(name, () => {})).toBeTypeOf("function");
});

test("the headers of a request whose URL isn't whole are refused", async () => {
  const call = security.getAuthHeaders(files, { request: { method: "GET", url: "/42" } });
  await expect(call).rejects.toThrow(ConfigurationError);
  await expect(call).rejects.toThrow("request.url must be an absolute URL");
});

test("what is no URL is taken as fetch takes it", async () => {
  const fetch = vi.fn(async () => new Response());
  const wrapped = security.wrapFetch(files, { fetch });
  await wrapped(42 as never);
  expect(fetch).toHaveBeenCalledWith("https://files.example.test/42", expect.anything());
});
