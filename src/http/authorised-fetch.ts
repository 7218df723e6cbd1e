import type { Authenticator, CredentialHeaders } from "./authenticator.ts";
import type { BackendRoute } from "./backend-route.ts";
import type { Destination } from "./destination.ts";
import { discardBody } from "./discard-body.ts";
import type { Fetch, FetchInit, FetchInput } from "./fetch-types.ts";
import { isRequest, OutgoingRequest, urlOf } from "./outgoing-request.ts";
import {
  isRejection,
  type Rejection,
  replay,
  type Sending,
  sendAuthorised,
  sendWithCredentials,
} from "./replay.ts";

/** What a wrapper needs to know of an endpoint, as its configuration says at this moment. */
export interface BackendAccess {
  readonly authenticator: Authenticator;
  readonly destination: Destination;
  /** Called when the backend rejected the credentials. */
  rejected(rejection: Rejection): void;
  /** Called when the backend accepted them. */
  accepted(sent: CredentialHeaders): void;
  /** Whether the backend accepted these credentials before. */
  hasAccepted(sent: CredentialHeaders): boolean;
  /** Called when a redirect left the endpoint, so that the credentials stayed behind. */
  left(redirect: LeavingRedirect): void;
  /** How requests get there; undefined for what fetch does by itself. */
  readonly route: BackendRoute | undefined;
  /** For a whole request to the backend, where there is a limit. */
  readonly timeoutMs: number | undefined;
}

/** A redirect out of the endpoint, and the status of what it led to. */
export interface LeavingRedirect {
  readonly from: string;
  readonly to: string;
  readonly status: number;
}

const mostRedirects = 20;

/** A fetch that sends the endpoint's credentials, to the endpoint alone. */
export function authorisedFetch(open: () => BackendAccess, given: Fetch | undefined): Fetch {
  // Not async: that would cost each request another promise.
  return (input, init) =>
    (init === undefined || init === null) && !isRequest(input)
      ? plainGet(input, open, given)
      : anyRequest(input, init, open, given);
}

/** The usual request on the shortest way; what other requests need is created only if it is needed. */
async function plainGet(
  input: string | URL,
  open: () => BackendAccess,
  given: Fetch | undefined,
): Promise<Response> {
  const access = open();
  const { authenticator } = access;
  if (access.route !== undefined || authenticator.inUrl !== undefined) {
    return anyRequest(input, undefined, open, given);
  }
  // The global fetch at this moment, so that a mock or a tracer sees the request.
  const fetch = given ?? globalThis.fetch;
  const url = access.destination.resolve(urlOf(input));
  const ready = authenticator.headers({ request: { method: "GET", url }, isWrapped: true });
  const credentials: CredentialHeaders = ready instanceof Promise ? await ready : ready;
  // An authenticator that learns from every response takes the longer way.
  if (authenticator.answered !== undefined) {
    const outgoing = new OutgoingRequest(url);
    const sending = sendingOf(outgoing, url, access, fetch);
    const answer = await sendWithCredentials(authenticator, sending, credentials);
    return follow(answer, url, outgoing, access, given);
  }
  let response = checked(await fetch(url, { headers: credentials, redirect: "manual" }));
  const { status } = response;
  const rejected = status >= 400 && isRejection(authenticator, status);
  if (!rejected) {
    access.accepted(credentials);
    if (!isRedirect(status)) return response;
  }
  const outgoing = new OutgoingRequest(url);
  if (rejected) {
    const sending = sendingOf(outgoing, url, access, fetch);
    response = await replay(authenticator, sending, response, credentials);
  }
  return follow(response, url, outgoing, access, given);
}

async function anyRequest(
  input: FetchInput,
  init: FetchInit | undefined,
  open: () => BackendAccess,
  given: Fetch | undefined,
): Promise<Response> {
  const access = open();
  const url = access.destination.resolve(urlOf(input));
  const { timeoutMs } = access;
  const deadline = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
  const outgoing = outgoingRequest(input, init ?? undefined, url, deadline);
  access.destination.checkHost(outgoing.host);
  // Tokens may be bound to the certificate that is shown.
  if (access.route !== undefined) await access.route.transport();
  const sending = sendingOf(outgoing, url, access, fetchFor(access, given));
  const response = await sendAuthorised(access.authenticator, sending);
  return follow(response, url, outgoing, access, given);
}

