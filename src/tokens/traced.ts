import { tracingChannel } from "node:diagnostics_channel";

/** The context of a traced token request. It holds no secret. */
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
  // Subscribers must not get the token, which is the result.
  await channel.tracePromise(async () => {
    result = { value: await request() };
  }, context);
  if (result === undefined) throw new Error("the token request was not run");
  return (result as { readonly value: T }).value;
}
