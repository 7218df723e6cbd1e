import { parseArgs, styleText } from "node:util";
import type { EndpointType } from "../configuration/endpoint-config.ts";
import { identifier } from "./api-names.ts";
import { checkEndpoint } from "./check/check-endpoint.ts";
import { rendered } from "./check/render.ts";
import { EnvironmentPlaceholders } from "./environment-secrets.ts";
import {
  type Answers,
  type AuthMethod,
  authMethods,
  configurationOf,
  type Known,
  secretFieldsOf,
} from "./init/answers.ts";
import { ask, CancelledError, type Terminal } from "./init/ask.ts";
import { moduleText } from "./module-text.ts";
import { Progress } from "./progress.ts";
import { UsageError } from "./usage.ts";
import { checkFree, moduleFiles, writeFiles } from "./write-files.ts";

const interrupted = 130;

/** `endpoint-security init`. @returns the exit code */
export async function init(
  args: readonly string[],
  terminal: Terminal & { readonly isInteractive?: boolean } = {},
): Promise<number> {
  const { known, out, force } = parsed(args);
  const { isInteractive = process.stdin.isTTY && process.stdout.isTTY, ...streams } = terminal;
  await checkFree([{ path: out }], force);
  let answers: Answers;
  try {
    answers = isInteractive ? await ask(known, streams) : complete(known);
  } catch (error) {
    if (!(error instanceof CancelledError)) throw error;
    console.error(error.message);
    return interrupted;
  }
  const secrets = new EnvironmentPlaceholders();
  const placeholderOf = secrets.of(identifier(answers.name));
  const value = configurationOf(answers, placeholderOf);
  const isTried = await tried(answers, [...secrets.variables.keys()]);
  const constant = {
    name: identifier(answers.name),
    comment: `The endpoint "${answers.name}".`,
    value,
    type: answers.url ? "BackendConfig" : "EndpointConfig",
    isMany: false,
  };
  const module = moduleText([constant], "init");
  for (const path of await writeFiles(moduleFiles(out, module, secrets.variables), force)) {
    console.log(styleText("green", `wrote ${path}`));
  }
  const variables = [...secrets.variables.keys()].join(", ");
  if (variables !== "") console.log(`Set ${variables}, then: npx endpoint-security check ${out}`);
  return isTried === false ? 1 : 0;
}

/** Tries the endpoint with the secrets that are known. @returns undefined where one is missing */
async function tried(answers: Answers, variables: readonly string[]): Promise<boolean | undefined> {
  const fields = secretFieldsOf(answers);
  const secretOf = (field: string) =>
    answers.secrets[field] || process.env[variables[fields.indexOf(field)] ?? ""] || "";
  const missing = fields.filter((field) => secretOf(field) === "");
  if (missing.length > 0) {
    console.log(
      `Not tried yet: ${missing.join(", ")} ${missing.length > 1 ? "are" : "is"} not known.`,
    );
    return undefined;
  }
  const progress = new Progress();
  const config = configurationOf(answers, secretOf);
  const checked = await checkEndpoint(
    { name: answers.name, config },
    { endpoints: [] },
    {
      path: undefined,
      begins: (step) => progress.show(step),
    },
  );
  progress.end();
  console.log(`${rendered(checked)}\n`);
  return checked.ok;
}

/** Without a terminal the flags have to say everything. */
function complete(known: Known): Answers {
  const { name, type = "oauth2", grantType = "client_credentials" } = known;
  const missing = [
    ...(name === undefined ? ["--name"] : []),
    ...(type === "oauth2" && !known.issuer && !known.tokenUrl ? ["--issuer or --token-url"] : []),
    ...(type === "oauth2" && known.clientId === undefined ? ["--client-id"] : []),
  ];
  if (name === undefined || missing.length > 0) {
    throw new UsageError(`without a terminal to ask in, init needs ${missing.join(", ")}`);
  }
  return { ...known, name, type, grantType, secrets: {} };
}

function parsed(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        out: { type: "string", default: "src/endpoints.ts" },
        force: { type: "boolean", default: false },
        name: { type: "string" },
        type: { type: "string" },
        url: { type: "string" },
        "header-name": { type: "string" },
        grant: { type: "string" },
        issuer: { type: "string" },
        "token-url": { type: "string" },
        "client-id": { type: "string" },
        "auth-method": { type: "string" },
        scope: { type: "string" },
        parameters: { type: "string" },
      },
    });
    const { out, force, grant, name, url, issuer, scope, parameters } = values;
    const type = oneOf("--type", values.type, types);
    const known: Known = {
      name,
      type,
      url,
      issuer,
      scope,
      parameters,
      headerName: values["header-name"],
      tokenUrl: values["token-url"],
      clientId: values["client-id"],
      grantType: oneOf("--grant", grant, ["client_credentials", "password"] as const),
      authMethod: oneOf<AuthMethod>("--auth-method", values["auth-method"], authMethods),
    };
    return { known, out, force };
  } catch (error) {
    if (error instanceof UsageError || !(error instanceof Error)) throw error;
    throw new UsageError(error.message);
  }
}

const types: readonly EndpointType[] = ["oauth2", "basic", "digest", "api_key", "bearer"];

function oneOf<Value extends string>(
  flag: string,
  value: string | undefined,
  allowed: readonly Value[],
): Value | undefined {
  if (value === undefined) return undefined;
  const found = allowed.find((one) => one === value);
  if (found === undefined) throw new UsageError(`${flag} is one of ${allowed.join(", ")}`);
  return found;
}
