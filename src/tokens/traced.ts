import { tracingChannel } from "node:diagnostics_channel";

/** What a tracer is told of a token request. Nothing in it is secret. */
interface TracedTokenRequest {
  /** The endpoint's `name`, or its `url`. */
  readonly endpoint: string;
  readonly grantType: string;
  /** Why it is requested; see the event `tokenObtained`. */
  readonly trigger: "missing" | "ahead" | "rejected";
  /** Undefined where it has yet to be discovered. */
  readonly tokenUrl: string | undefined;
}

/**
 * Runs a token request within the tracing channel `endpoint-security:tokenRequest`.
 * @see https://nodejs.org/api/diagnostics_channel.html#class-tracingchannel
 */
export async function traced<T>(context: TracedTokenRequest, request: () => Promise<T>) {
  const channel = tracingChannel<unknown, object>("endpoint-security:tokenRequest");
  let result: { readonly value: T } | undefined;
  // The result is a token, which is no subscriber's business.
  await channel.tracePromise(async () => {
    result = { value: await request() };
  }, context);
  if (result === undefined) throw new Error("a tracer left out the token request");
  return (result as { readonly value: T }).value;
}
