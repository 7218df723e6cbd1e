import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ConfigurationError } from "endpoint-security";
import { type ApiDefinitionOptions, fromApiDefinition } from "endpoint-security/wso2";

const folder = new URL("../../examples/wso2/", import.meta.url);

/** A file of examples/wso2. */
export const sample = (file: string) => readFileSync(fileURLToPath(new URL(file, folder)), "utf8");

export const apiYaml = sample("api-manager/Orders-1.0.0/api.yaml");

/** Any secret that is asked for: its own path. */
export const anySecret = (path: string) => `secret of ${path}`;

/** An API with this security of its production endpoint. */
export function api(security: object, more: object = {}) {
  const endpointConfig = {
    endpoint_type: "http",
    production_endpoints: { url: "https://orders.example.com/v1" },
    endpoint_security: { production: security },
    ...more,
  };
  return { data: { name: "Orders", endpointConfig } };
}

export const oauth = {
  enabled: true,
  type: "OAUTH",
  grantType: "CLIENT_CREDENTIALS",
  tokenUrl: "https://idp.example.com/token",
  clientId: "gateway",
  clientSecret: "s3cret",
};

/** What the production endpoint of such an API is imported as. */
export function productionOf(security: object, options?: ApiDefinitionOptions, more?: object) {
  return fromApiDefinition(api(security, more), options).production;
}

/** Path and fix of everything that is wrong. */
export function problemsOf(work: () => unknown): readonly string[] {
  try {
    work();
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return error.problems.map(({ path, problem, fix }) => `${path} ${problem}; ${fix}`);
  }
  throw new Error("nothing was wrong");
}
