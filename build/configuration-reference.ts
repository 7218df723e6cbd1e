/** Writes docs/configuration.md from the doc comments of the public types. */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const root = fileURLToPath(new URL("..", import.meta.url));
export const page = `${root}docs/configuration.md`;

/** Headings, the interfaces below them, and what has to be said about them. */
const sections: readonly (readonly [
  heading: string,
  interfaces: readonly string[],
  text: string,
])[] = [
  [
    "Every endpoint",
    ["CommonFields"],
    "`type` chooses the kind of endpoint: `oauth2` (default), `basic`, `digest`, `api_key` or `bearer`.",
  ],
  [
    "OAuth 2.0",
    ["OAuth2Fields"],
    "These fields, one of the two places below, a client authentication and a grant.",
  ],
  ["OAuth 2.0: the token endpoint", ["TokenUrlFields"], ""],
  [
    "OAuth 2.0: discovery",
    ["IssuerFields"],
    "Instead of `tokenUrl`. See [discovery.md](discovery.md).",
  ],
  [
    "OAuth 2.0: client authentication",
    [
      "SecretAuthentication",
      "PostedSecretAuthentication",
      "JwtBySecretAuthentication",
      "PrivateKeyAuthentication",
      "AssertionFunctionAuthentication",
      "AssertionFileAuthentication",
      "CertificateAuthentication",
      "PublicClientAuthentication",
    ],
    "One of these. See [client-authentication.md](client-authentication.md).",
  ],
  [
    "OAuth 2.0: grants",
    [
      "WithClientCredentials",
      "ForUserByPassword",
      "ForUserByAssertion",
      "ForUserBySignedAssertion",
      "ForUserByTokenExchange",
      "ForUserByDelegation",
    ],
    "One of these. See [grants.md](grants.md).",
  ],
  ["Basic", ["BasicEndpointConfig"], ""],
  ["Digest", ["DigestEndpointConfig"], ""],
  ["API key", ["ApiKeyWithHeaderConfig", "ApiKeyInQueryConfig"], "One of these."],
  ["Static token", ["BearerEndpointConfig"], ""],
  [
    "`tokenRequest`",
    ["TokenRequestOptions"],
    "On an endpoint, or as defaults on `new EndpointSecurity`. The endpoint's options override the instance's one by one.",
  ],
  ["`renewal`", ["RenewalOptions"], "On an endpoint, or as defaults on `new EndpointSecurity`."],
  [
    "`transport`",
    ["Transport"],
    "On an endpoint, or as defaults on `new EndpointSecurity`. Needs undici 7. See [transport.md](transport.md).",
  ],
  [
    "`transport.clientCertificate`",
    ["ClientCertificate"],
    "`certificate` and `privateKey`, or `certificateFile` and `privateKeyFile`. See [key-binding.md](key-binding.md).",
  ],
  ["`new EndpointSecurity(options)`", ["EndpointSecurityOptions"], ""],
];

