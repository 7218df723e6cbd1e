import { type ChallengeMismatch, isWellKnown, mismatchIn } from "./challenge-mismatch.ts";
import { shownUrl } from "./checks/url-checks.ts";
import { labelOf, type ParsedEndpoint } from "./configuration/parsed-endpoint.ts";
import type { ClientCertificates } from "./credentials/client-certificate.ts";
import { resolveTransport } from "./endpoint/resolved-transport.ts";
import { ConfigurationError } from "./errors.ts";
import type { Emit } from "./events.ts";
import type { CredentialHeaders } from "./http/authenticator.ts";
import type { BackendAccess, LeavingRedirect } from "./http/authorised-fetch.ts";
import { BackendRoute } from "./http/backend-route.ts";
import { Destination } from "./http/destination.ts";
import type { Dispatchers } from "./http/dispatchers.ts";
import { blamesToken, credentialIn } from "./http/other-scheme.ts";
import type { Rejection } from "./http/replay.ts";
import { authenticatorOf, type KnownEndpoint } from "./known-endpoints.ts";
import { EndpointTokens } from "./tokens/endpoint-tokens.ts";

interface BackendsDependencies {
  readonly emit: Emit;
  readonly dispatchers: Dispatchers;
  readonly clientCertificates: ClientCertificates;
}

/** What is known of a backend's responses. */
interface Reception {
  mismatch: ChallengeMismatch | undefined;
  /** The credential that it accepted last. */
  accepted: string | undefined;
}

/** What the wrappers need to reach the backends of one instance. */
export class Backends {
  readonly #dependencies: BackendsDependencies;
  readonly #receptions = new WeakMap<KnownEndpoint, Reception>();

  constructor(dependencies: BackendsDependencies) {
    this.#dependencies = dependencies;
  }

  /** The access to a backend whose configuration may change between two requests. */
  opener(find: () => KnownEndpoint): () => BackendAccess {
    let last: KnownEndpoint | undefined;
    let access: BackendAccess | undefined;
    return () => {
      const known = find();
      if (access === undefined || known !== last) {
        last = known;
        access = this.#accessTo(known);
      }
      return access;
    };
  }

  /** @throws ConfigurationError if the endpoint has no `url` */
  #accessTo(endpoint: KnownEndpoint): BackendAccess {
    const { url } = endpoint.endpoint;
    const label = labelOf(endpoint.endpoint);
    if (url === undefined) {
      throw ConfigurationError.of(
        {
          path: "url",
          problem: "is missing: a wrapper must know where credentials may go",
          fix: "set the backend's URL",
        },
        label,
      );
    }
    const reception = this.#receptions.get(endpoint) ?? {
      mismatch: undefined,
      accepted: undefined,
    };
    this.#receptions.set(endpoint, reception);
    return {
      authenticator: authenticatorOf(endpoint),
      destination: new Destination(url, label),
      rejected: (rejection) => this.#rejected(endpoint, reception, rejection),
      accepted: (sent) => {
        reception.mismatch = undefined;
        reception.accepted = credentialIn(sent);
      },
      hasAccepted: (sent) => isAccepted(sent, reception),
      left: (redirect) => this.#left(label, redirect),
      ...this.#connectionTo(endpoint),
    };
  }

  /** The kind of credentials that the backend last asked for instead of those it was sent. */
  mismatchOf(endpoint: KnownEndpoint): ChallengeMismatch | undefined {
    return this.#receptions.get(endpoint)?.mismatch;
  }

  #connectionTo(endpoint: KnownEndpoint): Pick<BackendAccess, "route" | "timeoutMs"> {
    const { dispatchers, clientCertificates } = this.#dependencies;
    const { transport } = endpoint.endpoint;
    if (transport === undefined) return { route: undefined, timeoutMs: undefined };
    const reader = {
      endpoint: labelOf(endpoint.endpoint),
      timeoutMs: secretTimeoutOf(endpoint.endpoint),
    };
    const tokens = endpoint instanceof EndpointTokens ? endpoint : undefined;
    const route = new BackendRoute({
      dispatchers,
      resolve: () => resolveTransport(transport, clientCertificates, reader),
      wayOfToken: () => tokens?.transportOfLast,
      certificateChanged: () => tokens?.reconsider(),
    });
    return { route, timeoutMs: transport.timeoutMs };
  }

  #rejected(endpoint: KnownEndpoint, reception: Reception, rejection: Rejection): void {
    const { emit } = this.#dependencies;
    const { type } = endpoint.endpoint;
    const label = labelOf(endpoint.endpoint);
    const { sent, status, replayed, reason, challenge } = rejection;
    // Digest sends its first request without credentials, to get the challenge.
    if (type !== "digest" || Object.keys(sent).length > 0) {
      emit("credentialsRejected", { endpoint: label, status, replayed, reason });
    }
    // Credentials that were accepted before are of the right kind, and so is a token that is blamed
    // under a scheme of the backend's own.
    const isRightKind =
      isAccepted(sent, reception) || (blamesToken(challenge) && !isWellKnown(challenge));
    const mismatch = isRightKind ? undefined : mismatchIn(type, rejection);
    const isNew = mismatch !== undefined && mismatch.message !== reception.mismatch?.message;
    reception.mismatch = mismatch;
    if (isNew) emit("challengeMismatch", { endpoint: label, ...mismatch });
  }

  #left(endpoint: string, { from, to, status }: LeavingRedirect): void {
    if (status !== 401 && status !== 403) return;
    const shown = { from: shownUrl(from), to: shownUrl(to) };
    const message = `${shown.from} redirected to ${shown.to}, which is not below the endpoint's url, so the credentials were not sent there (${status}); if that is the backend, set url to its address`;
    this.#dependencies.emit("redirectLostCredentials", { endpoint, ...shown, status, message });
  }
}

function isAccepted(sent: CredentialHeaders, { accepted }: Reception): boolean {
  const credential = credentialIn(sent);
  return credential !== undefined && credential === accepted;
}

function secretTimeoutOf(endpoint: ParsedEndpoint): number {
  return endpoint.type === "oauth2" ? endpoint.tokenRequest.timeoutMs : endpoint.secretTimeoutMs;
}
