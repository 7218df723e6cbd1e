import type { Authenticator, Headers } from "./authenticator.ts";
import type { BackendRoute } from "./backend-route.ts";
import type { Destination } from "./destination.ts";
import type { Fetch, FetchInit, FetchInput } from "./fetch-types.ts";
import { isRequest, OutgoingRequest, urlOf } from "./outgoing-request.ts";
import {
  isRefusal,
  type Refusal,
  type Sending,
  sendAuthorised,
  sendOnceMore,
  sendWithCredentials,
} from "./replay.ts";

/** What a wrapper needs to know of an endpoint, as its configuration says at this moment. */
export interface Door {
  readonly authenticator: Authenticator;
  readonly destination: Destination;
  /** Told when the backend refused the credentials. */
  refused(refusal: Refusal): void;
  /** Told when it didn't. */
  accepted(): void;
  /** How requests get there; undefined for what fetch does by itself. */
  readonly route: BackendRoute | undefined;
  /** For a whole request to the backend, where there is a limit. */
  readonly timeoutMs: number | undefined;
}

const mostRedirects = 20;

/** A fetch that sends the endpoint's credentials, to the endpoint alone. */
export function authorisedFetch(open: () => Door, given: Fetch | undefined): Fetch {
  // No async function around the other two: each costs a request a promise and some turns.
  return (input, init) =>
    init === undefined && !isRequest(input)
      ? plainGet(input, open, given)
      : anyRequest(input, init, open, given);
}

/** The usual request, on the shortest way: all that others need is made when it comes to it. */
async function plainGet(
  input: string | URL,
  open: () => Door,
  given: Fetch | undefined,
): Promise<Response> {
  const door = open();
  const { authenticator } = door;
  if (door.route !== undefined) return anyRequest(input, undefined, open, given);
  // The global fetch of this moment, so that what was put in its place (a mock, a tracer) sees it.
  const fetch = given ?? globalThis.fetch;
  const url = door.destination.resolve(urlOf(input));
  const ready = authenticator.headers({ request: { method: "GET", url }, isWrapped: true });
  const credentials: Headers = ready instanceof Promise ? await ready : ready;
  // Who learns from every answer takes the longer way.
  if (authenticator.answered !== undefined) {
    const outgoing = new OutgoingRequest(url);
    const sending = sendingOf(outgoing, url, door, fetch);
    const answer = await sendWithCredentials(authenticator, sending, credentials);
    return follow(answer, url, outgoing, door, given);
  }
  let response = await fetch(url, { headers: credentials, redirect: "manual" });
  const { status } = response;
  const refused = status >= 400 && isRefusal(authenticator, status);
  if (!refused) {
    door.accepted();
    if (!isRedirect(status)) return response;
  }
  const outgoing = new OutgoingRequest(url);
  if (refused) {
    const sending = sendingOf(outgoing, url, door, fetch);
    response = await sendOnceMore(authenticator, sending, response, credentials);
  }
  return follow(response, url, outgoing, door, given);
}

async function anyRequest(
  input: FetchInput,
  init: FetchInit | undefined,
  open: () => Door,
  given: Fetch | undefined,
): Promise<Response> {
  const door = open();
  const url = door.destination.resolve(urlOf(input));
  const outgoing = outgoingRequest(input, limited(input, init, door), url);
  // Tokens may be bound to the certificate that is shown.
  if (door.route !== undefined) await door.route.transport();
  const sending = sendingOf(outgoing, url, door, fetchFor(door, given));
  const response = await sendAuthorised(door.authenticator, sending);
  return follow(response, url, outgoing, door, given);
}

function fetchFor({ route }: Door, given: Fetch | undefined): Fetch {
  return route === undefined ? (given ?? globalThis.fetch) : route.fetch(given);
}

/** What the caller says of the request, with the deadline where there is one. */
function limited(
  input: FetchInput,
  init: FetchInit | undefined,
  { timeoutMs }: Door,
): FetchInit | undefined {
  if (timeoutMs === undefined) return init;
  const own = init?.signal ?? (isRequest(input) ? input.signal : undefined);
  const deadline = AbortSignal.timeout(timeoutMs);
  return { ...init, signal: own ? AbortSignal.any([own, deadline]) : deadline };
}

function outgoingRequest(input: FetchInput, init: FetchInit | undefined, url: string) {
  // fetch takes a Request as its options, too.
  return isRequest(init)
    ? new OutgoingRequest(new (init.constructor as typeof Request)(url, init))
    : new OutgoingRequest(input, init);
}

function sendingOf(
  outgoing: OutgoingRequest,
  url: string,
  { refused, accepted, route }: Door,
  fetch: Fetch,
): Sending<Response> {
  // Redirects are followed here, since fetch would take a header of our own along to anywhere.
  const redirect = outgoing.redirect === "follow" ? "manual" : outgoing.redirect;
  return {
    options: {
      request: { method: outgoing.method, url },
      signal: outgoing.signal,
      isWrapped: true,
      body: () => outgoing.bytes(),
    },
    send: (credentials) => outgoing.send(fetch, url, redirect, credentials),
    status: ({ status }) => status,
    header: ({ headers }, name) => headers.get(name),
    again: async (response) => {
      const ready = await outgoing.again();
      // Nobody reads the refusal any more; its connection goes back to the pool.
      if (ready) await response.body?.cancel();
      // The certificate may be what was refused.
      if (ready) await route?.transport({ isOld: true });
      return ready;
    },
    refused,
    accepted,
  };
}

async function follow(
  first: Response,
  from: string,
  outgoing: OutgoingRequest,
  door: Door,
  given: Fetch | undefined,
): Promise<Response> {
  if (outgoing.redirect !== "follow" || !isRedirect(first.status)) return first;
  let response = first;
  let url = from;
  for (let count = 0; isRedirect(response.status); count++) {
    const location = response.headers.get("location");
    if (location === null) return response;
    const target = URL.canParse(location, url) ? new URL(location, url) : undefined;
    if (target === undefined || !/^https?:$/.test(target.protocol)) {
      throw failure("the redirect leads to no http address");
    }
    if (count === mostRedirects) throw failure("redirect count exceeded");
    if (!(await outgoing.redirected(response.status))) {
      throw failure("the redirect needs the body again, and it was a stream");
    }
    await response.body?.cancel();
    url = target.href;
    if (!door.destination.covers(target)) {
      outgoing.leavesTheEndpoint();
      const elsewhere = await door.route?.fetchElsewhere(given);
      response = await outgoing.send(elsewhere ?? given ?? globalThis.fetch, url, "follow");
      break;
    }
    const sending = sendingOf(outgoing, url, door, fetchFor(door, given));
    response = await sendAuthorised(door.authenticator, sending);
  }
  // As a response has it that fetch itself was redirected to.
  return Object.defineProperty(response, "redirected", { value: true });
}

function isRedirect(status: number): boolean {
  return status > 300 && status < 309 && [301, 302, 303, 307, 308].includes(status);
}

/** As fetch says it. */
function failure(reason: string): TypeError {
  return new TypeError("fetch failed", { cause: new Error(reason) });
}
