import { environment, fromApiDefinition } from "endpoint-security/wso2";
import { describe, expect, it } from "vitest";
import { api, oauth, problemsOf, productionOf } from "./samples.ts";

const encrypted = Buffer.from(JSON.stringify({ c: "abcd", t: "RSA/ECB/OAEP" })).toString("base64");

describe("A secret of an export", () => {
  it.each([
    ["", "is blank in the file"],
    ["   ", "is blank in the file"],
    [null, "is missing in the file"],
    ["******", "is masked in the file"],
    [encrypted, "is encrypted with a key of the gateway"],
    ["$secret{orders}", "is in the gateway's own secure vault"],
    ['{{ secret "orders" }}', 'is the secret "orders" of the gateway\'s own store'],
    ["${ORDERS_SECRET}", "is a template that was not filled in"],
  ])("that is %j is asked for, and never sent", (clientSecret, why) => {
    const definition = api({ ...oauth, clientSecret });
    expect(problemsOf(() => fromApiDefinition(definition))).toEqual([
      `production.clientSecret ${why}; give it as secrets["production.clientSecret"], or use environment(…), which reads …_PRODUCTION_CLIENT_SECRET`,
    ]);
    const secrets = { "production.clientSecret": "given" };
    expect(productionOf({ ...oauth, clientSecret }, { secrets })).toMatchObject({
      clientSecret: "given",
    });
  });

  it("in plain text is taken, and the report says so without it", () => {
    const { production, report } = fromApiDefinition(api(oauth));
    expect(production).toMatchObject({ clientSecret: "s3cret" });
    expect(report.changed).toEqual([
      {
        path: "data.endpointConfig.endpoint_security.production.clientSecret",
        note: "was in the file as plain text, and is taken from there: better give it apart",
      },
    ]);
    expect(JSON.stringify(report)).not.toContain("s3cret");
  });

  it("that is given goes before the one in the file, and may be a function", () => {
    const read = async () => "from the vault";
    const secrets = (path: string) => (path === "production.clientSecret" ? read : undefined);
    expect(productionOf(oauth, { secrets })).toMatchObject({ clientSecret: read });
  });

  it("comes from an environment variable that is named after its path", () => {
    const security = { ...oauth, clientSecret: "" };
    const variables = { ORDERS_API_PRODUCTION_CLIENT_SECRET: "from the environment" };
    const secrets = environment("orders-api", variables);
    expect(productionOf(security, { secrets })).toMatchObject({
      clientSecret: "from the environment",
    });
    expect(
      problemsOf(() => productionOf(security, { secrets: environment("orders-api", {}) })),
    ).toEqual([
      "production.clientSecret is blank in the file; set ORDERS_API_PRODUCTION_CLIENT_SECRET",
    ]);
  });

  it("that is a parameter can't be a function", () => {
    const security = { ...oauth, customParameters: { pin: { value: "", secured: true } } };
    const secrets = { "production.customParameters.pin": () => "1234" };
    expect(problemsOf(() => productionOf(security, { secrets }))).toEqual([
      "production.customParameters.pin is a function; give the value itself: here a function is never called",
    ]);
  });
});
