/** A token request, as tracers see it. It holds no secret. */
export interface TracedRequest {
  /** The endpoint's `name`, or its `url`. */
  readonly endpoint: string;
  readonly grantType: string;
  /** Why it is requested; see the event `tokenObtained`. */
  readonly trigger: "missing" | "ahead" | "rejected";
  /** Undefined where it has yet to be discovered. */
  readonly tokenUrl: string | undefined;
}

/** Watches one instance. Every method is called in the asynchronous context of the caller it is about. */
export interface Tracer {
  /** The first caller without a token, for which one is looked for. @param endpoint its configuration, parsed */
  begins(endpoint: object): void;
  /** Another caller, who waits for the same. */
  joins(endpoint: object): void;
  /** The endpoint waits for a flight, which may end in a token request. @param flight its key */
  waits(flight: string, endpoint: object): void;
  /** The flight has landed, with a token from wherever, or without. */
  landed(flight: string): void;
  /** Runs a token request. */
  tokenRequest<T>(flight: string, request: TracedRequest, run: () => Promise<T>): Promise<T>;
  /** Runs an operation of the shared cache. */
  cacheOperation<T>(operation: string, run: () => Promise<T>): Promise<T>;
}

/** Who watches an instance at the moment. */
export interface Tracing {
  tracer: Tracer | undefined;
}

/** An instance that nobody watches yet. */
export function untraced(): Tracing {
  return { tracer: undefined };
}
