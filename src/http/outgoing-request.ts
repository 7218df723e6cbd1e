import type { CredentialHeaders } from "./authenticator.ts";
import { bodyBytes } from "./body-bytes.ts";
import { withCredentials, withoutHeaders } from "./credential-headers.ts";
import type { Fetch, FetchInit, FetchInput, HeadersInit, RedirectMode } from "./fetch-types.ts";
import { isReplayable } from "./replayable-body.ts";
import { readSmallBody } from "./small-body.ts";

// Headers that describe a body, and headers for the endpoint only.
const ofTheBody = /^content-(encoding|language|location|type|length)$/i;
const ofTheEndpoint = /^(authorization|proxy-authorization|cookie|host)$/i;

/**
 * A fetch call in a form that can be sent more than once: again with another token, or to a
 * redirect's target. Bodies that are gone once read (streams) are sent once.
 */
export class OutgoingRequest {
  readonly signal: AbortSignal | undefined;
  /** What to do about redirects, as the caller wants it. */
  readonly redirect: RedirectMode;
  /** The Request that the caller made, until a redirect leads elsewhere. */
  #request: Request | undefined;
  readonly #init: FetchInit;
  #method: string;
  #headers: HeadersInit | undefined;
  #body: FetchInit["body"];
  #replayable: boolean;
  /** Of a Request's body, for a replay. */
  readonly #copy: Promise<Uint8Array<ArrayBuffer> | undefined> | undefined;

  /** @param deadline ends the request besides the caller's own signal. */
  constructor(input: FetchInput, init: FetchInit = {}, deadline?: AbortSignal) {
    const request = isRequest(input) ? input : undefined;
    this.#request = request;
    this.#init = init;
    // As fetch does: `init` overrides the Request, and a null stands for no signal.
    const own = init.signal === undefined ? request?.signal : init.signal;
    this.signal = own && deadline ? AbortSignal.any([own, deadline]) : (own ?? deadline);
    this.redirect = init.redirect ?? request?.redirect ?? "follow";
    this.#method = normalised(init.method ?? request?.method ?? "GET");
    this.#headers = repeatable(init.headers ?? request?.headers);
    this.#body = init.body;
    this.#replayable = init.body == null || isReplayable(init.body);
    if (init.body == null && request?.body != null) this.#copy = readSmallBody(request.clone());
  }

  /** Whether the body can be sent again, as far as that is known before it is sent. */
  get isReplayable(): boolean {
    return this.#replayable;
  }

  /** The caller's own `Host` header, where there is one. */
  get host(): string | null {
    return this.#headers === undefined ? null : new Headers(this.#headers).get("host");
  }

  get method(): string {
    return this.#method;
  }

  send(
    fetch: Fetch,
    url: string,
    redirect: RedirectMode,
    credentials?: CredentialHeaders,
  ): Promise<Response> {
    const init: FetchInit = { ...this.#init, redirect };
    if (this.signal !== undefined) init.signal = this.signal;
    // fetch is faster without it.
    if (this.#method !== "GET" || init.method !== undefined) init.method = this.#method;
    if (this.#body != null) init.body = this.#body;
    else delete init.body;
    const headers = credentials ? withCredentials(this.#headers, credentials) : this.#headers;
    if (headers !== undefined) init.headers = headers;
    if (this.#request !== undefined) {
      // By its own class: it may be of another undici than the global fetch is.
      const Same = this.#request.constructor as typeof Request;
      return fetch(
        url === this.#request.url
          ? new Same(this.#request, init)
          : new Same(url, { ...attributesOf(this.#request), ...init }),
      );
    }
    return fetch(url, init);
  }

  /** What the body is sent as, or undefined where it can be read only once. */
  async bytes(): Promise<Uint8Array | undefined> {
    if (this.#body instanceof FormData) {
      // Each time it is serialised it gets another boundary, so it is serialised once.
      const written = new Response(this.#body);
      const headers = new Headers(this.#headers);
      headers.set("content-type", written.headers.get("content-type") ?? "");
      this.#headers = headers;
      this.#body = await written.arrayBuffer();
    }
    if (this.#body != null || !hasBody(this.#method)) return bodyBytes(this.#body);
    return this.#copy === undefined ? new Uint8Array() : this.#copy;
  }

  /** Makes ready to be sent again; false where the body is gone. */
  async again(): Promise<boolean> {
    if (this.#copy !== undefined && this.#body == null && hasBody(this.#method)) {
      // A body that is still being written is lost with this request.
      const copy = await Promise.race([this.#copy, afterWhatHasArrived()]);
      this.#replayable = copy !== undefined;
      this.#body = copy;
    }
    return this.#replayable;
  }

  /**
   * Makes ready for a redirect's target; false where it would need the body again and that is gone.
   * @see https://fetch.spec.whatwg.org/#http-redirect-fetch
   */
  async redirected(status: number): Promise<boolean> {
    const method = this.#method.toUpperCase();
    // As in fetch, only a 303 may drop a body that can't be sent again.
    if (status !== 303 && !(await this.again())) return false;
    const dropsBody =
      status === 303 ? hasBody(method) : (status === 301 || status === 302) && method === "POST";
    if (dropsBody) {
      this.#method = "GET";
      this.#body = undefined;
      this.#replayable = true;
      this.#headers = withoutHeaders(this.#headers, ofTheBody);
    }
    this.#request = undefined;
    return true;
  }

  /** From now on it goes to another server, which must not see what is for the endpoint only. */
  leavesTheEndpoint(): void {
    this.#headers = withoutHeaders(this.#headers, ofTheEndpoint);
  }
}

/** What a Request has besides its URL, for the same request to another URL. */
function attributesOf(request: Request): FetchInit {
  const { cache, credentials, integrity, keepalive, mode, referrer, referrerPolicy } = request;
  const { method, headers, body } = request;
  const attributes = { cache, credentials, integrity, keepalive, mode, referrer, referrerPolicy };
  return { ...attributes, method, headers, ...(body !== null && { body, duplex: "half" }) };
}

/** By its shape: it may be of another undici than the global one. Options may name a `url`, too. */
export function isRequest(value: unknown): value is Request {
  return typeof value === "object" && value !== null && "clone" in value && "url" in value;
}

export function urlOf(input: FetchInput): string {
  // A URL as its text, and anything else as fetch takes it.
  return isRequest(input) ? input.url : String(input);
}

function hasBody(method: string): boolean {
  return !/^(GET|HEAD)$/i.test(method);
}

// What fetch writes in capitals, however it is given: a signature over the method has to agree.
const normalisedMethods = new Set(["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"]);

/** @see https://fetch.spec.whatwg.org/#concept-method-normalize */
function normalised(method: string): string {
  const upper = method.toUpperCase();
  return normalisedMethods.has(upper) ? upper : method;
}

/** Headers that can be read more than once, as an iterator can't. */
function repeatable(headers: HeadersInit | undefined): HeadersInit | undefined {
  const isOnce =
    headers !== undefined &&
    Symbol.iterator in headers &&
    !Array.isArray(headers) &&
    !("get" in headers);
  return isOnce ? [...(headers as Iterable<[string, string]>)] : headers;
}

/** Two turns of the event loop: what has arrived has been read by then. */
async function afterWhatHasArrived(): Promise<undefined> {
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
  return undefined;
}
