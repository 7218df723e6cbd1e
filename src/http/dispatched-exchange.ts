import { stringify } from "node:querystring";
import type { Dispatcher } from "undici";
import type { Authenticator, CredentialHeaders } from "./authenticator.ts";
import type { BackendAccess } from "./authorised-fetch.ts";
import { bodyBytes } from "./body-bytes.ts";
import { withCookie } from "./credential-headers.ts";
import { type Answer, Attempt } from "./dispatched-attempt.ts";
import { LastingController } from "./lasting-controller.ts";
import { isRejection, sendAuthorised } from "./replay.ts";
import { isReplayable } from "./replayable-body.ts";

type Handler = Dispatcher.DispatchHandler;
type Options = Dispatcher.DispatchOptions;

/** One request of undici, which may be sent twice and looks like one to the caller. */
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

  /** Reports everything to the handler, failures too. @throws ConfigurationError with undici 6 */
  async run(open: () => BackendAccess): Promise<void> {
    // Before any credentials are there, so that the caller can abort the wait for them.
    this.#handler.onRequestStart?.(this.#controller, undefined);
    try {
      const access = open();
      this.#controller.limitTo(access.timeoutMs);
      const { attempt } = await this.#exchange(access);
      attempt.deliver();
    } catch (error) {
      this.#controller.finished();
      this.#handler.onResponseError?.(this.#controller, error as Error);
    }
  }

  async #exchange(access: BackendAccess): Promise<Answer> {
    const { authenticator, destination, rejected, accepted, hasAccepted, route } = access;
    const options = this.#options;
    const { body } = options;
    const asked = addressOf(options);
    if (asked === undefined)
      throw destination.refusal("an address without an origin", "its origin is unknown");
    const { origin, pathname, search, href } = new URL(destination.resolve(asked));
    // Sent as it was checked: undici would send a path with dots unchanged.
    const { query: _, ...rest } = options;
    const checked = {
      ...rest,
      origin,
      path: pathname + search,
      ...withoutResending(options, authenticator),
    };
    // Tokens may be bound to the certificate that is shown.
    if (route !== undefined) await route.transport();
    const isRejected = (status: number) => isRejection(authenticator, status);
    const given = entriesOf(options.headers);
    destination.checkHost(given.find(([name]) => name.toLowerCase() === "host")?.[1]);
    return sendAuthorised<Answer>(authenticator, {
      options: {
        request: { method: options.method, url: href },
        signal: this.#controller.signal,
        isWrapped: true,
        isReplayable: () => isReplayable(body),
        body: () => bodyBytes(body),
      },
      send: async (credentials) => {
        const { inUrl } = authenticator;
        const target = inUrl && new URL(await inUrl.addTo(href, this.#controller.signal));
        const path = target === undefined ? checked.path : target.pathname + target.search;
        const request = { ...checked, path, headers: headersWith(given, credentials) };
        return this.#send(request, await route?.dispatcher(), isRejected);
      },
      status: ({ status }) => status,
      header: ({ headers }, name) => joined(headers[name], name === "set-cookie" ? "\n" : ", "),
      again: async ({ attempt }) => {
        if (!isReplayable(body)) return false;
        attempt.discard();
        // The certificate may be the reason for the rejection.
        await route?.transport({ isOld: true });
        return true;
      },
      rejected,
      accepted,
      hasAccepted,
    });
  }

  #send(
    options: Options,
    own: Dispatcher | undefined,
    isRejected: (status: number) => boolean,
  ): Promise<Answer> {
    this.#controller.signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const attempt = new Attempt(this.#handler, this.#controller, isRejected, resolve, reject);
      if (own === undefined) this.#dispatch(options, attempt);
      else own.dispatch(options, attempt);
    });
  }
}

/** The URL that undici would ask for; undefined where only the dispatcher knows its origin. */
function addressOf({ origin, path, query }: Options): string | undefined {
  if (origin === undefined) return undefined;
  const text = query && !path.includes("?") ? stringify(query) : "";
  return `${new URL(origin).origin}${path}${text === "" ? "" : `?${text}`}`;
}

/** The caller's headers with the credentials, in the flat form that undici takes. */
function headersWith(
  given: readonly (readonly [string, unknown])[],
  credentials: CredentialHeaders,
): string[] {
  const names = new Set(Object.keys(credentials).map((name) => name.toLowerCase()));
  const kept = given.filter(([name]) => !names.has(name.toLowerCase()));
  // The values of one name may be a list; undici takes that, though its types don't tell.
  const [, cookie] = given.find(([name]) => name.toLowerCase() === "cookie") ?? [];
  const own = withCookie(typeof cookie === "string" ? cookie : undefined, credentials);
  return [...kept, ...Object.entries(own)].flatMap(([name, value]) => [name, value as string]);
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

function joined(value: string | string[] | undefined, separator: string): string | null {
  return Array.isArray(value) ? value.join(separator) : (value ?? null);
}

/**
 * What keeps interceptors below this one from sending the credentials again by themselves: undici's
 * own redirect handler would take them to wherever a redirect leads, and its retry handler would
 * repeat a proof that is for one request. Composed above this one, both come by here again.
 */
function withoutResending(options: Options, { redirected, provesEachRequest }: Authenticator) {
  const isForOneRequest = redirected !== undefined || provesEachRequest === true;
  const retryOptions = { ...Reflect.get(options, "retryOptions"), maxRetries: 0 };
  return { maxRedirections: 0, ...(isForOneRequest && { retryOptions }) };
}