function fetchFor({ route }: BackendAccess, given: Fetch | undefined): Fetch {
  return route === undefined ? (given ?? globalThis.fetch) : route.fetch(given);
}

function outgoingRequest(
  input: FetchInput,
  init: FetchInit | undefined,
  url: string,
  deadline: AbortSignal | undefined,
) {
  // fetch takes a Request as its options, too.
  return isRequest(init)
    ? new OutgoingRequest(new (init.constructor as typeof Request)(url, init), {}, deadline)
    : new OutgoingRequest(input, init, deadline);
}

/** Checks what fetch returned: a mock may return anything. */
function checked(response: Response): Response {
  if (typeof response?.status !== "number" || typeof response.headers?.get !== "function") {
    throw new TypeError(
      "the fetch given returned no Response; return one, such as new Response(body, { status })",
    );
  }
  return response;
}

function sendingOf(
  outgoing: OutgoingRequest,
  url: string,
  { authenticator, rejected, accepted, hasAccepted, route }: BackendAccess,
  fetch: Fetch,
): Sending<Response> {
  // Redirects are followed here, since fetch would take a header of our own along to anywhere.
  const redirect = outgoing.redirect === "follow" ? "manual" : outgoing.redirect;
  return {
    options: {
      request: { method: outgoing.method, url },
      signal: outgoing.signal,
      isWrapped: true,
      isReplayable: () => outgoing.isReplayable,
      body: () => outgoing.bytes(),
    },
    send: async (credentials) => {
      const { inUrl } = authenticator;
      const target = inUrl === undefined ? url : await inUrl.addTo(url, outgoing.signal);
      return checked(await outgoing.send(fetch, target, redirect, credentials));
    },
    status: ({ status }) => status,
    header: ({ headers }, name) =>
      name === "set-cookie" ? (headers.getSetCookie?.().join("\n") ?? null) : headers.get(name),
    again: async (response) => {
      const ready = await outgoing.again();
      // The rejection is read no further; its connection goes back to the pool.
      if (ready) discardBody(response.body);
      // The certificate may be the reason for the rejection.
      if (ready) await route?.transport({ isOld: true });
      return ready;
    },
    rejected,
    accepted,
    hasAccepted,
  };
}

async function follow(
  first: Response,
  from: string,
  outgoing: OutgoingRequest,
  access: BackendAccess,
  given: Fetch | undefined,
): Promise<Response> {
  if (outgoing.redirect !== "follow" || !isRedirect(first.status)) return first;
  let response = first;
  let url = from;
  for (let count = 0; isRedirect(response.status); count++) {
    const location = locationOf(response);
    if (location === null) return response;
    const target = URL.canParse(location, url) ? new URL(location, url) : undefined;
    if (target === undefined || !/^https?:$/.test(target.protocol)) {
      throw failure("the redirect leads to no http address");
    }
    if (count === mostRedirects) throw failure("redirect count exceeded");
    if (!(await outgoing.redirected(response.status))) {
      throw failure("the redirect needs the body again, and it was a stream or larger than 16 MiB");
    }
    discardBody(response.body);
    const before = url;
    url = target.href;
    if (!access.destination.covers(target)) {
      outgoing.leavesTheEndpoint();
      url = access.authenticator.inUrl?.removeFrom(url) ?? url;
      const elsewhere = await access.route?.fetchElsewhere(given);
      response = checked(
        await outgoing.send(elsewhere ?? given ?? globalThis.fetch, url, "follow"),
      );
      access.left({ from: before, to: url, status: response.status });
      break;
    }
    const sending = sendingOf(outgoing, url, access, fetchFor(access, given));
    response = await sendAuthorised(access.authenticator, sending);
  }
  // As fetch sets it on a response after a redirect.
  return Object.defineProperty(response, "redirected", { value: true });
}

/** As fetch reads it: bytes outside of ASCII are UTF-8. */
function locationOf({ headers }: Response): string | null {
  const location = headers.get("location");
  if (location === null || !/[\x80-\xff]/.test(location)) return location;
  return Buffer.from(location, "latin1").toString("utf8");
}

function isRedirect(status: number): boolean {
  return status > 300 && status < 309 && [301, 302, 303, 307, 308].includes(status);
}

/** As fetch says it. */
function failure(reason: string): TypeError {
  return new TypeError("fetch failed", { cause: new Error(reason) });
}
