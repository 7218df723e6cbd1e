import type { Authenticator } from "./authenticator.ts";
import type { Destination } from "./destination.ts";
import type { Fetch } from "./fetch-types.ts";
import { isRequest, OutgoingRequest, urlOf } from "./outgoing-request.ts";
import { sendAuthorised } from "./replay.ts";

/** What a wrapper needs to know of an endpoint, as its configuration says at this moment. */
export interface Door {
  readonly authenticator: Authenticator;
  readonly destination: Destination;
  /** Told when the backend refused the credentials. */
  refused(replayed: boolean): void;
}

const mostRedirects = 20;
const redirects = new Set([301, 302, 303, 307, 308]);

/** A fetch that sends the endpoint's credentials, to the endpoint alone. */
export function authorisedFetch(open: () => Door, given: Fetch | undefined): Fetch {
  return async (input, init) => {
    const door = open();
    // The global fetch of this moment, so that what was put in its place (a mock, a tracer) sees it.
    const fetch = given ?? globalThis.fetch;
    const url = door.destination.resolve(urlOf(input));
    // fetch takes a Request as its options, too.
    const outgoing = isRequest(init)
      ? new OutgoingRequest(new (init.constructor as typeof Request)(url, init))
      : new OutgoingRequest(input, init);
    const follows = outgoing.redirect === "follow";
    const response = await sendTo(url, outgoing, door, fetch);
    return follows && redirects.has(response.status)
      ? follow(response, url, outgoing, door, fetch)
      : response;
  };
}

function sendTo(url: string, outgoing: OutgoingRequest, door: Door, fetch: Fetch) {
  // Redirects are followed here, since fetch would take a header of our own along to anywhere.
  const redirect = outgoing.redirect === "follow" ? "manual" : outgoing.redirect;
  return sendAuthorised<Response>(door.authenticator, {
    request: { method: outgoing.method, url },
    signal: outgoing.signal,
    send: (credentials) => outgoing.send(fetch, url, redirect, credentials),
    read: ({ status, headers }) => ({ status, challenge: headers.get("www-authenticate") }),
    again: async (response) => {
      const ready = await outgoing.again();
      // Nobody reads the refusal any more; its connection goes back to the pool.
      if (ready) await response.body?.cancel();
      return ready;
    },
    refused: door.refused,
  });
}

async function follow(
  first: Response,
  from: string,
  outgoing: OutgoingRequest,
  door: Door,
  fetch: Fetch,
): Promise<Response> {
  let response = first;
  let url = from;
  for (let count = 0; redirects.has(response.status); count++) {
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
      response = await outgoing.send(fetch, url, "follow");
      break;
    }
    response = await sendTo(url, outgoing, door, fetch);
  }
  // As a response has it that fetch itself was redirected to.
  return Object.defineProperty(response, "redirected", { value: true });
}

/** As fetch says it. */
function failure(reason: string): TypeError {
  return new TypeError("fetch failed", { cause: new Error(reason) });
}
