interface ScriptedResponse {
  status: number;
  body: unknown;
  headers: Record<string, string>;
}

/** Answers decided in advance, which the next requests get whatever they ask for. */
export class ScriptedResponses {
  #queue: { remaining: number; response: ScriptedResponse }[] = [];

  /** `times` may be Infinity: an endpoint that fails for good. */
  push(times: number, response: ScriptedResponse): void {
    if (times > 0) this.#queue.push({ remaining: times, response });
  }

  clear(): void {
    this.#queue = [];
  }

  take(): ScriptedResponse | undefined {
    const next = this.#queue[0];
    if (next === undefined) return undefined;
    next.remaining -= 1;
    if (next.remaining <= 0) this.#queue.shift();
    return next.response;
  }
}
