import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildAndPack, npm, temporaryFolder, write } from "./project.ts";

/** What the compiler says about a wrong configuration, in every TypeScript that users have. */

const versions = ["5.4", "5.5", "5.6", "5.7", "5.8", "5.9", "7"];

const endpoint = {
  url: '"https://orders.example.com/v1"',
  grantType: '"client_credentials"',
  tokenUrl: '"https://idp.example.com/oauth2/token"',
  clientId: '"checkout"',
  clientSecret: '"secret"',
};

/** The literal of a configuration; fields that are undefined are left out. */
function literal(changes: Readonly<Record<string, string | undefined>>): string {
  const fields = Object.entries({ ...endpoint, ...changes });
  const texts = fields.flatMap(([name, value]) => (value === undefined ? [] : `${name}: ${value}`));
  return `{ ${texts.join(", ")} }`;
}

const satisfying = (changes: Readonly<Record<string, string | undefined>>) =>
  `export const endpoint = ${literal(changes)} satisfies EndpointConfig;`;

/** Each with what a reader has to find in the compiler's text. */
const cases: readonly (readonly [title: string, code: string, named: RegExp])[] = [
  ["no clientSecret", satisfying({ clientSecret: undefined }), /'clientSecret' is missing/],
  ["no tokenUrl", satisfying({ tokenUrl: undefined }), /'tokenUrl' is missing/],
  ["no clientId", satisfying({ clientId: undefined }), /'clientId' is missing/],
  ["no grantType", satisfying({ grantType: undefined }), /'grantType' is missing/],
  [
    "no username for the password grant",
    satisfying({ grantType: '"password"', password: '"p"' }),
    /'username' is missing/,
  ],
  [
    "no url for wrapFetch",
    `security.wrapFetch(${literal({ url: undefined })});`,
    /'url' is missing/,
  ],
  [
    "no url in a variable for wrapFetch",
    `const orders = ${literal({ url: undefined })} satisfies EndpointConfig; security.wrapFetch(orders);`,
    /'url' is missing/,
  ],
  [
    "a misspelt grantType",
    satisfying({ grantType: '"client_credential"' }),
    /"client_credential".* Did you mean '"client_credentials"'/,
  ],
  [
    "an unknown field",
    satisfying({ scopes: '"read"' }),
    /'scopes' does not exist.*Did you mean to write 'scope'/,
  ],
  [
    "an unknown option of a group",
    satisfying({ tokenRequest: "{ timeout: 5 }" }),
    /'timeout' does not exist.*Did you mean to write 'timeoutMs'/,
  ],
  [
    "a secret that may be undefined",
    satisfying({ clientSecret: "process.env.SECRET" }),
    /'clientSecret' are incompatible(.|\n)*'undefined' is not assignable/,
  ],
  [
    "a literal without satisfies",
    `const orders = ${literal({})}; security.getAuthHeader(orders);`,
    /'grantType' are incompatible(.|\n)*'string' is not assignable to type '"client_credentials"'/,
  ],
  ["a field of another grant", satisfying({ username: '"u"' }), /'username' does not exist/],
  [
    "a field of another authentication method",
    satisfying({ clientPrivateKey: '"k"' }),
    /'clientPrivateKey' does not exist/,
  ],
  [
    "an option of another authentication method",
    satisfying({ clientAssertionAlgorithm: '"HS256"' }),
    /clientAssertionAlgorithm|'tokenEndpointAuthMethod' is missing/,
  ],
  [
    "a secret for a public client",
    satisfying({ tokenEndpointAuthMethod: '"none"' }),
    /'"none"' is not assignable to type '"client_secret_/,
  ],
  [
    "an argument without clientSecret",
    `security.getAuthHeader(${literal({ clientSecret: undefined })});`,
    /'clientSecret' is missing/,
  ],
  [
    "a variable of type EndpointConfig without clientSecret",
    `export const endpoint: EndpointConfig = ${literal({ clientSecret: undefined })};`,
    /'clientSecret' is missing/,
  ],
  [
    "no password for basic",
    'export const endpoint = { type: "basic", username: "u" } satisfies EndpointConfig;',
    /'password' is missing/,
  ],
  [
    "no headerName for an API key",
    'export const endpoint = { type: "api_key", apiKey: "k" } satisfies EndpointConfig;',
    /'headerName' is missing/,
  ],
];

const head = `import { type EndpointConfig, EndpointSecurity } from "endpoint-security";
declare const process: { env: Record<string, string | undefined> };
declare const security: EndpointSecurity;
`;

const run = promisify(execFile);
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

/** What the compiler says, by the file's name. */
async function compile(version: string, files: readonly string[]): Promise<Map<string, string>> {
  const options = ["--noEmit", "--strict", "--skipLibCheck", "--pretty", "false"];
  const modules = ["--module", "nodenext", "--target", "es2022", "--types", "node"];
  const compiler = join("node_modules", `typescript-${version}`, "bin", "tsc");
  const args = [compiler, ...options, ...modules, ...files];
  const { stdout } = await run(process.execPath, args, { cwd: folder.path }).catch(
    (error: { stdout?: string }) => ({ stdout: error.stdout ?? String(error) }),
  );
  const said = new Map<string, string>();
  for (const part of stdout.split(/\n(?=\S)/)) {
    const [name = ""] = part.split("(");
    said.set(name, `${said.get(name) ?? ""}${part}\n`);
  }
  return said;
}

beforeAll(async () => {
  folder = await temporaryFolder();
  const { tarball } = await buildAndPack(folder.path);
  const compilers = versions.map((one) => `typescript-${one}@npm:typescript@${one}`);
  await write(folder.path, {
    "package.json": JSON.stringify({ private: true, type: "module" }),
    ...Object.fromEntries(cases.map(([, code], index) => [`case-${index}.ts`, head + code])),
    "right.ts": `${head}${satisfying({})}\nsecurity.wrapFetch(endpoint);`,
  });
  const quietly = ["--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts"];
  await npm(["install", ...quietly, tarball, "@types/node@20", ...compilers], folder.path);
}, 240_000);

afterAll(() => folder?.remove());

describe.each(versions)("the compiler of TypeScript %s", (version) => {
  let said: Map<string, string>;
  beforeAll(async () => {
    said = await compile(version, [...cases.map((_, index) => `case-${index}.ts`), "right.ts"]);
  }, 120_000);

  it("accepts a right configuration", () => {
    expect(said.get("right.ts")).toBeUndefined();
  });

  it.each(cases.map(([title, , named], index) => ({ title, named, index })))(
    "names the field for $title",
    ({ named, index }) => {
      expect(said.get(`case-${index}.ts`)).toMatch(named);
    },
  );
});
