import { EndpointSecurity } from "endpoint-security";
import { createClock, createTokenEndpoint } from "endpoint-security/testing";
import Keyv from "keyv";
import { describe, expect, it, onTestFinished, vi } from "vitest";

async function start() {
  const clock = createClock();
  const idp = await createTokenEndpoint({ clock });
  onTestFinished(() => idp.close());
  const orders = {
    name: "orders",
    grantType: "client_credentials",
    tokenUrl: idp.tokenUrl,
    clientId: "checkout",
    clientSecret: "secret",
  } as const;
  return { clock, idp, orders };
}

describe("The event coolDownStarted", () => {
  it("says why no token request is sent, and until when", async () => {
    const { clock, idp, orders } = await start();
    const security = new EndpointSecurity({ clock, tokenRequest: { retries: 0 } });
    const started = vi.fn();
    security.on("coolDownStarted", started);
    idp.failWith(503);
    const error: unknown = await security.getToken(orders).catch((thrown: unknown) => thrown);
    const { nextAttemptAt } = error as { nextAttemptAt: Date };
    const client = { endpoint: "orders", grantType: "client_credentials" };
    expect(started.mock.calls).toEqual([
      [{ ...client, reason: "unavailable", until: nextAttemptAt.getTime() }],
    ]);
    idp.failWith(400);
    clock.advance(2_000);
    await security.getToken(orders).catch(() => {});
    expect(started).toHaveBeenLastCalledWith(expect.objectContaining({ reason: "rejected" }));
  });

  it("is not emitted for calls that only get the error repeated, nor without a cool-down", async () => {
    const { clock, idp, orders } = await start();
    const security = new EndpointSecurity({ clock, tokenRequest: { retries: 0 } });
    const started = vi.fn();
    security.on("coolDownStarted", started);
    idp.failWith(503);
    for (let call = 0; call < 3; call++) await security.getToken(orders).catch(() => {});
    expect(started).toHaveBeenCalledTimes(1);
    const without = { ...orders, clientId: "other", tokenRequest: { retries: 0, coolDownMs: 0 } };
    await security.getToken(without).catch(() => {});
    expect(started).toHaveBeenCalledTimes(1);
  });
});

describe("The event tokenFound", () => {
  it("says that a token was in the shared cache", async () => {
    const { orders } = await start();
    const cache = new Keyv();
    await new EndpointSecurity({ cache }).getToken(orders);
    const security = new EndpointSecurity({ cache });
    const found = vi.fn();
    security.on("tokenFound", found);
    await security.getToken(orders);
    await security.getToken(orders);
    expect(found.mock.calls).toEqual([[{ endpoint: "orders", waitedMs: 0 }]]);
  });
});
