import { isEndpointSecurityError } from "endpoint-security";
import { fromApiDefinition, fromDeploymentToml } from "endpoint-security/wso2";
import fc from "fast-check";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { anySecret, apiYaml, oauth, sample } from "./samples.ts";

const anyValue = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom(null, "", "true", "NONE", "OAUTH", "BASIC", -1, {}, [], oauth, '{"a":1}'),
);

/** The paths of everything in a file. */
function pathsOf(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== "object" || value === null) return [path];
  const children = Object.entries(value).flatMap(([name, child]) =>
    pathsOf(child, [...path, name]),
  );
  return [path, ...children];
}

/** The file with one value replaced. */
function changed(file: unknown, [name, ...rest]: readonly string[], value: unknown): unknown {
  if (name === undefined) return value;
  const copy = Array.isArray(file) ? [...file] : { ...(file as object) };
  Reflect.set(copy, name, changed(Reflect.get(copy, name), rest, value));
  return copy;
}

/** Either it is read, or a typed error says what is wrong. */
function readsOrSays(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    expect(isEndpointSecurityError(error), String(error)).toBe(true);
  }
}

const definitions = [
  apiYaml,
  sample("api-manager/params.yaml"),
  sample("api-platform/orders.yaml"),
  sample("api-platform/provider.yaml"),
].map((text) => parse(text) as unknown);

it("whatever stands in place of a value of an export, it is read, or the error says what is wrong", () => {
  const altered = fc
    .constantFrom(...definitions)
    .chain((file) =>
      fc
        .constantFrom(...pathsOf(file))
        .chain((path) => anyValue.map((value) => changed(file, path, value))),
    );
  fc.assert(
    fc.property(altered, (file) => {
      const options = { secrets: anySecret, environment: "local", variables: {} };
      readsOrSays(() => fromApiDefinition(file as object, options));
      readsOrSays(() => fromDeploymentToml(file as object, { secrets: anySecret }));
    }),
    { numRuns: 2_000 },
  );
});

it("a parameter may be called like a member of every object", () => {
  const customParameters: unknown = JSON.parse('{ "__proto__": "a", "constructor": "b" }');
  const endpointConfig = {
    production_endpoints: { url: "https://orders.example.com" },
    endpoint_security: { production: { ...oauth, customParameters } },
  };
  const { production } = fromApiDefinition({ data: { endpointConfig } });
  expect(JSON.stringify(production)).toContain(
    '"customParameters":{"__proto__":"a","constructor":"b"}',
  );
});
