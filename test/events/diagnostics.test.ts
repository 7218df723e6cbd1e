import { channel, tracingChannel } from "node:diagnostics_channel";
import { EndpointSecurity } from "endpoint-security";
import { describe, expect, it, onTestFinished } from "vitest";
import { scriptedFetch, token } from "../tokens/fake-time.ts";
import { checkout } from "../tokens/token-endpoint.ts";

const tokenUrl = "https://idp.example.test/token";

/** What is published on a channel until the test is over. */
function heardOn(name: string): readonly unknown[] {
  const heard: unknown[] = [];
  const listener = (message: unknown) => heard.push(message);
  channel(name).subscribe(listener);
  onTestFinished(() => void channel(name).unsubscribe(listener));
  return heard;
}

function start(how: Parameters<typeof scriptedFetch>[0]) {
  const { fetch } = scriptedFetch(how);
  const security = new EndpointSecurity({ fetch });
  const endpoint = checkout(tokenUrl, { name: "orders", tokenRequest: { retries: 0 } });
  return { security, get: () => security.getAuthHeader(endpoint) };
}

describe("diagnostics channels", () => {
  it("hear of every event of every instance, as its listeners do", async () => {
    const heard = heardOn("endpoint-security:tokenObtained");
    const listened: unknown[] = [];
    for (const { security, get } of [start((n) => token(n)), start((n) => token(n))]) {
      security.on("tokenObtained", (event) => listened.push(event));
      await get();
    }
    expect(heard).toHaveLength(2);
    expect(heard).toEqual(listened);
  });

  it("trace a token request from its start to its end, without the token", async () => {
    const heard: [string, object][] = [];
    const tracer = tracingChannel<unknown, object>("endpoint-security:tokenRequest");
    const on = (name: string) => (message: object) => void heard.push([name, { ...message }]);
    const subscribers = {
      start: on("start"),
      end: on("end"),
      asyncStart: on("asyncStart"),
      asyncEnd: on("asyncEnd"),
      error: on("error"),
    };
    tracer.subscribe(subscribers);
    onTestFinished(() => tracer.unsubscribe(subscribers));
    await start((n) => token(n)).get();
    const context = {
      endpoint: "orders",
      grantType: "client_credentials",
      trigger: "missing",
      tokenUrl,
    };
    expect(heard.map(([name]) => name)).toEqual(["start", "end", "asyncStart", "asyncEnd"]);
    expect(heard[0]?.[1]).toEqual(context);
    expect(JSON.stringify(heard)).not.toContain("token-1");

    heard.length = 0;
    const error = await start(() => new Response("", { status: 503 }))
      .get()
      .catch((reason: unknown) => reason);
    expect(heard.map(([name]) => name)).toContain("error");
    expect(heard.at(-1)?.[1]).toMatchObject({
      ...context,
      error: { code: "token_endpoint_unavailable" },
    });
    expect(error).toMatchObject({ code: "token_endpoint_unavailable" });
  });
});
