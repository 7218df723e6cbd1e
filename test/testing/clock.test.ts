import { EndpointSecurity } from "endpoint-security";
import { createClock, createTokenEndpoint, fakeSecurity } from "endpoint-security/testing";
import { describe, expect, it, onTestFinished, vi } from "vitest";

const client = {
  grantType: "client_credentials",
  clientId: "checkout",
  clientSecret: "secret",
} as const;
const orders = { ...client, tokenUrl: "https://idp.example.com/token" } as const;

/** A clock, a token endpoint with that clock, and an endpoint. */
async function start() {
  const clock = createClock(new Date("2030-01-01T00:00:00Z"));
  const idp = await createTokenEndpoint({ clock });
  onTestFinished(() => idp.close());
  const orders = { ...client, url: idp.resourceUrl, tokenUrl: idp.tokenUrl } as const;
  return { clock, idp, orders };
}

describe("A test's clock", () => {
  it("lets a token expire without waiting", async () => {
    const { clock, orders } = await start();
    const security = new EndpointSecurity({ clock });
    const first = await security.getToken(orders);
    expect(new Date(first.expiresAt).toISOString()).toBe("2030-01-01T01:00:00.000Z");
    clock.advance(3_600_000);
    expect(security.explain(orders).token).toBe("expired");
    expect((await security.getToken(orders)).accessToken).not.toBe(first.accessToken);
  });

  it("brings a token to its renewal, which callers don't wait for", async () => {
    const { clock, orders } = await start();
    const security = new EndpointSecurity({ clock });
    const first = await security.getToken(orders);
    const renewed = new Promise((done) => security.on("tokenObtained", done));
    clock.advance(3_600_000 * 0.9);
    expect(await security.getToken(orders)).toBe(first);
    expect(await renewed).toMatchObject({ trigger: "ahead" });
    await vi.waitFor(async () => expect(await security.getToken(orders)).not.toBe(first));
  });

  it("ends a cool-down", async () => {
    const { clock, idp, orders } = await start();
    const security = new EndpointSecurity({ clock, tokenRequest: { retries: 0 } });
    idp.failWith(503);
    await expect(security.getToken(orders)).rejects.toMatchObject({ repeated: false });
    await expect(security.getToken(orders)).rejects.toMatchObject({ repeated: true });
    idp.failWith();
    clock.advance(1_000);
    await expect(security.getToken(orders)).resolves.toBeDefined();
  });

  it("ends the pause after a rejected client, and not before", async () => {
    const { clock, idp, orders } = await start();
    const security = new EndpointSecurity({ clock });
    idp.next({ status: 401, body: { error: "invalid_client" } });
    await expect(security.getToken(orders)).rejects.toMatchObject({ repeated: false });
    clock.advance(9_000);
    await expect(security.getToken(orders)).rejects.toMatchObject({ repeated: true });
    clock.advance(1_000);
    await expect(security.getToken(orders)).resolves.toBeDefined();
  });

  it("is the clock of a test's backend, too", async () => {
    const { clock, idp, orders } = await start();
    const security = new EndpointSecurity({ clock, renewal: { refreshAhead: false } });
    const { accessToken } = await security.getToken(orders);
    const headers = { authorization: `Bearer ${accessToken}` };
    expect((await fetch(idp.resourceUrl, { headers })).status).toBe(200);
    clock.advance(3_600_000);
    expect((await fetch(idp.resourceUrl, { headers })).status).toBe(401);
  });

  it("may be set back, and then a token of the future is given up", async () => {
    const own = createClock(Date.now());
    const security = fakeSecurity({ clock: own });
    const first = await security.getToken(orders);
    own.set(own.now() - 60_000);
    expect(await security.getToken(orders)).not.toBe(first);
  });

  it("belongs to one instance", async () => {
    const own = createClock();
    const [turned, other] = [fakeSecurity({ clock: own }), fakeSecurity()];
    const before = await other.getToken(orders);
    await turned.getToken(orders);
    own.advance(7_200_000);
    expect(turned.explain(orders).token).toBe("expired");
    expect(await other.getToken(orders)).toBe(before);
  });

  it.each([-1, Number.NaN])("can't be turned by %s ms", (ms) => {
    expect(() => createClock().advance(ms)).toThrow(RangeError);
  });

  it("begins with a valid date", () => {
    expect(() => createClock(new Date("never"))).toThrow(RangeError);
  });
});
