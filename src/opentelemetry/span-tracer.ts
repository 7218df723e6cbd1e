import {
  context,
  type Link,
  type Span,
  type SpanContext,
  SpanStatusCode,
  type Tracer as Spans,
  trace,
} from "@opentelemetry/api";
import type { TracedRequest, Tracer } from "../tracing.ts";
import { attribute, endpointName, errorType, serverOf } from "./attributes.ts";

/** More links than anybody looks at; the OpenTelemetry SDK keeps 128. */
const mostLinks = 128;

/** Those who wait for one token request, or for what makes it unnecessary. */
interface Flight {
  readonly callers: SpanContext[];
  readonly endpoints: Set<object>;
  span: Span | undefined;
}

/** Makes spans of token requests and of operations of the shared cache. */
export class SpanTracer implements Tracer {
  readonly #spans: Spans;
  readonly #flights = new Map<string, Flight>();
  /** The flight that an endpoint waits for; before it has begun, one of its own. */
  readonly #byEndpoint = new WeakMap<object, Flight>();

  constructor(spans: Spans) {
    this.#spans = spans;
  }

  begins(endpoint: object): void {
    this.#byEndpoint.set(endpoint, newFlight());
  }

  joins(endpoint: object): void {
    const flight = this.#byEndpoint.get(endpoint);
    if (flight !== undefined) addActiveSpan(flight);
  }

  waits(key: string, endpoint: object): void {
    const flight = this.#flights.get(key) ?? newFlight();
    this.#flights.set(key, flight);
    const early = this.#byEndpoint.get(endpoint);
    addActiveSpan(flight);
    if (early !== undefined && early !== flight) {
      for (const caller of early.callers) add(flight, caller);
    }
    this.#byEndpoint.set(endpoint, flight);
    flight.endpoints.add(endpoint);
  }

  landed(key: string): void {
    for (const endpoint of this.#flights.get(key)?.endpoints ?? []) {
      this.#byEndpoint.delete(endpoint);
    }
    this.#flights.delete(key);
  }

  async tokenRequest<T>(
    key: string,
    { endpoint, grantType, trigger, tokenUrl }: TracedRequest,
    run: () => Promise<T>,
  ): Promise<T> {
    const flight = this.#flights.get(key);
    // Nobody waits for a renewal ahead of time, so it belongs to no caller's trace.
    const root = trigger === "ahead";
    const span = this.#spans.startSpan("endpoint_security.token_request", {
      root,
      links: linksTo(flight?.callers ?? [], root ? undefined : trace.getActiveSpan()),
      attributes: {
        [attribute.endpoint]: endpointName(endpoint),
        [attribute.grantType]: grantType,
        [attribute.trigger]: trigger,
        ...serverOf(tokenUrl),
      },
    });
    if (flight !== undefined) flight.span = span;
    return within(span, run);
  }

  cacheOperation<T>(operation: string, run: () => Promise<T>): Promise<T> {
    const span = this.#spans.startSpan(`endpoint_security.cache ${operation}`, {
      attributes: { [attribute.cacheOperation]: operation },
    });
    return within(span, run);
  }
}

function newFlight(): Flight {
  return { callers: [], endpoints: new Set(), span: undefined };
}

function addActiveSpan(flight: Flight): void {
  const caller = trace.getActiveSpan()?.spanContext();
  if (caller !== undefined) add(flight, caller);
}

function add(flight: Flight, caller: SpanContext): void {
  if (flight.callers.length >= mostLinks) return;
  flight.callers.push(caller);
  flight.span?.addLink({ context: caller });
}

/** The parent needs no link. */
function linksTo(callers: readonly SpanContext[], parent: Span | undefined): Link[] {
  const parentId = parent?.spanContext().spanId;
  return callers.filter(({ spanId }) => spanId !== parentId).map((caller) => ({ context: caller }));
}

async function within<T>(span: Span, run: () => Promise<T>): Promise<T> {
  try {
    return await context.with(trace.setSpan(context.active(), span), run);
  } catch (error) {
    span.setAttribute("error.type", errorType(error));
    span.setStatus({ code: SpanStatusCode.ERROR });
    throw error;
  } finally {
    span.end();
  }
}
