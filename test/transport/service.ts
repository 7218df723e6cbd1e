import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";
import type { CertificateAuthority } from "../servers/certificate-authority.ts";
import { listen, respond } from "../servers/http-server.ts";
import { isPeerAuthorised, peerCertificate, thumbprintOf, tlsOf } from "../servers/tls-server.ts";
import { issue } from "../tokens/token-endpoint.ts";

interface ServiceRequest {
  readonly path: string;
  readonly authorization: string | undefined;
  /** `x5t#S256` of the certificate that the client showed. */
  readonly certificate: string | undefined;
  /** Whether the service knows the authority that the certificate comes from. */
  readonly isAuthorised: boolean;
  /** Of a token request. */
  readonly form: URLSearchParams;
}

/** Leaves the answer to the service where it gives none. */
type Answer = (res: ServerResponse, request: ServiceRequest) => unknown;

export type Service = Awaited<ReturnType<typeof startService>>;

/**
 * A token endpoint at `/token` that issues `token-1`, `token-2`, …, and a backend that takes anything
 * elsewhere. With `authority` it serves by TLS and asks for client certificates. Closed when the test
 * is over.
 */
export async function startService({
  authority,
  answer = () => false,
}: {
  readonly authority?: CertificateAuthority;
  /** Answers in place of the service, unless it returns false. */
  readonly answer?: Answer;
} = {}) {
  const requests: ServiceRequest[] = [];
  let issued = 0;
  const server = await listen(
    async (req, res) => {
      const request = await requestOf(req);
      requests.push(request);
      if ((await answer(res, request)) !== false) return;
      if (request.path !== "/token") return respond(res, 200, { ok: true });
      issued += 1;
      issue(res, `token-${issued}`);
    },
    authority && { tls: await tlsOf(authority, { asksForCertificate: true }) },
  );
  onTestFinished(server.close);
  return {
    origin: server.origin,
    port: server.port,
    tokenUrl: `${server.origin}/token`,
    connections: server.connections,
    requests: requests as readonly ServiceRequest[],
    /** The paths asked for, in order of arrival. */
    get paths() {
      return requests.map(({ path }) => path);
    },
    /** The certificates shown, in order of arrival. */
    get certificates() {
      return requests.map(({ certificate }) => certificate);
    },
  };
}

async function requestOf(req: IncomingMessage): Promise<ServiceRequest> {
  const certificate = peerCertificate(req);
  return {
    path: req.url ?? "",
    authorization: req.headers.authorization,
    certificate: certificate && thumbprintOf(certificate),
    isAuthorised: certificate !== undefined && isPeerAuthorised(req),
    form: new URLSearchParams(await text(req)),
  };
}

/** An endpoint whose backend and token endpoint are both the service. */
export function orders<const More extends object = object>(
  service: Pick<Service, "origin" | "tokenUrl">,
  more?: More,
) {
  return {
    name: "orders",
    url: service.origin,
    grantType: "client_credentials" as const,
    tokenUrl: service.tokenUrl,
    clientId: "checkout",
    clientSecret: "checkout-secret",
    tokenRequest: { retries: 0, coolDownMs: 0 },
    ...(more as More),
  };
}

/** An endpoint that needs no token, for what is about the backend alone. */
export function account<const More extends object = object>(url: string, more?: More) {
  return {
    name: "account",
    type: "basic" as const,
    url,
    username: "me",
    password: "my-password",
    ...(more as More),
  };
}
