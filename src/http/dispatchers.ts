import type { Dispatcher } from "undici";
import { boundedMap } from "../bounded-map.ts";
import { isWithoutProxy } from "../checks/host-patterns.ts";
import type { Transport } from "../configuration/transport-fields.ts";
import type { ResolvedTransport } from "../endpoint/resolved-transport.ts";
import { ConfigurationError } from "../errors.ts";
import { loadOptionalPeer, versionOf } from "../optional-peer.ts";
import type { Fetch } from "./fetch-types.ts";
import { type ProxyAddresses, proxyAddresses, withoutProxy } from "./proxy-addresses.ts";
import { secureContext } from "./secure-context.ts";

const defaultConnectTimeoutMs = 10_000;

/** undici's dispatchers: requests with the same transport share connections. */
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
    checkRuntime(given);
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
  const { connectTimeoutMs: timeout = defaultConnectTimeoutMs, allowH2 = false } = settings;
  const proxies = proxyAddresses(settings);
  const toServer = { timeout, ...(await secureContext(transport)) };
  const options = { ...limits(settings), allowH2, connect: toServer };
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
    ...userNameAlone(proxies),
    // undici knows neither CIDR blocks nor IPv6 there, and reads the environment if it is left out.
    noProxy: "",
  });
  return around(withStatusText(agent), new undici.Agent(options), withoutProxy(settings));
}

/** undici says nothing of a user name that has no password, such as a token. */
function userNameAlone({ httpProxy, httpsProxy }: ProxyAddresses): { token?: string } {
  const [proxy = ""] = [httpsProxy, httpProxy].filter((url) => url !== "");
  if (proxy === "") return {};
  const { username, password } = new URL(proxy);
  if (username === "" || password !== "") return {};
  const credentials = Buffer.from(`${decodeURIComponent(username)}:`).toString("base64");
  return { token: `Basic ${credentials}` };
}

/** The proxy for all but some hosts, which are reached directly. */
function around(agent: Dispatcher, direct: Dispatcher, hosts: readonly string[]): Dispatcher {
  if (hosts.length === 0) return agent;
  const dispatch = agent.dispatch.bind(agent);
  const close = agent.close.bind(agent);
  agent.dispatch = (options, handler) =>
    isWithoutProxy(String(options.origin), hosts)
      ? direct.dispatch(options, handler)
      : dispatch(options, handler);
  // undici's close() without a callback calls itself with one: only that inner call ends the connections.
  agent.close = ((callback?: () => void) => {
    const closed = Promise.all([direct.close(), new Promise<void>((done) => close(() => done()))]);
    if (callback === undefined) return closed.then(() => undefined);
    closed.then(callback);
  }) as Dispatcher["close"];
  return agent;
}

/** Without a tunnel, undici drops the text of the status; fetch needs one. */
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
  const undici = await loadOptionalPeer({
    name: "undici",
    neededBy: "transport",
    install: "undici@7",
    uses: ["Agent", "EnvHttpProxyAgent", "Pool"],
    load: () => import("undici"),
  });
  // The fetch of Node.js takes dispatchers of undici 8 from version 26 on.
  const major = Number(process.versions.node.split(".")[0]);
  const found = major < 26 ? await versionOf("undici") : undefined;
  if (found?.startsWith("undici 8.")) {
    const problem = `needs undici@7 on Node.js ${major}, and found ${found}`;
    const fix = "run `npm install undici@7`, or use Node.js 26";
    throw ConfigurationError.of({ path: "transport", problem, fix });
  }
  return undici;
}

/**
 * Runtimes whose fetch takes no dispatcher: a proxy or a deadline would be passed by silently.
 * @param given a fetch of the user's own, such as undici's, which takes one on Deno.
 */
function checkRuntime(given: Fetch | undefined): void {
  const isBun = process.versions.bun !== undefined;
  const isDeno = "Deno" in globalThis && given === undefined;
  if (!isBun && !isDeno) return;
  throw ConfigurationError.of({
    path: "transport",
    problem: `has no effect on ${isBun ? "Bun" : "Deno"}, whose fetch takes no dispatcher`,
    fix: isBun
      ? "leave it out, and set a proxy as Bun documents"
      : "pass fetch: undici.fetch to EndpointSecurity and to wrapFetch, or leave it out",
  });
}
