import type { Dispatcher } from "undici";
import { boundedMap } from "../endpoint/bounded-map.ts";
import type { ResolvedTransport } from "../endpoint/resolved-transport.ts";
import type { Transport } from "../endpoint/transport-fields.ts";
import { ConfigurationError } from "../errors.ts";
import type { Fetch } from "./fetch-types.ts";
import { proxyAddresses } from "./proxy-addresses.ts";
import { secureContext } from "./secure-context.ts";

const defaultConnectTimeoutMs = 10_000;

/** undici's dispatchers: those who travel the same way share connections. */
export class Dispatchers {
  readonly #byName = boundedMap<string, Promise<Dispatcher>>(1_000, close);

  /** @throws ConfigurationError where undici is missing */
  of(transport: ResolvedTransport): Promise<Dispatcher> {
    const { name } = transport;
    let dispatcher = this.#byName.get(name);
    if (dispatcher === undefined) {
      dispatcher = dispatcherFor(transport);
      this.#byName.set(name, dispatcher);
      dispatcher.catch(() => this.#byName.delete(name));
    }
    return dispatcher;
  }

  /** The fetch that was given, or the global one, with every request on its way. */
  async fetch(transport: ResolvedTransport, given: Fetch | undefined): Promise<Fetch> {
    const dispatcher = await this.of(transport);
    // The types of Node's own undici and of this one differ; either takes the other's dispatcher.
    const way = { dispatcher } as object;
    return (input, init) => (given ?? globalThis.fetch)(input, { ...init, ...way });
  }

  /** Lets requests that are under way end, and keeps no connection after them. */
  close(): void {
    this.#byName.clear();
  }
}

function close(dispatcher: Promise<Dispatcher>): void {
  dispatcher.then((made) => made.close()).catch(() => {});
}

async function dispatcherFor(transport: ResolvedTransport): Promise<Dispatcher> {
  const undici = await loadUndici();
  const { settings } = transport;
  const { noProxy, connectTimeoutMs: timeout = defaultConnectTimeoutMs } = settings;
  const proxies = proxyAddresses(settings);
  const toServer = { timeout, ...(await secureContext(transport)) };
  const options = { ...limits(settings), connect: toServer };
  if (proxies === undefined) return new undici.Agent(options);
  // The client certificate is not for the proxy.
  const toProxy = { ...transport, clientCertificate: undefined };
  const { Pool } = undici;
  const agent = new undici.EnvHttpProxyAgent({
    ...options,
    requestTls: toServer,
    proxyTls: { timeout, ...(await secureContext(toProxy)) },
    // A plain request has no use for a tunnel, which proxies mostly allow for https alone.
    proxyTunnel: false,
    // By itself undici puts no limits on its connections to the proxy.
    factory: (origin, own) => new Pool(origin, { ...limits(settings), ...own }),
    clientFactory: (origin, own) => new Pool(origin, { ...own, headersTimeout: timeout }),
    ...proxies,
    // Where it is left out, undici reads it from the environment.
    ...(settings.proxy && { noProxy: "" }),
    ...(noProxy && { noProxy: noProxy.join(",") }),
  });
  return withStatusText(agent);
}

/** Where there is no tunnel, undici loses the text of the status on its way; fetch wants one. */
function withStatusText(agent: Dispatcher): Dispatcher {
  const dispatch = agent.dispatch.bind(agent);
  // No interceptor: those would have Node 20's fetch join several headers of one name.
  agent.dispatch = (options, handler) => {
    // The first is how Node 20 to 24 ask, the second how Node 26 does.
    const { onHeaders, onResponseStart } = handler;
    if (onHeaders !== undefined) {
      handler.onHeaders = (status, headers, resume, text = "") =>
        onHeaders.call(handler, status, headers, resume, text);
    }
    if (onResponseStart !== undefined) {
      handler.onResponseStart = (controller, status, headers, text = "") =>
        onResponseStart.call(handler, controller, status, headers, text);
    }
    return dispatch(options, handler);
  };
  return agent;
}

function limits(settings: Transport) {
  const { headersTimeoutMs, bodyTimeoutMs, keepAliveTimeoutMs, maxConnections } = settings;
  return {
    ...(headersTimeoutMs !== undefined && { headersTimeout: headersTimeoutMs }),
    ...(bodyTimeoutMs !== undefined && { bodyTimeout: bodyTimeoutMs }),
    // The second, or a server could ask for longer.
    ...(keepAliveTimeoutMs !== undefined && {
      keepAliveTimeout: keepAliveTimeoutMs,
      keepAliveMaxTimeout: keepAliveTimeoutMs,
    }),
    ...(maxConnections !== undefined && { connections: maxConnections }),
  };
}

async function loadUndici(): Promise<typeof import("undici")> {
  try {
    return await import("undici");
  } catch (error) {
    if (!(error instanceof Error) || Reflect.get(error, "code") !== "ERR_MODULE_NOT_FOUND") {
      throw error;
    }
    throw new ConfigurationError({
      problems: [
        {
          path: "transport",
          problem: "needs undici, which is not installed",
          mend: "npm install undici@7",
        },
      ],
    });
  }
}
