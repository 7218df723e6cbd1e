import { fromApiDefinition, fromDeploymentToml, type ImportReport } from "endpoint-security/wso2";
import { parse as parseToml } from "smol-toml";
import { describe, expect, it } from "vitest";
import { parse as parseYaml } from "yaml";
import { anySecret, apiYaml, sample } from "./samples.ts";

/** Every value of a file that isn't made of others, by its path. */
function leaves(value: unknown, path = ""): readonly string[] {
  if (Array.isArray(value) && value.length > 0) {
    return value.flatMap((item, index) => leaves(item, `${path}[${index}]`));
  }
  if (typeof value === "object" && value !== null && Object.keys(value).length > 0) {
    return Object.entries(value).flatMap(([name, child]) =>
      leaves(child, path === "" ? name : `${path}.${name}`),
    );
  }
  return [path];
}

/** Values that the report says nothing of, neither of them nor of what they are a part of. */
function lost(file: unknown, { carried, changed, left }: ImportReport): readonly string[] {
  const noted = [...carried, ...changed, ...left].map(({ path }) => path);
  const isIn = (path: string, whole: string) =>
    path === whole || path.startsWith(`${whole}.`) || path.startsWith(`${whole}[`);
  return leaves(file).filter((path) => !noted.some((whole) => isIn(path, whole)));
}

describe("The report of an import names every value of the file", () => {
  it.each([
    ["API Manager's api.yaml", apiYaml],
    ["API Platform's RestApi", sample("api-platform/orders.yaml")],
    ["API Platform's provider", sample("api-platform/provider.yaml")],
    ["apictl's params file", sample("api-manager/params.yaml")],
  ])("of %s", (_, text) => {
    const variables = {
      ORDERS_URL: "https://a.example.com",
      ORDERS_SANDBOX_URL: "https://b.example.com",
      TOKEN_URL: "https://idp.example.com/token",
    };
    const environment = text.includes("environments:") ? "local" : undefined;
    const { report } = fromApiDefinition(text, { secrets: anySecret, environment, variables });
    expect(lost(parseYaml(text), report)).toEqual([]);
  });

  it.each([
    ["API Manager", sample("api-manager/deployment.toml")],
    ["API Platform", sample("api-platform/config.toml")],
  ])("of a deployment.toml of %s", (_, text) => {
    const { report } = fromDeploymentToml(text, { secrets: anySecret });
    expect(lost(parseToml(text), report)).toEqual([]);
  });
});
