import { type MeterProvider, metrics, type TracerProvider, trace } from "@opentelemetry/api";
import type { EndpointSecurity } from "./endpoint-security.ts";
import { InstanceMetrics } from "./opentelemetry/metrics.ts";
import { SpanTracer } from "./opentelemetry/span-tracer.ts";

/** Options of {@link instrument}. */
export interface InstrumentOptions {
  /** @default the global one of `@opentelemetry/api` */
  readonly meterProvider?: MeterProvider | undefined;
  /** @default the global one of `@opentelemetry/api` */
  readonly tracerProvider?: TracerProvider | undefined;
}

const scope = "endpoint-security";

/**
 * Reports an instance to OpenTelemetry: metrics of tokens and caches, and spans around token requests and
 * operations of the shared cache. A call that gets its token from memory makes no span. No metric and no span
 * holds a secret, and attributes name endpoints by their `name` alone.
 *
 * Spans of the HTTP requests themselves come from the HTTP instrumentation.
 * Call it once for an instance: of several calls, the last one makes the spans.
 * @returns a function that ends the reporting
 * @example
 * ```ts
 * const security = new EndpointSecurity();
 * const stop = instrument(security);
 * ```
 */
export function instrument(
  security: Pick<EndpointSecurity, "on" | "endpoints"> & object,
  {
    meterProvider = metrics.getMeterProvider(),
    tracerProvider = trace.getTracerProvider(),
  }: InstrumentOptions = {},
): () => void {
  // Whatever its own grants are.
  const instance = security as EndpointSecurity;
  const watch = instance.watch(new SpanTracer(tracerProvider.getTracer(scope)));
  const reported = new InstanceMetrics(meterProvider.getMeter(scope), instance, watch.memoryHits);
  return () => {
    watch.end();
    reported.end();
  };
}
