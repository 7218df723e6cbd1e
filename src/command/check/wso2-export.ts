import { fromApiDefinition } from "../../wso2.ts";
import { identifier, titleOf } from "../api-names.ts";
import { EnvironmentPlaceholders, withReferences } from "../environment-secrets.ts";
import type { WrittenEndpoint } from "./loaded-file.ts";

/**
 * The endpoints of an API definition. Secrets that the export doesn't hold come from the same variables as
 * in the module that `import wso2` writes.
 */
export function readExport(document: object): readonly WrittenEndpoint[] {
  const title = titleOf(fromApiDefinition(document, { secrets: () => "any" }));
  const secrets = new EnvironmentPlaceholders().of(identifier(title));
  const { production, sandbox } = fromApiDefinition(document, { secrets });
  return [production, sandbox].flatMap((config) => {
    if (config === undefined) return [];
    const written: unknown = JSON.parse(withReferences(JSON.stringify(config)));
    return [{ name: config.name ?? title, config: written }];
  });
}
