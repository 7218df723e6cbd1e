import {
  type Check,
  flag,
  headerName,
  headerValue,
  optional,
  type Problems,
  text,
  textOrList,
} from "../checks/check.ts";
import { isRecord, mustBe } from "../checks/kinds.ts";
import { issuerUrl, originUrl, tokenEndpointUrl } from "../checks/url-checks.ts";
import { dpop } from "../credentials/dpop-key.ts";
import type { ClientAuthentication } from "./client-authentication-config.ts";
import { authMethodOf, clientAuthenticationFields } from "./client-authentication-fields.ts";
import { commonFields, typeField } from "./common-fields.ts";
import type { FieldTable, GivenFields } from "./field-table.ts";
import type { OwnGrantStrategy } from "./grant-strategy.ts";
import type { OAuth2Fields, TokenEndpointFields } from "./oauth2-config.ts";
import { renewalGroup } from "./renewal-options.ts";
import { tokenRequestGroup, tokenRequestGroupOfBasic } from "./token-request-options.ts";

/** What an OAuth 2.0 endpoint has whatever its grant. */
export type OAuth2FieldsOfAnyGrant = OAuth2Fields &
  TokenEndpointFields &
  ClientAuthentication & { readonly grantType: string };

/** Parameters that client authentication and the grant itself set. */
const reservedParameters = [
  "grant_type",
  "client_id",
  "client_secret",
  "client_assertion",
  "client_assertion_type",
];

const withoutIssuer: Check = (_, path, problems) =>
  problems.add(path, "has no effect without issuer", "leave it out");

const origins: Check = (value, path, problems) => {
  if (!Array.isArray(value)) {
    return problems.add(path, mustBe("a list of origins", value), "set a list of origins");
  }
  for (const [index, item] of value.entries()) originUrl(item, `${path}[${index}]`, problems);
};

/** Every field of an OAuth 2.0 endpoint but those of its grant, which the grant strategy knows. */
export const oauth2Fields = {
  ...commonFields,
  ...clientAuthenticationFields,
  type: typeField,
  grantType: {},
  tokenUrl: {
    checkWith: (given) => (isDiscovered(given) ? () => {} : tokenEndpointUrl(isHttpAllowed(given))),
  },
  issuer: {
    checkWith: (given) =>
      optional(isDiscovered(given) ? issuerUrl(isHttpAllowed(given)) : issuerAndTokenUrl),
  },
  allowedTokenEndpointOrigins: {
    checkWith: (given) => optional(isDiscovered(given) ? origins : withoutIssuer),
    default: [],
  },
  clientId: { check: text },
  scope: { check: optional(textOrList) },
  audience: { check: optional(textOrList) },
  resource: { check: optional(textOrList) },
  customParameters: { checkWith: (given, strategy) => optional(parameters(given, strategy)) },
  tokenRequest: {
    checkWith: (given) =>
      authMethodOf(given) === "client_secret_basic" ? tokenRequestGroupOfBasic : tokenRequestGroup,
  },
  renewal: { check: renewalGroup },
  dpop: { check: optional(dpop), default: false },
  headerName: { check: optional(headerName), default: "Authorization", inIdentity: false },
  headerPrefix: { check: optional(headerValue), inIdentity: false },
  allowInsecureRequests: { check: optional(flag), default: false },
} satisfies FieldTable<OAuth2FieldsOfAnyGrant>;

/** Where tokens come from: exactly one of two fields says it. */
function isDiscovered({ issuer, tokenUrl }: GivenFields): boolean {
  return issuer !== undefined && tokenUrl === undefined;
}

function isHttpAllowed({ allowInsecureRequests }: GivenFields): boolean {
  return allowInsecureRequests === true;
}

function issuerAndTokenUrl(_: unknown, path: string, problems: Problems): void {
  problems.add(path, "is set as well as tokenUrl", "keep one of them");
}

function parameters(config: GivenFields, strategy: OwnGrantStrategy | undefined): Check {
  const reserved = new Set([...reservedParameters, ...(strategy?.parameterNames ?? [])]);
  return (value, path, problems) => {
    if (!isRecord(value)) {
      return problems.add(path, mustBe("an object", value), "set an object with names and values");
    }
    for (const [name, item] of Object.entries(value)) {
      const at = `${path}.${name}`;
      if (reserved.has(name)) {
        problems.add(at, "is a parameter that the grant sets itself", "use its own field");
      } else if (["scope", "audience", "resource"].includes(name) && config[name] !== undefined) {
        problems.add(at, `is set twice, here and as ${name}`, "keep one of them");
      } else if (Array.isArray(item)) {
        for (const [index, one] of item.entries()) {
          if (typeof one !== "string") {
            problems.add(`${at}[${index}]`, mustBe("a string", one), "set a string");
          }
        }
      } else if (item !== "") {
        text(item, at, problems);
      }
    }
  };
}
