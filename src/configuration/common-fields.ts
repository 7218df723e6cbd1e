import { optional, text } from "../checks/check.ts";
import { backendUrl } from "../checks/url-checks.ts";
import type { CommonFields } from "./common-config.ts";
import type { FieldTable } from "./field-table.ts";
import { transport } from "./transport-fields.ts";

/** The fields of every type of endpoint. What of `transport` changes the token is in its identity apart. */
export const commonFields = {
  name: { check: optional(text), inIdentity: false },
  url: { check: optional(backendUrl), inIdentity: false },
  transport: { check: transport(), inIdentity: false },
} satisfies FieldTable<CommonFields>;

/** `type` chooses the table, so it is checked before. */
export const typeField = {};
