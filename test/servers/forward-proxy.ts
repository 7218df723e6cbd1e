import type { LookupFunction } from "node:net";
import { Server } from "proxy-chain";

interface ForwardProxyOptions {
  /** Whom it serves: everybody, unless given. */
  readonly user?: { readonly username: string; readonly password: string };
}

interface ProxiedRequest {
  /** CONNECT for a tunnel. */
  readonly method: string;
  /** Host and port that it was for. */
  readonly target: string;
  readonly username: string;
  /** False where its credentials were refused. */
  readonly isAllowed: boolean;
}

export interface ForwardProxy {
  readonly url: string;
  readonly port: number;
  /** What came by, in order of arrival. */
  readonly requests: readonly ProxiedRequest[];
  /** The targets of those that were let through. */
  readonly targets: readonly string[];
  close(): Promise<void>;
}

/**
 * A forward proxy, by tunnel or request by request. Every host name is this machine to it, so that
 * names that only the proxy can resolve tell whether it was used.
 */
export async function startForwardProxy({ user }: ForwardProxyOptions = {}): Promise<ForwardProxy> {
  const requests: ProxiedRequest[] = [];
  const server = new Server({
    port: 0,
    host: "127.0.0.1",
    prepareRequestFunction: ({ request, hostname, port, username, password }) => {
      const isAllowed =
        user === undefined || (user.username === username && user.password === password);
      const method = request.method ?? "";
      requests.push({ method, target: `${hostname}:${port}`, username, isAllowed });
      return { requestAuthentication: !isAllowed, dnsLookup: thisMachine };
    },
  });
  await server.listen();
  return {
    url: `http://127.0.0.1:${server.port}`,
    port: server.port,
    requests,
    get targets() {
      return requests.filter(({ isAllowed }) => isAllowed).map(({ target }) => target);
    },
    close: () => server.close(true),
  };
}

const thisMachine = ((_hostname, options, done) => {
  const address = "127.0.0.1";
  if (options.all) done(null, [{ address, family: 4 }]);
  else done(null, address, 4);
}) as LookupFunction as never;
