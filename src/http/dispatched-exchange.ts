import { stringify } from "node:querystring";
import type { Dispatcher } from "undici";
import type { Headers } from "./authenticator.ts";
import type { Door } from "./authorised-fetch.ts";
import { bodyBytes } from "./body-bytes.ts";
import { isRefusal, sendAuthorised } from "./replay.ts";

type Controller = Dispatcher.DispatchController;
type Handler = Dispatcher.DispatchHandler;
type Options = Dispatcher.DispatchOptions;
type ResponseHeaders = Parameters<NonNullable<Handler["onResponseStart"]>>[2];

/** A response as it began. One that is a refusal is held back until it is known what becomes of it. */
interface Answer {
  readonly attempt: Attempt;
  readonly status: number;
  readonly headers: ResponseHeaders;
}

/** Enough for a refusal; one that says more is cut off, and its connection with it. */
const mostDiscardedBytes = 64 * 1024;

/** One request of undici's, which is sent once or twice, and looks like one to whoever made it. */
export class DispatchedExchange {
  readonly #dispatch: Dispatcher.Dispatch;
  readonly #options: Options;
  readonly #handler: Handler;
  readonly #controller = new LastingController();

  constructor(dispatch: Dispatcher.Dispatch, options: Options, handler: Handler) {
    this.#dispatch = dispatch;
    this.#options = options;
    this.#handler = handler;
  }

  /** Tells the handler of everything, failures too. */
  async run(open: () => Door): Promise<void> {
    // Before any credentials are there, so that the caller can let go of the wait for them.
    this.#handler.onRequestStart?.(this.#controller, undefined);
    try {
      const { attempt } = await this.#exchange(open());
      attempt.deliver();
    } catch (error) {
      this.#handler.onResponseError?.(this.#controller, error as Error);
    }
  }

  async #exchange(door: Door): Promise<Answer> {
    const { authenticator, destination, refused, accepted, route } = door;
    const options = this.#options;
    const { body } = options;
    const asked = addressOf(options);
    if (asked === undefined) throw destination.refusal("an address without an origin");
    const { origin, pathname, search, href } = new URL(destination.resolve(asked));
    // Sent as it was looked at: undici would take a path with dots in it as it is.
    const { query: _, ...rest } = options;
    const checked = { ...rest, origin, path: pathname + search };
    // Tokens may be bound to the certificate that is shown.
    if (route !== undefined) await route.transport();
    const isRefused = (status: number) => isRefusal(authenticator, status);
    return sendAuthorised<Answer>(authenticator, {
      options: {
        request: { method: options.method, url: href },
        signal: this.#controller.signal,
        isWrapped: true,
        body: () => bodyBytes(body),
      },
      send: async (credentials) => {
        const request = { ...checked, headers: headersWith(options.headers, credentials) };
        return this.#send(request, await route?.dispatcher(), isRefused);
      },
      status: ({ status }) => status,
      header: ({ headers }, name) => joined(headers[name]),
      again: async ({ attempt }) => {
        if (!isReplayable(body)) return false;
        attempt.discard();
        // The certificate may be what was refused.
        await route?.transport({ isOld: true });
        return true;
      },
      refused,
      accepted,
    });
  }

  #send(
    options: Options,
    own: Dispatcher | undefined,
    isRefused: (status: number) => boolean,
  ): Promise<Answer> {
    this.#controller.signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const attempt = new Attempt(this.#handler, this.#controller, isRefused, resolve, reject);
      if (own === undefined) this.#dispatch(options, attempt);
      else own.dispatch(options, attempt);
    });
  }
}

/** What the caller's handler holds, however often the request is sent. */
class LastingController implements Controller {
  readonly #letGo = new AbortController();
  #target: Controller | undefined;
  #isPaused = false;

  get signal(): AbortSignal {
    return this.#letGo.signal;
  }

  /** The controller of the request that is under way. */
  set target(target: Controller) {
    this.#target = target;
    if (this.aborted) target.abort(this.#letGo.signal.reason);
  }

  get aborted(): boolean {
    return this.#letGo.signal.aborted;
  }

  get reason(): Error | null {
    return this.aborted ? this.#letGo.signal.reason : null;
  }

  get paused(): boolean {
    return this.#isPaused;
  }

  get rawHeaders(): NonNullable<Controller["rawHeaders"]> | null {
    return this.#target?.rawHeaders ?? null;
  }

  get rawTrailers(): NonNullable<Controller["rawTrailers"]> | null {
    return this.#target?.rawTrailers ?? null;
  }

  abort(reason: Error): void {
    this.#letGo.abort(reason);
    this.#target?.abort(reason);
  }

  pause(): void {
    this.#isPaused = true;
    this.#target?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#target?.resume();
  }
}

/** The request as it is sent once. */
class Attempt implements Handler {
  readonly #handler: Handler;
  readonly #lasting: LastingController;
  readonly #isRefused: (status: number) => boolean;
  readonly #begun: (answer: Answer) => void;
  readonly #failed: (error: Error) => void;
  #own: Controller | undefined;
  /** What is held back of a refusal; some dispatchers don't stop when they are asked to. */
  #held: (() => void)[] | undefined;
  #state: "waiting" | "delivered" | "discarded" = "waiting";
  #discardedBytes = 0;

