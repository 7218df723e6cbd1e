import { clientAuthenticationChecks, isByCertificate } from "./client-authentication-fields.ts";
import { dpop } from "./dpop-key.ts";
import type { OwnGrantStrategy } from "./grant-strategy.ts";
import {
  type Check,
  credential,
  credentialThat,
  flag,
  headerName,
  headerValue,
  isRecord,
  milliseconds,
  optional,
  type Problems,
  text,
  textOrList,
} from "./problems.ts";
import { kindOf } from "./secrets.ts";
import { transport } from "./transport-fields.ts";
import { backendUrl, issuerUrl, originUrl, tokenEndpointUrl } from "./url-rules.ts";

/** Each field of each type of endpoint, and what it has to be. */

const commonChecks: Readonly<Record<string, Check>> = {
  type: () => {},
  name: optional(text),
  url: optional(backendUrl),
  transport: transport(),
};

export const basicChecks: Readonly<Record<string, Check>> = {
  ...commonChecks,
  username: credentialThat(basicUserName),
  password: credential,
};

export const digestChecks: Readonly<Record<string, Check>> = {
  ...commonChecks,
  username: credentialThat(digestUserName),
  password: credential,
};

export const apiKeyChecks: Readonly<Record<string, Check>> = {
  ...commonChecks,
  headerName,
  apiKey: credentialThat(headerValue),
};

/** @see https://www.rfc-editor.org/rfc/rfc7617#section-2 */
export function basicUserName(value: unknown, path: string, problems: Problems): void {
  if (String(value).includes(":")) {
    const problem = "holds a colon, which ends the user name on the wire";
    problems.add(path, problem, "use a user name without one");
  }
}

/** Anything that a quoted string can hold: all but control characters. */
export function digestUserName(value: unknown, path: string, problems: Problems): void {
  if (/\p{Cc}/u.test(String(value))) {
    const problem = "holds characters that a header can't carry";
    problems.add(path, problem, "use a user name without control characters");
  }
}

/** Parameters that client authentication and the grant itself set. */
const reservedParameters = [
  "grant_type",
  "client_id",
  "client_secret",
  "client_assertion",
  "client_assertion_type",
];

/** Headers that the token request itself sets. */
const reservedHeaders = [
  "content-type",
  "content-length",
  "host",
  "connection",
  "transfer-encoding",
];

export function oauth2Checks(
  config: Readonly<Record<string, unknown>>,
  strategy: OwnGrantStrategy | undefined,
): Record<string, Check> {
  const method = config.tokenEndpointAuthMethod ?? "client_secret_basic";
  return {
    ...commonChecks,
    grantType: () => {},
    ...tokenEndpointChecks(config),
    clientId: text,
    ...clientAuthenticationChecks(config),
    scope: optional(textOrList),
    audience: optional(textOrList),
    resource: optional(textOrList),
    customParameters: optional(parameters(config, strategy)),
    customHeaders: optional(headers(method)),
    defaultLifetimeMs: optional(milliseconds(1)),
    expirySkewMs: optional(milliseconds(0)),
    refreshAhead: optional(refreshAheadShare),
    tokenRequestTimeoutMs: optional(milliseconds(1)),
    tokenRequestAttemptTimeoutMs: optional(milliseconds(1)),
    tokenRequestRetries: optional(count),
    coolDownMs: optional(milliseconds(0)),
    maxForcedRenewals: optional(count),
    forcedRenewalWindowMs: optional(milliseconds(1)),
    retryStatuses: optional(errorStatuses),
    retryFreshTokenMs: optional(milliseconds(0)),
    dpop: optional(dpop),
    transport: transport(isByCertificate(method)),
    allowInsecureRequests: optional(flag),
  };
}

