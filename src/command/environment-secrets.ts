import { variableName } from "../wso2/secrets.ts";

const start = "ENDPOINT_SECURITY_SECRET_";
const end = "_SECRET_END";
const placeholder = new RegExp(`${start}([A-Z0-9_]+?)${end}`, "g");

/** Puts a placeholder in place of every secret: the module that is written reads it from the environment. */
export class EnvironmentPlaceholders {
  /** The variables, by what they are for. */
  readonly variables = new Map<string, string>();

  /** @param prefix the API's; "" for none */
  of(prefix: string): (path: string) => string {
    return (path) => {
      const name = variableName(prefix === "" ? path : `${prefix}.${path}`);
      this.variables.set(name, path);
      return `${start}${name}${end}`;
    };
  }
}

/** A text with `${NAME}` in place of each placeholder, as in JSON and YAML. */
export function withReferences(text: string): string {
  return text.replaceAll(placeholder, (_, name: string) => `\${${name}}`);
}

/** A text with placeholders as a TypeScript expression; undefined if it has none. */
export function expressionOf(text: string, isUrl: boolean): string | undefined {
  const parts = text.split(placeholder);
  if (parts.length === 1) return undefined;
  const [before = "", name = "", after = ""] = parts;
  if (before === "" && after === "" && parts.length === 3) return `process.env.${name} ?? ""`;
  const written = parts.map((part, index) => {
    if (index % 2 === 0) return part.replaceAll(/[`\\$]/g, "\\$&");
    const read = `process.env.${part} ?? ""`;
    return isUrl ? `\${encodeURIComponent(${read})}` : `\${${read}}`;
  });
  return `\`${written.join("")}\``;
}
