import { credentialThat, headerName, headerValue, optional } from "../checks/check.ts";
import { commonFields, typeField } from "./common-fields.ts";
import type { BearerEndpointConfig } from "./endpoint-config.ts";
import type { FieldTable } from "./field-table.ts";

export const bearerFields = {
  ...commonFields,
  type: typeField,
  token: { check: credentialThat(headerValue) },
  headerName: { check: optional(headerName), default: "Authorization" },
  headerPrefix: { check: optional(headerValue), default: "Bearer" },
} satisfies FieldTable<Omit<BearerEndpointConfig, "grantType">>;
