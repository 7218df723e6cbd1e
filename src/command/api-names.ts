import type { ApiDefinitionImport } from "../wso2.ts";

/** The API's name, as its endpoints have it. */
export function titleOf({ production, sandbox }: ApiDefinitionImport): string {
  return production?.name ?? sandbox?.name?.replace(/ sandbox$/, "") ?? "api";
}

/** `Orders API` as a name in code: `ordersApi`. */
export function identifier(title: string): string {
  const words = title.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
  const [first = "api", ...others] = words.map(
    (word) => word.charAt(0).toUpperCase() + word.slice(1),
  );
  const name = first.charAt(0).toLowerCase() + first.slice(1) + others.join("");
  return /^\d/.test(name) ? `api${name}` : name;
}