  constructor(
    handler: Handler,
    lasting: LastingController,
    isRefused: (status: number) => boolean,
    begun: (answer: Answer) => void,
    failed: (error: Error) => void,
  ) {
    this.#handler = handler;
    this.#lasting = lasting;
    this.#isRefused = isRefused;
    this.#begun = begun;
    this.#failed = failed;
  }

  onRequestStart(controller: Controller): void {
    this.#own = controller;
    this.#lasting.target = controller;
  }

  onRequestUpgrade: NonNullable<Handler["onRequestUpgrade"]> = (_, status, headers, socket) => {
    this.#state = "delivered";
    this.#handler.onRequestUpgrade?.(this.#lasting, status, headers, socket);
    this.#begun({ attempt: this, status, headers });
  };

  onResponseStart(
    controller: Controller,
    status: number,
    headers: ResponseHeaders,
    text?: string,
  ): void {
    const pass = () => this.#handler.onResponseStart?.(this.#lasting, status, headers, text);
    // Early hints and the like come before the response.
    if (status < 200) {
      pass();
      return;
    }
    if (status >= 400 && this.#isRefused(status)) {
      controller.pause();
      this.#held = [pass];
    } else {
      this.#state = "delivered";
      pass();
    }
    this.#begun({ attempt: this, status, headers });
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (this.#state === "discarded") {
      this.#discardedBytes += chunk.length;
      if (this.#discardedBytes > mostDiscardedBytes) controller.abort(new Error("not read"));
      return;
    }
    this.#pass(() => this.#handler.onResponseData?.(this.#lasting, chunk));
  }

  onResponseEnd: NonNullable<Handler["onResponseEnd"]> = (_, trailers) => {
    this.#pass(() => this.#handler.onResponseEnd?.(this.#lasting, trailers));
  };

  onResponseError(_: Controller, error: Error): void {
    if (this.#state === "waiting" && this.#held === undefined) this.#failed(error);
    else this.#pass(() => this.#handler.onResponseError?.(this.#lasting, error));
  }

  /** Hands on what was held back, and all that follows. */
  deliver(): void {
    const held = this.#held;
    if (held === undefined) return;
    this.#state = "delivered";
    this.#held = undefined;
    for (const pass of held) pass();
    if (!this.#lasting.paused) this.#own?.resume();
  }

  /** Nobody reads this response. It is read to its end all the same, so that its connection serves again. */
  discard(): void {
    this.#state = "discarded";
    this.#held = undefined;
    this.#own?.resume();
  }

  #pass(pass: () => void): void {
    if (this.#held !== undefined) this.#held.push(pass);
    else if (this.#state === "delivered") pass();
  }
}

/** The URL that undici would ask for; undefined where only the dispatcher knows its origin. */
function addressOf({ origin, path, query }: Options): string | undefined {
  if (origin === undefined) return undefined;
  const text = query && !path.includes("?") ? stringify(query) : "";
  return `${new URL(origin).origin}${path}${text === "" ? "" : `?${text}`}`;
}

/** The caller's headers with the credentials, in the flat form that undici takes. */
function headersWith(given: Options["headers"], credentials: Headers): string[] {
  const names = new Set(Object.keys(credentials).map((name) => name.toLowerCase()));
  const kept = entriesOf(given).filter(([name]) => !names.has(name.toLowerCase()));
  // The values of one name may be a list; undici takes that, though its types don't tell.
  return [...kept, ...Object.entries(credentials)].flatMap(([name, value]) => [
    name,
    value as string,
  ]);
}

function entriesOf(given: Options["headers"]): (readonly [string, unknown])[] {
  if (given === undefined || given === null) return [];
  if (Array.isArray(given) && !Array.isArray(given[0])) {
    const entries: (readonly [string, unknown])[] = [];
    for (let index = 0; index < given.length; index += 2) {
      entries.push([String(given[index]), given[index + 1]]);
    }
    return entries;
  }
  if (Symbol.iterator in given) return [...(given as Iterable<readonly [string, unknown]>)];
  return Object.entries(given).filter(([, value]) => value !== undefined);
}

function joined(value: string | string[] | undefined): string | null {
  return Array.isArray(value) ? value.join(", ") : (value ?? null);
}

/** Bodies that undici reads from the value itself, as often as it is sent. */
function isReplayable(body: unknown): boolean {
  return (
    body === undefined ||
    body === null ||
    typeof body === "string" ||
    body instanceof ArrayBuffer ||
    ArrayBuffer.isView(body) ||
    body instanceof Blob ||
    Object.prototype.toString.call(body) === "[object FormData]"
  );
}
