import type { LookupFunction } from "node:net";
import { Server } from "proxy-chain";
import type { CertificateAuthority } from "./certificate-authority.ts";
import { peerCertificate, thumbprintOf, tlsOf } from "./tls-server.ts";

interface ForwardProxyOptions {
  /** Whom it serves: everybody, unless given. */
  readonly user?: { readonly username: string; readonly password: string };
  /** Makes it an https proxy, which asks for client certificates. */
  readonly authority?: CertificateAuthority;
}

interface ProxiedRequest {
  /** CONNECT for a tunnel. */
  readonly method: string;
  /** Host and port that it was for. */
  readonly target: string;
  readonly username: string;
  /** `x5t#S256` of the certificate that the client showed to the proxy. */
  readonly certificate: string | undefined;
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
export async function startForwardProxy({
  user,
  authority,
}: ForwardProxyOptions = {}): Promise<ForwardProxy> {
  const requests: ProxiedRequest[] = [];
  const tls = authority && (await tlsOf(authority, { asksForCertificate: true }));
  const server = new Server({
    ...(tls ? { serverType: "https", httpsOptions: tls } : { serverType: "http" }),
    port: 0,
    host: "127.0.0.1",
    prepareRequestFunction: ({ request, hostname, port, username, password }) => {
      const isAllowed =
        user === undefined || (user.username === username && user.password === password);
      const method = request.method ?? "";
      const shown = peerCertificate(request);
      const certificate = shown && thumbprintOf(shown);
      requests.push({ method, target: `${hostname}:${port}`, username, certificate, isAllowed });
      return { requestAuthentication: !isAllowed, dnsLookup: thisMachine };
    },
  });
  await server.listen();
  return {
    // By its name: undici tells a server the name it asks for, and an address is none.
    url: tls ? `https://localhost:${server.port}` : `http://127.0.0.1:${server.port}`,
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
