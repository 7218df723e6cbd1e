import { type Check, credentialOrEmpty, credentialThat } from "../checks/check.ts";
import { commonFields, typeField } from "./common-fields.ts";
import type { DigestEndpointConfig } from "./endpoint-config.ts";
import type { FieldTable } from "./field-table.ts";

/** Anything that a quoted string can hold: all but control characters. */
export const digestUserName: Check = (value, path, problems) => {
  if (/\p{Cc}/u.test(String(value))) {
    const problem = "has characters that a header can't carry";
    problems.add(path, problem, "use a user name without control characters");
  }
};

export const digestFields = {
  ...commonFields,
  type: typeField,
  username: { check: credentialThat(digestUserName, { mayBeEmpty: true }) },
  password: { check: credentialOrEmpty },
} satisfies FieldTable<Omit<DigestEndpointConfig, "grantType">>;
