import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const file = `${root}completion.ts`;

/** The editor's own service for one file, with `|` where the cursor is. */
function editor(text: string) {
  const position = text.indexOf("|");
  const code = text.replace("|", "");
  const { config } = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const service = ts.createLanguageService({
    getCompilationSettings: () => options,
    getScriptFileNames: () => [file],
    getScriptVersion: () => "1",
    getScriptSnapshot: (path) => {
      const content = path === file ? code : ts.sys.readFile(path);
      return content === undefined ? undefined : ts.ScriptSnapshot.fromString(content);
    },
    getCurrentDirectory: () => root,
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: (path) => path === file || ts.sys.fileExists(path),
    readFile: ts.sys.readFile,
    directoryExists: ts.sys.directoryExists,
    getDirectories: ts.sys.getDirectories,
  });
  return { service, position };
}

function offered(fields: string): readonly string[] {
  const { service, position } = editor(`import type { EndpointConfig } from "endpoint-security";
const orders = { ${fields} | } satisfies EndpointConfig;`);
  const completions = service.getCompletionsAtPosition(file, position, undefined);
  return (completions?.entries ?? []).map(({ name }) => name);
}

function hover(field: string, fields: string): string {
  const text = `import type { EndpointConfig } from "endpoint-security";
const orders = { ${fields.replace(`${field}:`, `|${field}:`)} } satisfies EndpointConfig;`;
  const { service, position } = editor(text);
  const [definition] = service.getDefinitionAtPosition(file, position) ?? [];
  expect(definition, field).toBeDefined();
  return ts.displayPartsToString(service.getQuickInfoAtPosition(file, position)?.documentation);
}

const clientCredentials =
  'grantType: "client_credentials", tokenUrl: "https://idp.test/token", clientId: "a", clientSecret: "b",';

describe("an editor", () => {
  it("offers the fields of client credentials, and none of another type or grant", () => {
    const names = offered(clientCredentials);
    expect(names).toEqual(expect.arrayContaining(["scope", "audience", "renewal", "tokenRequest"]));
    for (const other of ["apiKey", "username", "password", "token", "assertion", "subjectToken"]) {
      expect(names).not.toContain(other);
    }
  });

  it("offers user name and password for the password grant and for Basic", () => {
    expect(offered('grantType: "password",')).toEqual(
      expect.arrayContaining(["username", "password", "tokenUrl", "clientId"]),
    );
    const names = offered('type: "basic",');
    expect(names).toEqual(expect.arrayContaining(["username", "password"]));
    expect(names).not.toContain("clientId");
  });

  it.each([
    ["grantType", clientCredentials],
    ["tokenUrl", clientCredentials],
    ["clientId", clientCredentials],
    ["clientSecret", clientCredentials],
    ["username", 'type: "basic", username: "u", password: "p",'],
    ["password", 'type: "basic", username: "u", password: "p",'],
    ["headerName", 'type: "api_key", headerName: "X-Key", apiKey: "k",'],
  ])("shows what %s is", (field, fields) => {
    expect(hover(field, fields)).toMatch(/\w+ \w+ \w+/);
  });
});
