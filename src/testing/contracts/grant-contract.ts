import { strict as assert } from "node:assert";
import { inspect } from "node:util";
import type { EndpointConfig } from "../../configuration/endpoint-config.ts";
import type { GrantStrategy } from "../../configuration/grant-strategy.ts";
import { EndpointSecurity } from "../../endpoint-security.ts";
import { ConfigurationError } from "../../errors.ts";
import { recordedRequest } from "../recorded-request.ts";
import type { ContractCase } from "./contract-case.ts";

/** Options of {@link grantContract}. */
export interface GrantContractOptions {
  /** The strategy's own fields, as a valid configuration has them; credentials as strings. */
  readonly fields?: Readonly<Record<string, unknown>> | undefined;
}

/** Set by the library, as the endpoint's configuration says. */
const reserved = [
  "grant_type",
  "client_id",
  "client_secret",
  "client_assertion",
  "client_assertion_type",
];

/**
 * What a grant strategy of your own has to hold, as tests for any runner.
 * @example
 * ```ts
 * describe("the device grant", () => {
 *   const fields = { serial: "4711", deviceKey: "any" };
 *   for (const { name, run } of grantContract(device, { fields })) test(name, run);
 * });
 * ```
 */
export function grantContract(
  strategy: GrantStrategy,
  { fields = {} }: GrantContractOptions = {},
): readonly ContractCase[] {
  const { credentials = {}, parameterNames = [], grantType } = strategy;
  const base = {
    grantType,
    tokenUrl: "https://idp.example.com/token",
    clientId: "client",
    ...auth,
  };
  const config = (more: object = {}) => ({ ...base, ...fields, ...more });
  const names = Object.keys(credentials);
  return [
    {
      name: "takes its fields, and gets a token with them",
      run: async () => {
        const { security, requests } = instanceOf(strategy);
        const token = await security.getToken(as(config()));
        assert.equal(token.accessToken, "token-1");
        assert.equal(requests[0]?.grantType, grantType);
      },
    },
    {
      name: "leaves the parameters to the library that say who the client is",
      run: async () => {
        const own = await parametersOf(strategy, fields);
        assert.deepEqual(
          Object.keys(own).filter((name) => reserved.includes(name)),
          [],
        );
      },
    },
    {
      name: "gives texts and lists of texts as parameters",
      run: async () => {
        const own = await parametersOf(strategy, fields);
        for (const [name, value] of Object.entries(own)) {
          const texts = [value].flat().filter((one) => one !== undefined);
          assert.ok(
            texts.every((one) => typeof one === "string"),
            `${name} must be a string or a list of strings`,
          );
        }
      },
    },
    {
      name: "reads a credential that is a function",
      run: async () => {
        const { security, requests } = instanceOf(strategy);
        const functions = names.map((name) => [name, () => String(Reflect.get(fields, name))]);
        await security.getToken(as(config(Object.fromEntries(functions))));
        const plain = instanceOf(strategy);
        await plain.security.getToken(as(config()));
        assert.deepEqual(
          Object.keys(requests[0]?.parameters ?? {}),
          Object.keys(plain.requests[0]?.parameters ?? {}),
        );
      },
    },
    {
      name: "wants the credentials that it says are required",
      run: async () => {
        for (const name of names.filter((one) => credentials[one] === "required")) {
          const { security } = instanceOf(strategy);
          const without = as(config({ [name]: undefined }));
          await assert.rejects(security.getToken(without), (error: unknown) =>
            problemAt(error, name),
          );
        }
      },
    },
    {
      name: "gets another token for another credential",
      run: async () => {
        for (const name of names) {
          const { security, requests } = instanceOf(strategy);
          await security.getToken(as(config()));
          await security.getToken(as(config({ [name]: "another-credential" }))).catch(() => {});
          assert.equal(requests.length, 2, `${name} does not belong to the token's identity`);
        }
      },
    },
    {
      name: "shows no credential in errors, events and explanations",
      run: async () => {
        const canaries = names.map((name) => [name, `canary-${name}`]);
        const { security, heard } = instanceOf(strategy, 400);
        const secret = as(config(Object.fromEntries(canaries)));
        const error: unknown = await security.getToken(secret).catch((thrown: unknown) => thrown);
        const shown = inspect([error, heard, security.explain(secret)], { depth: 10 });
        assert.ok(!shown.includes("canary-"), "a credential is shown");
      },
    },
    {
      name: "keeps its parameters from being custom parameters",
      run: async () => {
        for (const name of parameterNames) {
          const { security } = instanceOf(strategy);
          const custom = as(config({ customParameters: { [name]: "custom" } }));
          await assert.rejects(security.getToken(custom), (error: unknown) =>
            problemAt(error, `customParameters.${name}`),
          );
        }
      },
    },
    {
      name: "reports a field that it doesn't know, where it names its fields",
      run: async () => {
        if (strategy.fields === undefined) return;
        const { security } = instanceOf(strategy);
        const unknown = as(config({ noSuchField: "value" }));
        await assert.rejects(security.getToken(unknown), (error: unknown) =>
          problemAt(error, "noSuchField"),
        );
      },
    },
  ];
}

/** What it is called with is known to the strategy alone, and not to the compiler. */
async function parametersOf(strategy: GrantStrategy, fields: object): Promise<object> {
  const parameters: unknown = await Reflect.apply(strategy.parameters, strategy, [{ ...fields }]);
  return Object(parameters);
}

const auth = { clientSecret: "client-secret" };

/** Only this instance knows the strategy, and not the compiler. */
function as(config: object): EndpointConfig {
  return config as EndpointConfig;
}

function problemAt(error: unknown, path: string): true {
  assert.ok(error instanceof ConfigurationError, inspect(error));
  const paths = error.problems.map((problem) => problem.path);
  assert.ok(paths.includes(path), `${path} is not among ${paths.join(", ")}`);
  return true;
}

function instanceOf(strategy: GrantStrategy, status = 200) {
  const requests: ReturnType<typeof recordedRequest>[] = [];
  const fetch: typeof globalThis.fetch = async (_, init) => {
    const headers = Object.fromEntries(new Headers(init?.headers));
    requests.push(recordedRequest(headers, String(init?.body ?? "")));
    const token = {
      access_token: `token-${requests.length}`,
      token_type: "Bearer",
      expires_in: 60,
    };
    return Response.json(status < 400 ? token : { error: "invalid_grant" }, { status });
  };
  const security = new EndpointSecurity({ grants: [strategy], fetch });
  const heard: unknown[] = [];
  security.onAny((name, event) => heard.push([name, event]));
  return { security, requests, heard };
}
