import axios from "axios";
import { DestinationRefusedError, type EndpointConfig, EndpointSecurity } from "endpoint-security";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { bearerEndpoint } from "./bearer-endpoint.ts";
import { startRecordingBackend } from "./recording-backend.ts";

const base = "https://orders.example.test/v1";

/** Where a wrapped fetch of an endpoint at `url` sends things, without sending them. */
function destinationOf(url: string = base) {
  const { security, endpoint, answers } = bearerEndpoint(url);
  const sent: string[] = [];
  const wrapped = security.wrapFetch(endpoint, {
    fetch: async (input) => {
      sent.push(new Request(input).url);
      return new Response();
    },
  });
  const to = async (input: Parameters<typeof fetch>[0]) => {
    await wrapped(input);
    return sent.at(-1);
  };
  return { wrapped, to, sent, answers };
}

describe("a relative URL is joined below the endpoint's", () => {
  test.each([
    ["/orders/42", `${base}/orders/42`],
    ["orders/42", `${base}/orders/42`],
    ["", base],
    ["/", `${base}/`],
    ["?page=2", `${base}/?page=2`],
    ["/orders?page=2&next=https://x.test/", `${base}/orders?page=2&next=https://x.test/`],
    ["/orders?path=../..", `${base}/orders?path=../..`],
    ["/a/../b", `${base}/b`],
    ["/a/./b", `${base}/a/b`],
    ["/a//b", `${base}/a//b`],
    ["/orders/a%20b", `${base}/orders/a%20b`],
    ["/orders/a b", `${base}/orders/a%20b`],
    ["/orders/ä", `${base}/orders/%C3%A4`],
    ["/orders/a%2Fb", `${base}/orders/a%2Fb`],
    ["/orders/..a/a..", `${base}/orders/..a/a..`],
    ["/orders/...", `${base}/orders/...`],
    ["orders:42", `${base}/orders:42`],
    ["/@x.test", `${base}/@x.test`],
    ["documents:list", `${base}/documents:list`],
    ["https:x.test", `${base}/https:x.test`],
  ])("%j → %s", async (relative, expected) => {
    const { to } = destinationOf();
    expect(await to(relative)).toBe(expected);
  });

  test.each([
    ["https://orders.example.test", "/orders", "https://orders.example.test/orders"],
    ["https://orders.example.test/", "/orders", "https://orders.example.test/orders"],
    ["https://orders.example.test/v1/", "/orders", "https://orders.example.test/v1/orders"],
    ["https://orders.example.test/v1/", "", "https://orders.example.test/v1/"],
    ["https://orders.example.test", "", "https://orders.example.test/"],
    [
      "https://orders.example.test:8443/v1",
      "/orders",
      "https://orders.example.test:8443/v1/orders",
    ],
    ["http://[::1]:8080/v1", "/orders", "http://[::1]:8080/v1/orders"],
    ["https://orders.example.test/v%201", "/orders", "https://orders.example.test/v%201/orders"],
  ])("%s and %j → %s", async (url, relative, expected) => {
    const { to } = destinationOf(url);
    expect(await to(relative)).toBe(expected);
  });

  test("as axios joins baseURL, for any path", async () => {
    const segment = fc.stringMatching(/^[\w.~@:!$&'()*+,;= äß-]{1,10}$/);
    const path = fc
      .tuple(
        fc.constantFrom("", "/", "//a", "?"),
        fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/")),
        fc.constantFrom("", "?a=1&b=%2F", "?q=a b", "/"),
      )
      .map((parts) => parts.join(""))
      .filter((text) => !text.startsWith("//"));
    const bases = fc.constantFrom(
      ...[base, `${base}/`, "https://orders.example.test"].map((baseURL) => ({
        baseURL,
        ...destinationOf(baseURL),
      })),
    );
    await fc.assert(
      fc.asyncProperty(bases, path, async ({ baseURL, to }, url) => {
        const theirs = new URL(axios.getUri({ baseURL, url })).href;
        const outcome = await to(url).catch((error: unknown) => error);
        if (outcome instanceof Error) {
          // Refused only what leaves the endpoint for a server that drops parameters of dot segments.
          const lenient = new URL(theirs.replace(/(\/\.{1,2});[^/?]*/g, "$1")).href;
          expect(outcome).toBeInstanceOf(DestinationRefusedError);
          expect(lenient.startsWith(`${baseURL.replace(/\/$/, "")}/`)).toBe(false);
        } else expect(outcome).toBe(theirs);
      }),
      { numRuns: 500 },
    );
  });
});

describe("an absolute URL is sent as it is when it is the endpoint's", () => {
  test.each([
    [`${base}/orders`, `${base}/orders`],
    [base, base],
    [`${base}?page=2`, `${base}?page=2`],
    ["HTTPS://ORDERS.example.test/v1/orders", `${base}/orders`],
    ["https://orders.example.test:443/v1/orders", `${base}/orders`],
    ["//orders.example.test/v1/orders", `${base}/orders`],
  ])("%s", async (url, expected) => {
    const { to } = destinationOf();
    expect(await to(url)).toBe(expected);
  });

  test("as a URL object, and as a Request", async () => {
    const { to } = destinationOf();
    expect(await to(new URL(`${base}/orders`))).toBe(`${base}/orders`);
    expect(await to(new Request(`${base}/orders`))).toBe(`${base}/orders`);
  });
});

const elsewhere = [
  "https://x.test/v1/orders",
  "http://orders.example.test/v1/orders",
  "https://orders.example.test:8443/v1/orders",
  "https://orders.example.test.x.test/v1",
  "https://x.test/https://orders.example.test/v1",
  "//x.test/v1/orders",
  "https://orders.example.test/",
  "https://orders.example.test/v2/orders",
  "https://orders.example.test/v1x/orders",
  "https://orders.example.test/V1/orders",
  "/../v2/orders",
  "../v2/orders",
  "..",
  "/..",
  "/.x/../../admin",
  "/.x.test/../..",
  "%2Ex.test%2F..%5c..",
  "https://orders.example.test/v1/.x/../../admin",
  "/orders/../../admin",
  "/./../admin",
  "/.\t./admin",
  "/.\n./admin",
  "/%2e%2e/admin",
  "/%2E%2E/admin",
  "/.%2e/admin",
  "/%2e./admin",
  "/..%2fadmin",
  "/..%2Fadmin",
  "/orders/..%2f..%2fadmin",
  "/%2e%2e%2fadmin",
  "/%2F..%2Fadmin",
  "/%5c..%5cadmin",
  "/orders%2f..%2f..%2fadmin",
  "/..%5cadmin",
  "/%2e%2e%5Cadmin",
  "/..\\admin",
  "/orders\\..\\..\\admin",
  "/;/../../admin",
  "https://orders.example.test/v1/../admin",
  "https://orders.example.test/v1/%2e%2e/admin",
  "https://orders.example.test/v1/..%2fadmin",
  "https://orders.example.test\\v2",
  "https://x.test\\@orders.example.test/v1/orders",
  "https://orders.example.test@x.test/v1/orders",
  "https://user:pass@orders.example.test/v1/orders",
  "https://user@orders.example.test/v1/orders",
  "ftp://orders.example.test/v1/orders",
  "file:///v1/orders",
  "https://",
  "https://[",
  "https://orders.example.test:99999/v1",
];

describe("a request to anywhere else is refused", () => {
  test.each(elsewhere)("%j", async (destination) => {
    const { wrapped, sent } = destinationOf();
    const call = wrapped(destination);
    await expect(call).rejects.toThrow(DestinationRefusedError);
    await expect(call).rejects.toMatchObject({
      code: "destination_refused",
      retryable: false,
      endpoint: "orders",
      allowed: base,
    });
    expect(sent).toEqual([]);
  });

  test.each(elsewhere.filter((url) => /^https:\/\/(?!.*@orders)/.test(url) && URL.canParse(url)))(
    "%j, as a URL object and as a Request",
    async (destination) => {
      const { wrapped, sent, answers } = destinationOf();
      const url = new URL(destination);
      await expect(wrapped(url)).rejects.toThrow(DestinationRefusedError);
      if (url.username === "") {
        const request = new Request(url, { method: "POST", body: "x" });
        await expect(wrapped(request)).rejects.toThrow(DestinationRefusedError);
        expect(request.bodyUsed).toBe(false);
      }
      expect(sent).toEqual([]);
      expect(answers.count).toBe(0);
    },
  );

  test("with a message that names no query", async () => {
    const { wrapped } = destinationOf();
    const call = wrapped("https://x.test/a?key=abc");
    await expect(call).rejects.toThrow("https://x.test/a ");
    await expect(call).rejects.not.toThrow("abc");
  });

  test("whatever the path, once a server has decoded it in any way it likes", async () => {
    const piece = fc.constantFrom(
      ...["..", ".", "%2e", "%2E", "/", "%2f", "%2F", "\\", "%5c", "%5C"],
      ...["a", "v1", "admin", "\t", "\n", "@", "//", ":", ";", "#", "?", "%00", "%25", "x.test"],
    );
    const path = fc.array(piece, { minLength: 1, maxLength: 10 }).map((parts) => parts.join(""));
    const { to } = destinationOf();
    await fc.assert(
      fc.asyncProperty(path, async (url) => {
        const outcome = await to(url).catch((error: unknown) => error);
        if (outcome instanceof Error) {
          expect(outcome).toBeInstanceOf(DestinationRefusedError);
          return;
        }
        const { origin, pathname } = new URL(String(outcome));
        expect(origin).toBe("https://orders.example.test");
        for (const decode of [(text: string) => text, decodeOnce]) {
          const decoded = decode(pathname).replaceAll("\\", "/");
          const resolved = resolvedDots(decoded);
          expect(resolved === "/v1" || resolved.startsWith("/v1/"), `${url} → ${resolved}`).toBe(
            true,
          );
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test.each(["/%2F", "/%2f/x", "/%5c", "/%2F%2F", "//", "/%2e%2f"])(
    "or sent below an endpoint that is a whole origin: %j is one of the two",
    async (url) => {
      const { to } = destinationOf("https://orders.example.test");
      const outcome = await to(url).catch((error: unknown) => error);
      if (typeof outcome === "string") {
        expect(new URL(outcome).origin).toBe("https://orders.example.test");
      } else expect(outcome).toBeInstanceOf(DestinationRefusedError);
    },
  );

  test("with an API key or Basic credentials, too", async () => {
    const fetch = vi.fn();
    const endpoints: (EndpointConfig & { url: string })[] = [
      { type: "api_key", url: base, headerName: "X-API-Key", apiKey: "k" },
      { type: "basic", url: base, username: "u", password: "p" },
    ];
    for (const endpoint of endpoints) {
      const wrapped = new EndpointSecurity().wrapFetch(endpoint, { fetch });
      await expect(wrapped("https://x.test/")).rejects.toThrow(DestinationRefusedError);
    }
    expect(fetch).not.toHaveBeenCalled();
  });
});

function decodeOnce(path: string): string {
  return path.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** The path as a file server resolves it. */
function resolvedDots(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "." && part !== "") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

test("on the wire, path and query arrive as they were written", async () => {
  const backend = await startRecordingBackend();
  const { wrapped } = bearerEndpoint(`${backend.origin}/v1`);
  await wrapped("/orders/a%2Fb;c=1?q=%20x&y=ä#fragment");
  await wrapped("?page=2");
  await wrapped("");
  expect(backend.requests.map(({ url }) => url)).toEqual([
    "/v1/orders/a%2Fb;c=1?q=%20x&y=%C3%A4",
    "/v1/?page=2",
    "/v1",
  ]);
});