/** Where tokens come from: exactly one of two fields says it. */
function tokenEndpointChecks(config: Readonly<Record<string, unknown>>): Record<string, Check> {
  const isInsecureAllowed = config.allowInsecureRequests === true;
  const both: Check = (_, path, problems) =>
    problems.add(path, "is given as well as tokenUrl", "keep one of them");
  const isDiscovered = config.issuer !== undefined && config.tokenUrl === undefined;
  return {
    tokenUrl: isDiscovered ? () => {} : tokenEndpointUrl(isInsecureAllowed),
    issuer: optional(isDiscovered ? issuerUrl(isInsecureAllowed) : both),
    allowedTokenEndpointOrigins: optional(isDiscovered ? origins : withoutIssuer),
  };
}

const withoutIssuer: Check = (_, path, problems) =>
  problems.add(path, "has no meaning without issuer", "leave it out");

const origins: Check = (value, path, problems) => {
  if (!Array.isArray(value)) {
    return problems.add(path, `is ${kindOf(value)}`, "give a list of origins");
  }
  for (const [index, item] of value.entries()) originUrl(item, `${path}[${index}]`, problems);
};

/** A share of a token's life, or false. */
export const refreshAheadShare: Check = (value, path, problems) => {
  if (value !== false && !(typeof value === "number" && value > 0 && value <= 1)) {
    problems.add(
      path,
      "is no share of a token's life",
      "give a number up to 1, such as 0.8, or false",
    );
  }
};

const count: Check = (value, path, problems) => {
  if (!Number.isInteger(value) || Number(value) < 0 || Number(value) > 100) {
    problems.add(path, "is no small whole number", "give a number from 0 to 100");
  }
};

const errorStatuses: Check = (value, path, problems) => {
  if (!Array.isArray(value)) {
    return problems.add(path, `is ${kindOf(value)}`, "give a list of statuses, such as [401, 419]");
  }
  for (const [index, status] of value.entries()) {
    if (!Number.isInteger(status) || status < 400 || status > 599) {
      problems.add(`${path}[${index}]`, "is no status of a refusal", "give one from 400 to 599");
    }
  }
};

function parameters(
  config: Readonly<Record<string, unknown>>,
  strategy: OwnGrantStrategy | undefined,
): Check {
  const reserved = new Set([...reservedParameters, ...(strategy?.parameterNames ?? [])]);
  return (value, path, problems) => {
    if (!isRecord(value)) {
      return problems.add(path, `is ${kindOf(value)}`, "give a record of name and value");
    }
    for (const [name, item] of Object.entries(value)) {
      const at = `${path}.${name}`;
      if (reserved.has(name)) {
        problems.add(at, "is a parameter that the grant sets itself", "use the field made for it");
      } else if (["scope", "audience", "resource"].includes(name) && config[name] !== undefined) {
        problems.add(at, `is given twice, here and as ${name}`, "keep one of them");
      } else if (Array.isArray(item)) {
        for (const [index, one] of item.entries()) {
          if (typeof one !== "string") {
            problems.add(`${at}[${index}]`, `is ${kindOf(one)}`, "give a string");
          }
        }
      } else if (item !== "") {
        text(item, at, problems);
      }
    }
  };
}

function headers(method: unknown): Check {
  const reserved =
    method === "client_secret_basic" ? [...reservedHeaders, "authorization"] : reservedHeaders;
  return (value, path, problems) => {
    if (!isRecord(value)) {
      return problems.add(path, `is ${kindOf(value)}`, "give a record of name and value");
    }
    const names = new Set<string>();
    for (const [name, item] of Object.entries(value)) {
      const at = `${path}.${name}`;
      if (names.has(name.toLowerCase())) {
        problems.add(at, "is given twice, in another spelling", "keep one of them");
      }
      names.add(name.toLowerCase());
      headerName(name, at, problems);
      if (reserved.includes(name.toLowerCase())) {
        problems.add(at, "is a header that the token request sets itself", "leave it out");
      }
      headerValue(item, at, problems);
    }
  };
}
