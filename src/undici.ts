import type { Dispatcher } from "undici";
import type { EndpointConfig } from "./endpoint/config.ts";
import type { GrantStrategy } from "./endpoint/grant-strategy.ts";
import type { EndpointSecurity } from "./endpoint-security.ts";
import { DispatchedExchange } from "./http/dispatched-exchange.ts";

/**
 * An interceptor for undici 7, which sends the endpoint's credentials to the endpoint's `url` and
 * below, and nowhere else. When the backend refuses a token (401, or as `retryStatuses` says), it is
 * renewed and the request sent once more, if its body can be: strings, buffers, blobs and forms can.
 * Streams can't, nor can any body of a `fetch`, which undici always makes a stream (use `wrapFetch`
 * for those).
 *
 * ```ts
 * const agent = new Agent().compose(authInterceptor(security, orders));
 * await request("https://orders.example.com/v1/orders/42", { dispatcher: agent });
 * ```
 *
 * Compose it on an `Agent`, which sends a request where its URL says (a `Client` or `Pool` sends it to
 * an origin of its own), and last, so that redirects and retries of other interceptors come by it. Where
 * the endpoint has a `transport`, its requests go by that in place of the agent's own connections.
 *
 * Requests fail as undici's do, and with the errors of `getAuthHeader`, or a `DestinationRefusedError`
 * for a request to somewhere else.
 *
 * @throws ConfigurationError
 */
export function authInterceptor<const Grants extends readonly GrantStrategy[]>(
  security: EndpointSecurity<Grants>,
  endpoint: EndpointConfig<Grants[number]> & { readonly url: string },
): Dispatcher.DispatcherComposeInterceptor {
  const open = security.doorTo(endpoint);
  // A mistake shows here, and not with the first request.
  open();
  return (dispatch) => (options, handler) => {
    void new DispatchedExchange(dispatch, options, handler).run(open);
    return true;
  };
}
