import type { Dispatcher } from "undici";
import type { BackendConfig } from "./configuration/endpoint-config.ts";
import type { GrantStrategy } from "./configuration/grant-strategy.ts";
import type { EndpointSecurity } from "./endpoint-security.ts";
import { ConfigurationError } from "./errors.ts";
import { DispatchedExchange } from "./http/dispatched-exchange.ts";

/**
 * An interceptor for undici 7, which sends the endpoint's credentials to the endpoint's `url` and
 * below, and nowhere else. When the backend refuses a token (401, or as `renewal.rejectionStatuses` says), it is
 * renewed and the request replayed, if its body can be sent again: strings, buffers, blobs and forms.
 * Streams can't, nor can any body of a `fetch`, which undici always makes a stream (use `wrapFetch`
 * for those).
 *
 * ```ts
 * const agent = new Agent().compose(authInterceptor(security, orders));
 * await request("https://orders.example.com/v1/orders/42", { dispatcher: agent });
 * ```
 *
 * Compose it first: `compose(authInterceptor(security, orders), interceptors.redirect(), interceptors.retry())`.
 * The last interceptor is the outermost, so each redirect and retry then gets credentials of its own. In the
 * other order undici's redirects aren't followed, since they would take the credentials to other hosts.
 *
 * Compose it on an `Agent`, which sends a request where its URL says (a `Client` or `Pool` sends it to
 * an origin of its own). Where the endpoint has a `transport`, its requests go by that instead of the agent's
 * own connections.
 *
 * Requests fail as undici's do, and with the errors of `getAuthHeader`, or a `DestinationRefusedError`
 * for a request to somewhere else.
 *
 * @throws ConfigurationError
 */
export function authInterceptor<const Grants extends readonly GrantStrategy[]>(
  security: EndpointSecurity<Grants>,
  endpoint: BackendConfig<Grants[number]>,
): Dispatcher.DispatcherComposeInterceptor {
  const open = security.accessTo(endpoint);
  // A mistake shows here, and not with the first request.
  open();
  return (dispatch) => (options, handler) => {
    // undici 6 has handlers of another form, which would wait for ever.
    if (handler.onRequestStart === undefined && "onConnect" in handler) throw oldUndici();
    void new DispatchedExchange(dispatch, options, handler).run(open);
    return true;
  };
}

function oldUndici(): ConfigurationError {
  return ConfigurationError.of({
    path: "authInterceptor",
    problem: "needs undici 7 or later, and was composed on an older dispatcher",
    fix: "run `npm install undici@7`",
  });
}
