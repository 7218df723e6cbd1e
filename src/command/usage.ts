/** The command line makes no sense. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export const usage = `endpoint-security: commands

  endpoint-security import wso2 <path> --out <file.ts>

    Writes an endpoint configuration for each API of a WSO2 export: a typed module, and a .env.example
    with the names of the secrets. <path> is an api.yaml, api.json or params file of API Manager, a
    resource of API Platform, a folder with some of these, or the zip of an apictl export.

    --out <file.ts>        the module to write; without it nothing is written
    --params <file>        apictl's params file
    --environment <name>   which environment of the params file
    --deployment <file>    the deployment.toml, for Redis, proxy and defaults
    --json                 prints the report as JSON
    --force                overwrites files that are there

    Exits with 0, with 1 if something needs a person, and with 2 if nothing could be imported.`;
