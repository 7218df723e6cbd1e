import { readFile } from "node:fs/promises";
import { parseArgs, styleText } from "node:util";
import { isEndpointSecurityError } from "../errors.ts";
import { fromApiDefinition, fromDeploymentToml, type ImportReport } from "../wso2.ts";
import { identifier, titleOf } from "./api-names.ts";
import { EnvironmentPlaceholders } from "./environment-secrets.ts";
import { type ExportFile, exportFiles } from "./export-files.ts";
import { type Constant, moduleText } from "./module-text.ts";
import { type Imported, reportTable } from "./report-table.ts";
import { UsageError } from "./usage.ts";
import { moduleFiles, writeFiles } from "./write-files.ts";

/** `endpoint-security import wso2`. @returns the exit code */
export async function importWso2(args: readonly string[]): Promise<number> {
  const { path, options } = parsed(args);
  const params = options.params === undefined ? undefined : await text(options.params);
  const placeholders = new EnvironmentPlaceholders();
  const constants: Constant[] = [];
  const imported: Imported[] = [];
  for (const file of await exportFiles(path)) {
    imported.push(
      attempt(file.path, () => {
        const settings = { params, environment: options.environment };
        return ofDefinition(file, settings, { placeholders, constants });
      }),
    );
  }
  if (options.deployment !== undefined) {
    const toml = await text(options.deployment);
    imported.push(
      attempt(options.deployment, () => ofDeployment(toml, { placeholders, constants })),
    );
  }
  const written =
    options.out === undefined || constants.length === 0
      ? []
      : await writeFiles(
          moduleFiles(options.out, moduleText(constants, "import wso2"), placeholders.variables),
          options.force,
        );
  if (options.json) console.log(JSON.stringify({ written, imported }, undefined, 2));
  else {
    console.log(reportTable(imported));
    for (const file of written) console.log(styleText("green", `wrote ${file}`));
  }
  if (imported.some(({ error }) => error !== undefined)) return constants.length > 0 ? 1 : 2;
  return imported.some(({ report }) => report?.left.some(({ fix }) => fix !== undefined)) ? 1 : 0;
}

function parsed(args: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        out: { type: "string" },
        params: { type: "string" },
        environment: { type: "string" },
        deployment: { type: "string" },
        json: { type: "boolean", default: false },
        force: { type: "boolean", default: false },
      },
    });
    const [path, ...others] = positionals;
    if (path === undefined) throw new UsageError("which file or folder?");
    if (others.length > 0) throw new UsageError(`only one file or folder, and not ${others[0]}`);
    return { path, options: values };
  } catch (error) {
    if (error instanceof UsageError || !(error instanceof Error)) throw error;
    throw new UsageError(error.message);
  }
}

async function text(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => {
    throw new UsageError(`the file ${path} does not exist`);
  });
}

/** The other files are imported even if one can't be. */
function attempt(path: string, work: () => ImportReport): Imported {
  try {
    return { path, report: work(), error: undefined };
  } catch (error) {
    if (!isEndpointSecurityError(error)) throw error;
    return { path, report: undefined, error: error.message };
  }
}

interface Output {
  readonly placeholders: EnvironmentPlaceholders;
  readonly constants: Constant[];
}

function ofDefinition(
  { path, text: definition }: ExportFile,
  settings: { readonly params: string | undefined; readonly environment: string | undefined },
  { placeholders, constants }: Output,
): ImportReport {
  // The names of variables begin with the API's, which only the definition knows.
  const title = titleOf(fromApiDefinition(definition, { ...settings, secrets: () => "any" }));
  const name = unique(identifier(title), constants);
  const found = fromApiDefinition(definition, { ...settings, secrets: placeholders.of(name) });
  const endpoints = Object.entries({ production: found.production, sandbox: found.sandbox });
  const value = Object.fromEntries(endpoints.filter(([, config]) => config !== undefined));
  if (Object.keys(value).length > 0) {
    const file = path.replaceAll("\\", "/").split("/").slice(-2).join("/");
    const comment = `${title}, from ${file}.`;
    constants.push({ name, comment, value, type: "BackendConfig", isMany: true });
  }
  return found.report;
}

function ofDeployment(toml: string, { placeholders, constants }: Output): ImportReport {
  const { redis, defaults, report } = fromDeploymentToml(toml, { secrets: placeholders.of("") });
  if (redis !== undefined) {
    constants.push({
      name: "redis",
      comment: "The Redis of the gateways: `createRedisCache(redis)`.",
      value: redis,
      type: "RedisCacheOptions",
      isMany: false,
    });
  }
  if (Object.keys(defaults).length > 0) {
    constants.push({
      name: "defaults",
      comment: "Defaults of all endpoints: `new EndpointSecurity({ ...defaults })`.",
      value: defaults,
      type: "EndpointSecurityOptions",
      isMany: false,
    });
  }
  return report;
}

function unique(name: string, constants: readonly Constant[]): string {
  const taken = new Set(["redis", "defaults", ...constants.map((constant) => constant.name)]);
  let free = name;
  for (let number = 2; taken.has(free); number++) free = `${name}${number}`;
  return free;
}
