import { type ClientSecret, EndpointSecurity } from "endpoint-security";
import { describe, expect, test, vi } from "vitest";
import { errorOf, scriptedFetch, stopTime, token } from "./fake-time.ts";
import { checkout } from "./token-endpoint.ts";

const tokenUrl = "https://idp.example.test/token";
const hour = 3_600_000;

/** A token endpoint that knows the client by these secrets alone. */
function start(clientSecret: ClientSecret, ...known: string[]) {
  stopTime();
  const asked: string[] = [];
  const script = scriptedFetch((count, body) => {
    const secret = new URLSearchParams(body).get("client_secret") ?? "";
    asked.push(secret);
    return known.includes(secret)
      ? token(count)
      : Response.json({ error: "invalid_client" }, { status: 401 });
  });
  const security = new EndpointSecurity({ fetch: script.fetch });
  const endpoint = checkout(tokenUrl, {
    tokenEndpointAuthMethod: "client_secret_post" as const,
    clientSecret,
  });
  const renewed = async () => {
    vi.setSystemTime(Date.now() + hour);
    return security.getToken(endpoint);
  };
  return { asked, known, security, endpoint, renewed };
}

describe("A list of client secrets", () => {
  test("is tried in its order, and the one that works is kept to", async () => {
    const { asked, security, endpoint, renewed } = start(
      ["new-secret", "old-secret"],
      "old-secret",
    );
    await security.getToken(endpoint);
    await renewed();
    await renewed();
    expect(asked).toEqual(["new-secret", "old-secret", "old-secret", "old-secret"]);
  });

  test("goes on to the new one when the old one is taken away", async () => {
    const { asked, known, security, endpoint, renewed } = start(
      ["new-secret", "old-secret"],
      "old-secret",
    );
    await security.getToken(endpoint);
    known.splice(0, 1, "new-secret");
    // The refusal of the new secret at the start is forgotten by then.
    vi.advanceTimersByTime(hour);
    await renewed();
    expect(asked).toEqual(["new-secret", "old-secret", "old-secret", "new-secret"]);
  });

  test("whose secrets all are refused fails with the refusal of the first, each tried once", async () => {
    const { asked, security, endpoint } = start(["first-secret", "second-secret"]);
    const error = await errorOf(security.getToken(endpoint));
    expect(error).toMatchObject({ code: "token_request_rejected", error: "invalid_client" });
    expect(asked).toEqual(["first-secret", "second-secret"]);
  });

  test("may hold functions, read when their turn comes", async () => {
    const fresh = vi.fn(async () => "new-secret");
    const old = vi.fn(() => "old-secret");
    const { security, endpoint } = start([fresh, old], "new-secret");
    await security.getToken(endpoint);
    expect(fresh).toHaveBeenCalledOnce();
    expect(old).not.toHaveBeenCalled();
  });

  test("costs one request a secret, however many call at once", async () => {
    const { asked, security, endpoint } = start(["new-secret", "old-secret"], "old-secret");
    await Promise.all(Array.from({ length: 100 }, () => security.getToken(endpoint)));
    expect(asked).toEqual(["new-secret", "old-secret"]);
  });

  test("isn't gone through for anything but invalid_client", async () => {
    stopTime();
    const script = scriptedFetch(() => Response.json({ error: "invalid_scope" }, { status: 400 }));
    const security = new EndpointSecurity({ fetch: script.fetch });
    const endpoint = checkout(tokenUrl, { clientSecret: ["new-secret", "old-secret"] as const });
    await errorOf(security.getToken(endpoint));
    expect(script.times).toHaveLength(1);
  });

  test.each([
    [[], "clientSecret", "is an empty list"],
    [["new-secret", ""], "clientSecret[1]", "is empty"],
    [["******", "old-secret"], "clientSecret[0]", "is masked"],
    [["new-secret", 1], "clientSecret[1]", "must be a string or a function, got a number"],
  ])("is refused with its problem: %j", async (list, path, problem) => {
    const { security, endpoint } = start(list as unknown as ClientSecret);
    const error = await errorOf(security.getToken(endpoint));
    expect(error).toMatchObject({ code: "invalid_configuration" });
    expect(error.message).toContain(`${path} ${problem}`);
  });
});
