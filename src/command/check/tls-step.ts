import { isIP, type Socket } from "node:net";
import { connect, type PeerCertificate, type TLSSocket } from "node:tls";
import { errorCodeOf } from "../../checks/error-code.ts";
import type { ResolvedTransport } from "../../endpoint/resolved-transport.ts";
import { secureContext } from "../../http/secure-context.ts";
import { proxyWithCredentials } from "./proxy-step.ts";
import { type Finding, failed, passed, skipped, warning } from "./step.ts";
import { hostOf, placeOf, portOf, type Target } from "./target.ts";
import { openTunnel } from "./tunnel.ts";

const timeoutMs = 10_000;
const soonMs = 14 * 86_400_000;

const unknownAuthority = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

/** Whether a server's certificate is trusted, who issued it, and when it expires. */
export async function checkTls(
  target: Target,
  transport: ResolvedTransport | undefined,
): Promise<Finding> {
  const { url } = target;
  if (url.protocol !== "https:") return skipped(`${placeOf(url)} is plain http`);
  try {
    const through = await connectionTo(target, transport);
    const socket = await handshake(url, through, transport);
    const finding = findingOf(url, socket);
    socket.destroy();
    return finding;
  } catch (error) {
    const code = errorCodeOf(error) ?? (error instanceof Error ? error.message : "error");
    const fix =
      code === "ECONNREFUSED"
        ? `nothing listens there: check ${target.field}`
        : `check ${target.field}, and whether a firewall or a proxy is in the way`;
    return failed(`${placeOf(url)} can't be reached (${code})`, fix);
  }
}

async function connectionTo(
  { url, proxy }: Target,
  transport: ResolvedTransport | undefined,
): Promise<Socket | undefined> {
  if (proxy === undefined) return undefined;
  return openTunnel(proxyWithCredentials(transport?.settings, url), url);
}

async function handshake(
  url: URL,
  through: Socket | undefined,
  transport: ResolvedTransport | undefined,
): Promise<TLSSocket> {
  const host = hostOf(url);
  const context = transport === undefined ? {} : await secureContext(transport);
  return new Promise((resolve, reject) => {
    const socket = connect({
      ...(through === undefined ? { host, port: portOf(url) } : { socket: through }),
      ...(isIP(host) === 0 && { servername: host }),
      ...context,
      // What is wrong with the certificate is read from it, and nothing is sent.
      rejectUnauthorized: false,
    });
    socket.setTimeout(timeoutMs, () =>
      socket.destroy(Object.assign(new Error("no response"), { code: "ETIMEDOUT" })),
    );
    socket.once("secureConnect", () => resolve(socket));
    socket.once("error", reject);
  });
}

function findingOf(url: URL, socket: TLSSocket): Finding {
  const certificate = socket.getPeerCertificate();
  const { authorizationError } = socket;
  const code = String(errorCodeOf(authorizationError) ?? authorizationError ?? "");
  const issuer = issuerOf(certificate);
  const expiresAt = new Date(certificate.valid_to);
  const host = hostOf(url);
  if (unknownAuthority.has(code)) {
    return failed(
      `the certificate of ${host} is from ${issuer}, which is not trusted here (${code})`,
      "set transport.ca to the authority's certificate (PEM; needs undici), or start Node.js with NODE_EXTRA_CA_CERTS",
    );
  }
  if (code === "CERT_HAS_EXPIRED") {
    return failed(
      `the certificate of ${host} expired on ${dateOf(expiresAt)}`,
      "have it renewed by those who run the server; check this machine's clock, too",
    );
  }
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return failed(
      `the certificate is for ${namesIn(certificate)}, and not for ${host}`,
      "use a host name that the certificate has",
    );
  }
  if (code !== "")
    return failed(
      `the certificate of ${host} is rejected (${code})`,
      "check the server's certificate",
    );
  const shown = `${host}: ${socket.getProtocol()}, issued by ${issuer}, expires on ${dateOf(expiresAt)}`;
  const leftMs = expiresAt.getTime() - Date.now();
  return leftMs < soonMs
    ? warning(shown, `renew the certificate within ${Math.floor(leftMs / 86_400_000)} days`)
    : passed(shown);
}

function issuerOf({ issuer }: PeerCertificate): string {
  return [issuer?.O ?? issuer?.CN ?? "an unnamed authority"].flat().join(" ");
}

function namesIn({ subject, subjectaltname = "" }: PeerCertificate): string {
  const names = subjectaltname.split(", ").filter((name) => name !== "");
  const [first = subject?.CN ?? "nobody", ...others] = names.map((name) =>
    name.replace(/^DNS:/, ""),
  );
  return others.length > 2
    ? `${first} and ${others.length} more names`
    : [first, ...others].join(", ");
}

function dateOf(date: Date): string {
  return Number.isNaN(date.getTime()) ? "an unknown date" : date.toISOString().slice(0, 10);
}
