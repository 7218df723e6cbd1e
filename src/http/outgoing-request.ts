import type { Headers as CredentialHeaders } from "./authenticator.ts";
import { bodyBytes } from "./body-bytes.ts";
import { withCredentials, withoutHeaders } from "./credential-headers.ts";
import type { Fetch, FetchInit, FetchInput, HeadersInit, RedirectMode } from "./fetch-types.ts";
import { readSmallBody } from "./small-body.ts";

// Headers that speak of a body, and others that speak to the endpoint alone.
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

  constructor(input: FetchInput, init: FetchInit = {}) {
    const request = isRequest(input) ? input : undefined;
    this.#request = request;
    this.#init = init;
    // As fetch does: what `init` says goes before what the Request says.
    this.signal = init.signal ?? request?.signal ?? undefined;
    this.redirect = init.redirect ?? request?.redirect ?? "follow";
    this.#method = init.method ?? request?.method ?? "GET";
    this.#headers = init.headers ?? request?.headers;
    this.#body = init.body;
    this.#replayable = init.body == null || isReplayable(init.body);
    if (init.body == null && request?.body != null) this.#copy = readSmallBody(request.clone());
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
    // Not for its own sake: fetch is quicker where it need not look.
    if (this.#method !== "GET" || init.method !== undefined) init.method = this.#method;
    if (this.#body != null) init.body = this.#body;
    else delete init.body;
    const headers = credentials ? withCredentials(this.#headers, credentials) : this.#headers;
    if (headers !== undefined) init.headers = headers;
    if (this.#request !== undefined) {
      // By its own class: it may be of another undici than the global fetch is.
      const Same = this.#request.constructor as typeof Request;
      return fetch(new Same(this.#request, init));
    }
    if (this.signal !== undefined) init.signal = this.signal;
    return fetch(url, init);
  }

  /** What the body is sent as, or undefined where it can be read only once. */
  async bytes(): Promise<Uint8Array | undefined> {
    if (this.#body instanceof FormData) {
      // Written out anew it would have another boundary, so it is written once.
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
      const copy = await this.#copy;
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
    // Only a 303 lets go of a body that could not be sent again; fetch has it so.
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

  /** From now on it goes to somebody who must not see what was meant for the endpoint. */
  leavesTheEndpoint(): void {
    this.#headers = withoutHeaders(this.#headers, ofTheEndpoint);
  }
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

/** Bodies that fetch reads from the value itself, as often as it is sent. */
function isReplayable(body: NonNullable<FetchInit["body"]>): boolean {
  return (
    typeof body === "string" ||
    body instanceof ArrayBuffer ||
    ArrayBuffer.isView(body) ||
    body instanceof URLSearchParams ||
    body instanceof FormData ||
    body instanceof Blob
  );
}
