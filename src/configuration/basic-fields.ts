import { type Check, credentialOrEmpty, credentialThat } from "../checks/check.ts";
import { commonFields, typeField } from "./common-fields.ts";
import type { BasicEndpointConfig } from "./endpoint-config.ts";
import type { FieldTable } from "./field-table.ts";

/** @see https://www.rfc-editor.org/rfc/rfc7617#section-2 */
export const basicUserName: Check = (value, path, problems) => {
  if (String(value).includes(":")) {
    const problem = "has a colon, which would end the user name in the header";
    problems.add(path, problem, "use a user name without one");
  }
};

export const basicFields = {
  ...commonFields,
  type: typeField,
  username: { check: credentialThat(basicUserName, { mayBeEmpty: true }) },
  password: { check: credentialOrEmpty },
} satisfies FieldTable<Omit<BasicEndpointConfig, "grantType">>;
