/** The command line makes no sense. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export const usage = `endpoint-security: commands

  endpoint-security check <file>

    Tries every endpoint of a file: configuration, secrets, DNS, proxy, TLS, token request, clock, backend.
    <file> is JSON or YAML (one configuration, or { "endpoints": { … } }), a module that exports
    configurations, or an api.yaml of WSO2. \${NAME} in JSON and YAML comes from the environment.

    --only <name>          this endpoint alone; may be repeated
    --path <path>          what to GET at the backend, instead of its url
    --redis <url>          the Redis that processes share tokens in; a module may export redis instead
    --env-file <file>      reads the environment from a file first
    --json                 prints what was found as JSON
    --watch                checks again when the file changes

    Exits with 0, with 1 if something failed, and with 2 if the file can't be used.

  endpoint-security init

    Asks for an endpoint, tries it at once, and writes a typed module and a .env.example. No secret is
    written. What a flag says isn't asked; without a terminal, the flags have to say everything, and
    secrets come from the variables of the .env.example.

    --out <file.ts>        the module to write (src/endpoints.ts)
    --name <name>          what the endpoint is called
    --type <type>          oauth2, basic, digest, api_key or bearer
    --url <url>            the backend
    --header-name <name>   the header of an API key
    --grant <grant>        client_credentials or password
    --issuer <url>         the authorization server, or
    --token-url <url>      its token endpoint
    --client-id <id>
    --auth-method <name>   client_secret_basic, client_secret_post, private_key_jwt or none
    --scope <scope>
    --parameters <form>    further parameters, as audience=a&tenant=b
    --force                overwrites files that are there

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
