import { expressionOf } from "./environment-secrets.ts";

/** Fields that take a function, which reads the secret when it is needed. */
const secretFields = new Set([
  "clientSecret",
  "password",
  "username",
  "apiKey",
  "token",
  "clientPrivateKey",
]);
const longestLine = 80;

/** One exported constant. */
export interface Constant {
  readonly name: string;
  readonly comment: string;
  /** Configurations by stage, or one. */
  readonly value: object;
  /** After the value: `satisfies BackendConfig`. */
  readonly type: string;
  /** Whether `value` holds several of that type. */
  readonly isMany: boolean;
}

/** The whole module, as a formatter would leave it. @param command the one that writes it */
export function moduleText(constants: readonly Constant[], command: string): string {
  const used = new Set(constants.map(({ type }) => type));
  const main = ["BackendConfig", "EndpointConfig", "EndpointSecurityOptions"].filter((type) =>
    used.has(type),
  );
  const imports = [
    ...(main.length === 0 ? [] : [`import type { ${main.join(", ")} } from "endpoint-security";`]),
    ...(used.has("RedisCacheOptions")
      ? ['import type { RedisCacheOptions } from "endpoint-security/redis";']
      : []),
  ];
  const head = `// Written by \`npx endpoint-security ${command}\`. Secrets come from the environment: see .env.example.`;
  return `${[`${head}\n${imports.join("\n")}`, ...constants.map(constantText)].join("\n\n")}\n`;
}

function constantText({ name, comment, value, type, isMany }: Constant): string {
  const suffix = ` satisfies ${type}`;
  const text = isMany
    ? `{\n${Object.entries(value)
        .map(([stage, one]) => `  ${stage}: ${valueText(one, 1, "")}${suffix},\n`)
        .join("")}}`
    : `${valueText(value, 0, "")}${suffix}`;
  return `/** ${comment} */\nexport const ${name} = ${text};`;
}

function valueText(value: unknown, depth: number, field: string): string {
  if (typeof value === "string") return textOf(value, field);
  if (Array.isArray(value)) {
    const items = value.map((item) => valueText(item, depth + 1, ""));
    const line = `[${items.join(", ")}]`;
    return line.length + depth * 2 <= longestLine - 20 ? line : block("[", items, "]", depth);
  }
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).map(
      ([name, member]) => `${keyOf(name)}: ${valueText(member, depth + 1, name)}`,
    );
    return members.length === 0 ? "{}" : block("{", members, "}", depth);
  }
  return typeof value === "number" && field.endsWith("Ms") ? numberOf(value) : String(value);
}

function block(open: string, items: readonly string[], close: string, depth: number): string {
  const inside = "  ".repeat(depth + 1);
  return `${open}\n${items.map((item) => `${inside}${item},\n`).join("")}${"  ".repeat(depth)}${close}`;
}

function textOf(value: string, field: string): string {
  const expression = expressionOf(value, field === "proxy");
  if (expression === undefined) return JSON.stringify(value);
  return secretFields.has(field) ? `() => ${expression}` : expression;
}

const keyOf = (name: string) => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name));

/** As people write large numbers. */
function numberOf(value: number): string {
  return Number.isInteger(value)
    ? value.toString().replaceAll(/\B(?=(\d{3})+$)/g, "_")
    : String(value);
}
