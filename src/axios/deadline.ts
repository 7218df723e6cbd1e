import axios, { type AxiosError, type InternalAxiosRequestConfig } from "axios";

/** What ends a caller's request, by whatever means the caller said so. */
export interface Deadline {
  /** Aborts with the error that axios itself would reject with. Undefined where nothing ends it. */
  readonly signal: AbortSignal | undefined;
  /** What is left of the time for everything, in milliseconds; 0 for no limit, as axios has it. */
  leftMs(): number;
  end(): void;
}

const none: Deadline = { signal: undefined, leftMs: () => 0, end: () => {} };

/** `timeout`, `signal` and `cancelToken` of a request, for the time before it is sent. */
export function deadlineOf(config: InternalAxiosRequestConfig, timeoutMs: number): Deadline {
  if (timeoutMs <= 0 && config.signal === undefined && config.cancelToken === undefined)
    return none;
  const controller = new AbortController();
  const start = performance.now();
  const cancelled = () => controller.abort(new axios.CanceledError(undefined, config));
  const { cancelToken, signal } = config;
  const byToken = (cancel: unknown) => controller.abort(cancel);
  cancelToken?.subscribe?.(byToken);
  if (signal?.aborted) cancelled();
  else signal?.addEventListener?.("abort", cancelled);
  const timer =
    timeoutMs > 0
      ? setTimeout(() => controller.abort(timeoutError(config, timeoutMs)), timeoutMs)
      : undefined;
  return {
    signal: controller.signal,
    // Never 0, which would mean no limit.
    leftMs: () => (timeoutMs > 0 ? Math.max(1, timeoutMs - (performance.now() - start)) : 0),
    end() {
      clearTimeout(timer);
      cancelToken?.unsubscribe?.(byToken);
      signal?.removeEventListener?.("abort", cancelled);
    },
  };
}

/** axios' own message for a request that took too long. */
export function timeoutMessage(config: InternalAxiosRequestConfig, timeoutMs: number): string {
  return config.timeoutErrorMessage || `timeout of ${timeoutMs}ms exceeded`;
}

function timeoutError(config: InternalAxiosRequestConfig, timeoutMs: number): AxiosError {
  const isClear = config.transitional?.clarifyTimeoutError === true;
  const code = isClear ? axios.AxiosError.ETIMEDOUT : axios.AxiosError.ECONNABORTED;
  return new axios.AxiosError(timeoutMessage(config, timeoutMs), code, config);
}
