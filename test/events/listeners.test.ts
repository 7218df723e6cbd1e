import { EndpointSecurity } from "endpoint-security";
import { describe, expect, it, vi } from "vitest";
import { scriptedFetch } from "../tokens/fake-time.ts";
import { checkout } from "../tokens/token-endpoint.ts";

const endpoint = checkout("https://idp.example.test/token");
const start = () => new EndpointSecurity({ fetch: scriptedFetch().fetch });

describe("a listener", () => {
  it("that subscribes again in its own event runs once an event", async () => {
    const security = start();
    let calls = 0;
    const listen = () => {
      calls++;
      security.on("tokenObtained", listen);
    };
    security.on("tokenObtained", listen);
    await security.getToken(endpoint);
    expect(calls).toBe(1);
  });

  it("that is async and throws is warned of, and fails no call", async () => {
    const security = start();
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    security.on("tokenObtained", async () => {
      throw new TypeError("its own mistake");
    });
    await security.getToken(endpoint);
    await new Promise((resolve) => setImmediate(resolve));
    expect(warn).toHaveBeenCalledWith(
      'a listener of "tokenObtained" threw TypeError',
      "EndpointSecurityWarning",
    );
    warn.mockRestore();
  });

  it("of all events gets each with its name, until it is removed", async () => {
    const security = start();
    const seen: unknown[] = [];
    const remove = security.onAny((name, event) => seen.push([name, event]));
    await security.getToken(endpoint);
    remove();
    await security.invalidate(endpoint);
    await security.getToken(endpoint);
    expect(seen).toEqual([
      [
        "tokenObtained",
        expect.objectContaining({ endpoint: "orders", trigger: "missing", attempts: 1 }),
      ],
    ]);
  });

  it("of all events has to be a function", () => {
    expect(() => Reflect.apply(start().onAny, start(), ["no"])).toThrow(
      /listener must be a function/,
    );
  });
});
