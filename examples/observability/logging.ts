import type { EndpointSecurity } from "endpoint-security";
import type { Logger } from "pino";

/** Every event as a line of the log. Nothing in an event is secret. */
export function logEvents(security: EndpointSecurity, logger: Logger): () => void {
  const log = logger.child({ component: "endpoint-security" });
  const warnings = /Failed|Rejected|Mismatch|Lost|coolDown|scopeReduced/;
  return security.onAny((name, event) => {
    const { error, ...fields } = { error: undefined, ...event };
    if (error !== undefined) log.warn({ ...fields, code: error.code }, error.message);
    else if (warnings.test(name)) log.warn(fields, name);
    else log.debug(fields, name);
  });
}