/** The page as it should be. */
export function configurationReference(): string {
  const { config } = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const entry = `${root}src/index.ts`;
  const program = ts.createProgram([entry], options);
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(entry);
  const module = source && checker.getSymbolAtLocation(source);
  if (module === undefined) throw new Error(`${entry} is not a module`);
  const exported = new Map(
    checker.getExportsOfModule(module).map((symbol) => [symbol.name, symbol]),
  );
  const common = new Set(propertiesOf("CommonFields").map(({ name }) => name));

  function symbolOf(name: string): ts.Symbol {
    const alias = exported.get(name);
    if (alias === undefined) throw new Error(`${name} is not exported`);
    return checker.getAliasedSymbol(alias);
  }

  function propertiesOf(name: string): readonly ts.Symbol[] {
    const type = checker.getDeclaredTypeOfSymbol(symbolOf(name));
    return type.isUnion() ? type.types.flatMap((one) => one.getProperties()) : type.getProperties();
  }

  /** The row of a field; none for a field that only says that it belongs to another form. */
  function rowOf(symbol: ts.Symbol): readonly string[] {
    const { valueDeclaration: declaration } = symbol;
    if (declaration === undefined || !ts.isPropertySignature(declaration)) return [];
    const type = (declaration.type?.getText() ?? "unknown").replaceAll(/ \| undefined\b/g, "");
    if (type === "undefined") return [];
    const text = plain(ts.displayPartsToString(symbol.getDocumentationComment(checker)));
    if (text === "")
      throw new Error(
        `${symbol.name} in ${declaration.getSourceFile().fileName} has no doc comment`,
      );
    const tags = symbol.getJsDocTags(checker);
    const textsOf = (name: string) =>
      tags.filter((tag) => tag.name === name).map((tag) => ts.displayPartsToString(tag.text));
    const [preset] = textsOf("default");
    const examples = textsOf("example").map(code);
    const example = examples.length > 0 ? ` Example: ${examples.join(", ")}` : "";
    const otherwise = declaration.questionToken ? "" : "required";
    const fallback = preset === undefined ? otherwise : presetOf(preset);
    return [`| \`${symbol.name}\` | ${code(type)} | ${fallback} | ${text}${example} |`];
  }

  function table(name: string) {
    const isWhole = name === "CommonFields" || name === "CertificateAuthentication";
    const rows = propertiesOf(name)
      .filter((symbol) => isWhole || !common.has(symbol.name))
      .flatMap(rowOf)
      .filter((row, index, all) => all.indexOf(row) === index);
    const about = plain(ts.displayPartsToString(symbolOf(name).getDocumentationComment(checker)));
    return { about, rows };
  }

  const parts = sections.map(([heading, names, text]) => {
    const tables = names.map((name) => {
      const { about, rows } = table(name);
      const intro = names.length > 1 ? `${about}\n\n` : "";
      return `${intro}| field | type | default | what it is |\n| --- | --- | --- | --- |\n${rows.join("\n")}`;
    });
    return [`## ${heading}`, text, ...tables].filter((part) => part !== "").join("\n\n");
  });
  const text = `${intro}\n\n${parts.join("\n\n")}\n`;
  const missing = propertiesOf("EndpointConfig").filter(
    ({ name }) => !text.includes(`| \`${name}\` |`),
  );
  if (missing.length > 0) {
    throw new Error(`no section has ${missing.map(({ name }) => name).join(", ")}`);
  }
  return text;
}

const intro = `# Configuration reference

Every field of a configuration and every option of an instance. This page is written from the doc comments of the types (\`npm run docs\`), so your editor shows the same texts.

A configuration is plain data. It may be changed in place; a change takes effect with the next call. \`parseEndpointConfig(value)\` checks a configuration from JSON, a file or a database, and returns it with its type, or throws all its mistakes at once; \`parseEndpointConfigs\` does the same for a file of many. With \`{ variables: process.env }\` they fill in \`\${NAME}\`. In JSON, \`"$schema": "./node_modules/endpoint-security/schema.json"\` gives your editor completion and checks, for one configuration and for a file of many; in YAML, \`# yaml-language-server: $schema=./node_modules/endpoint-security/schema.json\`. A \`Secret\` is a string, or a function that returns one and may be async.`;

function plain(text: string): string {
  return text
    .replaceAll(/\s*\n\s*/g, " ")
    .replaceAll(/\{@link (\w+)\}/g, "`$1`")
    .replaceAll("|", "\\|")
    .trim();
}

function code(text: string): string {
  return `\`${text
    .replaceAll(/\s*\n\s*/g, " ")
    .replaceAll("|", "\\|")
    .replace(/^\\\| /, "")
    .trim()}\``;
}

/** Values are code, sentences are not. */
function presetOf(text: string): string {
  return /^[\w."[\]{}]+$/.test(text) ? code(text) : plain(text);
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(page, configurationReference());
