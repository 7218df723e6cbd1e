import vm from "node:vm";
import { EndpointSecurity } from "endpoint-security";
import { describe, expect, it } from "vitest";
import { Destination } from "../../src/http/destination.ts";
import { parseChallenges } from "../../src/http/www-authenticate.ts";
import { jwtExpiry } from "../../src/tokens/jwt-expiry.ts";
import { scriptedFetch } from "../tokens/fake-time.ts";
import { checkout } from "../tokens/token-endpoint.ts";

/**
 * Text from outside must not hold up a process. Of a million units, linear work takes some
 * milliseconds and quadratic work hours, so a deadline in between tells them apart on any machine.
 */
function finishes(work: () => unknown): boolean {
  return vm.runInNewContext("work(), true", { work }, { timeout: 20_000 });
}

const destination = new Destination("https://a.test/v1", "orders");
const tolerant = (work: () => unknown) => {
  try {
    return work();
  } catch {
    return undefined;
  }
};

describe("text from outside is read in linear time", () => {
  it.each<[string, string, (text: string) => unknown]>([
    ["a challenge of quotes", '"', (text) => parseChallenges(`Bearer a="${text}`)],
    ["a challenge of commas", ", ", (text) => parseChallenges(`Bearer ${text}`)],
    ["a challenge of backslashes", "\\", (text) => parseChallenges(`Bearer a="${text}`)],
    ["a path of escapes", "%25", (text) => tolerant(() => destination.resolve(`/${text}/x`))],
    ["a path of dots", "../", (text) => tolerant(() => destination.resolve(`/${text}x`))],
    ["a path of parameters", "..;/", (text) => tolerant(() => destination.resolve(`/${text}x`))],
    ["a JWT of dots", ".", (text) => jwtExpiry(text)],
  ])("%s", (_what, unit, work) => {
    const text = unit.repeat(1_000_000);
    expect(finishes(() => work(text))).toBe(true);
  });

  it("a caller's token of unfilled templates is sent as it is", async () => {
    const { fetch } = scriptedFetch();
    const endpoint = {
      ...checkout("https://idp.example.test/token"),
      grantType: "urn:ietf:params:oauth:grant-type:token-exchange" as const,
      subjectToken: "${".repeat(32_000),
    };
    expect(await new EndpointSecurity({ fetch }).getAuthHeader(endpoint)).toBe("Bearer token-1");
  });
});
