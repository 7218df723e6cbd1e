import { tracingChannel } from "node:diagnostics_channel";
import type { TracedRequest } from "../tracing.ts";

/**
 * Runs a token request within the tracing channel `endpoint-security:tokenRequest`.
 * @see https://nodejs.org/api/diagnostics_channel.html#class-tracingchannel
 */
export async function traced<T>(context: TracedRequest, request: () => Promise<T>) {
  const channel = tracingChannel<unknown, object>("endpoint-security:tokenRequest");
  let result: { readonly value: T } | undefined;
  // Subscribers must not get the token, which is the result.
  await channel.tracePromise(async () => {
    result = { value: await request() };
  }, context);
  if (result === undefined) throw new Error("the token request was not run");
  return (result as { readonly value: T }).value;
}
