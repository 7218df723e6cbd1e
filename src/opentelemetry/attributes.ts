import type { Attributes } from "@opentelemetry/api";

/** The names of attributes that OpenTelemetry has no convention for. */
export const attribute = {
  endpoint: "endpoint_security.endpoint",
  grantType: "endpoint_security.grant_type",
  trigger: "endpoint_security.trigger",
  outcome: "endpoint_security.outcome",
  cacheLevel: "endpoint_security.cache.level",
  cacheOperation: "endpoint_security.cache.operation",
  reason: "endpoint_security.reason",
  replayed: "endpoint_security.replayed",
  state: "endpoint_security.state",
} as const;

/** An endpoint's `name`, or `unnamed`: labels of endpoints without a name are URLs, and a metric takes few values. */
export function endpointName(label: string): string {
  return label.includes("://") ? "unnamed" : label;
}

/**
 * The server that a URL names.
 * @see https://opentelemetry.io/docs/specs/semconv/registry/attributes/server/
 */
export function serverOf(url: string | undefined): Attributes {
  if (url === undefined || !URL.canParse(url)) return {};
  const { hostname, port, protocol } = new URL(url);
  const usual = protocol === "https:" ? 443 : 80;
  return { "server.address": hostname, "server.port": port === "" ? usual : Number(port) };
}

/**
 * A low-cardinality name of an error.
 * @see https://opentelemetry.io/docs/specs/semconv/registry/attributes/error/
 */
export function errorType(error: unknown): string {
  const code: unknown = Reflect.get(Object(error), "code");
  if (typeof code === "string") return code;
  return error instanceof Error ? error.name : "_OTHER";
}
