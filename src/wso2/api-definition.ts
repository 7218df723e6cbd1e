import { isRecord } from "../checks/kinds.ts";
import { readApiManagerSecurity } from "./api-manager-security.ts";
import { readGatewayResource } from "./api-platform.ts";
import { Cursor } from "./cursor.ts";
import { nameOf } from "./names.ts";
import { type Environment, environmentOf } from "./params-file.ts";
import type { Report } from "./report.ts";
import type { SecretFinder } from "./secrets.ts";
import { type FoundEndpoints, firstUrl, type Stage, stages } from "./stages.ts";
import { tryJson } from "./try-json.ts";

interface Files {
  readonly definition: Record<string, unknown>;
  readonly params: Record<string, unknown> | undefined;
  readonly environment: string | undefined;
  readonly variables: Readonly<Record<string, string | undefined>>;
}

/** Reads an API's definition of whatever product and version. */
export function readApiDefinition(
  files: Files,
  secrets: SecretFinder,
  report: Report,
): FoundEndpoints {
  const { environment, variables } = files;
  if (isParams(files.definition)) {
    const found = environmentOf(files.definition, "", { environment, variables }, report);
    return apiManagerEndpoints(undefined, found, secrets);
  }
  if (isRecord(files.definition.spec)) {
    const found = readGatewayResource(new Cursor(files.definition, "", report), secrets);
    report.noteTheRest(files.definition, "");
    return found;
  }
  const definition = unfolded(files.definition);
  const found =
    files.params && environmentOf(files.params, "params", { environment, variables }, report);
  const endpoints = apiManagerEndpoints(new Cursor(definition, "", report), found, secrets);
  report.noteTheRest(definition, "");
  return endpoints;
}

const isParams = ({ environments }: Record<string, unknown>) => Array.isArray(environments);

function apiManagerEndpoints(
  definition: Cursor | undefined,
  environment: Environment | undefined,
  secrets: SecretFinder,
): FoundEndpoints {
  const data = definition?.at("data");
  const api = data?.isThere ? data : definition;
  const config = api?.at("endpointConfig");
  if (api !== undefined && !config?.isThere) noEndpoints(api);
  const name = api?.at("name");
  name?.carried("name");
  const endpoints: FoundEndpoints = {};
  for (const stage of stages) {
    const addresses = config?.at(`${stage}_endpoints`);
    const ownUrl = addresses && firstUrl(addresses, `several ${stage} endpoints`);
    for (const failover of config?.at(`${stage}_failovers`).items() ?? []) {
      const note = "is an endpoint to fall back to: this library calls one address";
      failover.left(note, "let a load balancer or DNS choose, and set url to it");
    }
    const url = environment?.url(stage) ?? ownUrl;
    const security = securityOf(stage, { api, config, environment }, secrets);
    if (url === undefined && security === undefined) continue;
    endpoints[stage] = { name: nameOf(name?.text(), stage), url, security };
  }
  config?.at("endpoint_type").carried("chooses which of the endpoints is taken");
  environment?.noteTheRest();
  return endpoints;
}

interface Places {
  readonly api: Cursor | undefined;
  readonly config: Cursor | undefined;
  readonly environment: Environment | undefined;
}

/** The params file has a say in it first. */
function securityOf(stage: Stage, { api, config, environment }: Places, secrets: SecretFinder) {
  const own = config?.at("endpoint_security").at(stage);
  // Of versions before 3.2: one for both.
  const older = api?.at("endpointSecurity");
  const inFile = own?.isThere ? own : older?.isThere ? older : undefined;
  const overriding = environment?.security(stage);
  if (overriding === undefined) {
    return inFile && readApiManagerSecurity(inFile, stage, secrets);
  }
  if (overriding.at("enabled").isThere || inFile === undefined) {
    for (const [, member] of inFile?.members() ?? []) member.left("is replaced by the params file");
    return readApiManagerSecurity(overriding, stage, secrets);
  }
  for (const [, member] of overriding.members()) {
    member.left("is not in use: with a blank `enabled` the API's own definition decides");
  }
  return readApiManagerSecurity(inFile, stage, secrets);
}

function noEndpoints(api: Cursor): void {
  const parts = api.any("apis", "apiProducts");
  if (parts.isThere) {
    parts.left(
      "are the APIs of a product, which has no endpoints of its own",
      "import each of them",
    );
  } else if (!api.at("endpointConfig").isThere) {
    api.report.add("left", {
      path: api.path === "" ? "endpointConfig" : `${api.path}.endpointConfig`,
      note: "is missing, so the API has no backend to secure",
      fix: "export the API again, or add its endpoint",
    });
  }
}

/** With the JSON texts that some versions write in place of objects. */
function unfolded(definition: Record<string, unknown>): Record<string, unknown> {
  if (isRecord(definition.data)) return { ...definition, data: unfolded(definition.data) };
  const config = opened(definition.endpointConfig);
  if (!isRecord(config)) return definition;
  const security = opened(config.endpoint_security);
  if (!isRecord(security)) return { ...definition, endpointConfig: config };
  const opening = Object.entries(security).map(([stage, one]) => [
    stage,
    isRecord(one) ? { ...one, customParameters: opened(one.customParameters) } : one,
  ]);
  const endpoint_security: unknown = Object.fromEntries(opening);
  return { ...definition, endpointConfig: { ...config, endpoint_security } };
}

function opened(value: unknown): unknown {
  if (typeof value !== "string") return value;
  const found = tryJson(value);
  return isRecord(found) ? found : value;
}
