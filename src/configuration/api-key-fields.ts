import { type Check, credentialThat, headerName, headerValue, text } from "../checks/check.ts";
import { commonFields, typeField } from "./common-fields.ts";
import type { ApiKeyEndpointConfig } from "./endpoint-config.ts";
import type { FieldTable, GivenFields } from "./field-table.ts";

/** A header takes visible ASCII; a query takes anything. */
const key = ({ queryParameter }: GivenFields): Check =>
  credentialThat(queryParameter === undefined ? headerValue : () => {});

const headerOrParameter = ({ queryParameter }: GivenFields): Check =>
  queryParameter === undefined ? headerNameOf : notBoth;

const headerNameOf: Check = (value, path, problems) => {
  if (value !== undefined) return headerName(value, path, problems);
  problems.add(path, "is missing", 'set it, such as "X-API-Key", or set queryParameter');
};

const notBoth: Check = (value, path, problems) => {
  if (value !== undefined) {
    problems.add(path, "is set as well as queryParameter", "keep one of them");
  }
};

const parameterName: Check = (value, path, problems) => {
  if (value !== undefined) text(value, path, problems);
};

export const apiKeyFields = {
  ...commonFields,
  type: typeField,
  headerName: { checkWith: headerOrParameter },
  queryParameter: { check: parameterName },
  apiKey: { checkWith: key },
} satisfies FieldTable<DistributedOmit<ApiKeyEndpointConfig>>;

type DistributedOmit<Config> = Config extends unknown ? Omit<Config, "grantType"> : never;
