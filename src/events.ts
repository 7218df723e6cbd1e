import { channel } from "node:diagnostics_channel";
import {
  type AnyEndpointSecurityError,
  ConfigurationError,
  type ConfigurationProblem,
  type NotReplayedReason,
} from "./errors.ts";

/** The events of an `EndpointSecurity`, by name. Nothing in them is secret. */
export interface EndpointSecurityEvents {
  /** A token came from the token endpoint. */
  tokenObtained: {
    readonly endpoint: string;
    readonly grantType: string;
    /**
     * Why it was requested: there was none (`missing`), the current one is getting old (`ahead`), or the
     * backend rejected it (`rejected`).
     */
    readonly trigger: "missing" | "ahead" | "rejected";
    /** How many requests it took, retries included. */
    readonly attempts: number;
    /** How long the token request took, in milliseconds. */
    readonly durationMs: number;
    /** The token endpoint, without its query. */
    readonly tokenUrl: string;
    /** Milliseconds since the epoch. */
    readonly expiresAt: number;
    readonly scope: string | undefined;
  };
  /** A token came with fewer scopes than were requested. */
  scopeReduced: {
    readonly endpoint: string;
    /** Space-separated, as `granted`. */
    readonly requested: string;
    readonly granted: string;
    readonly missing: readonly string[];
  };
  /** A token request failed. */
  tokenRequestFailed: {
    readonly endpoint: string;
    readonly grantType: string;
    readonly durationMs: number;
    /** The token endpoint, without its query; the issuer where it could not be discovered. */
    readonly tokenUrl: string;
    readonly error: AnyEndpointSecurityError;
  };
  /** After a failure, no token request is sent for a while; callers get the error at once. */
  coolDownStarted: {
    readonly endpoint: string;
    readonly grantType: string;
    /** The token endpoint was unavailable, or it rejected the request. */
    readonly reason: "unavailable" | "rejected";
    /** Milliseconds since the epoch. */
    readonly until: number;
  };
  /** A token came from the shared cache: another process had requested it. */
  tokenFound: {
    readonly endpoint: string;
    /** How long the other process was waited for, in milliseconds; 0 where the token was there. */
    readonly waitedMs: number;
  };
  /** A backend rejected the credentials of a request. */
  credentialsRejected: {
    readonly endpoint: string;
    readonly status: number;
    /** Whether the request was replayed. */
    readonly replayed: boolean;
    /**
     * Why it was not replayed: `body_not_replayable` (a stream), `renewal_limit` (`maxForcedRenewals`),
     * `other_scheme` (see `challengeMismatch`), `token_unavailable` (see `tokenRequestFailed`),
     * `insufficient_scope`, `rejected_again` (the new credentials were rejected, too), `not_renewable`
     * (user name and password, or a key). Undefined where it was replayed.
     */
    readonly reason: NotReplayedReason | undefined;
  };
  /**
   * A redirect led out of the endpoint, so that the credentials stayed behind, and the request was
   * rejected there. Often `url` is an old address: set the one that it redirects to.
   */
  redirectLostCredentials: {
    readonly endpoint: string;
    /** Without query, as `to`. */
    readonly from: string;
    readonly to: string;
    /** 401 or 403. */
    readonly status: number;
    readonly message: string;
  };
  /**
   * A backend answered 401 and asks for another kind of credentials than its endpoint is configured
   * for. Emitted once, until the backend takes them or asks for something else.
   */
  challengeMismatch: {
    readonly endpoint: string;
    /** The endpoint's `type`. */
    readonly configured: "oauth2" | "basic" | "digest" | "api_key" | "bearer";
    /** The schemes that it asks for: `Digest`, `DPoP`, … */
    readonly asked: readonly string[];
    /** What is wrong, and the fix. */
    readonly message: string;
  };
  /**
   * A backend answered a Digest request, and its own proof that it knows the password (`rspauth`) is
   * wrong. The caller gets the answer all the same.
   */
  serverProofFailed: { readonly endpoint: string };
  /**
   * The cache began to fail or to be too slow, or held something unusable. No call fails for it. One
   * event stands for all that goes wrong until `cacheRecovered`.
   */
  cacheFailed: {
    readonly operation: "connect" | "get" | "set" | "delete" | "lease";
    readonly reason: "timeout" | "error" | "unusable_entry";
    /** What the cache said, with nothing of the entry in it. */
    readonly message: string;
  };
  /** The cache works again. */
  cacheRecovered: Readonly<Record<string, never>>;
}

export type EventName = keyof EndpointSecurityEvents;

/** A promise that a listener returns is not waited for. */
export type Listener<Name extends EventName> = (event: EndpointSecurityEvents[Name]) => unknown;

/** A listener of all events, such as a logger. */
export type AnyListener = <Name extends EventName>(
  name: Name,
  event: EndpointSecurityEvents[Name],
) => unknown;

/** Calls the listeners of an event. */
export type Emit = <Name extends EventName>(
  name: Name,
  event: EndpointSecurityEvents[Name],
) => void;

/** A record, so that no event can be left out. */
type Listeners = { readonly [Name in EventName]: Set<Listener<Name>> };

function noListeners(): Listeners {
  return {
    tokenObtained: new Set(),
    scopeReduced: new Set(),
    tokenRequestFailed: new Set(),
    coolDownStarted: new Set(),
    tokenFound: new Set(),
    credentialsRejected: new Set(),
    redirectLostCredentials: new Set(),
    challengeMismatch: new Set(),
    serverProofFailed: new Set(),
    cacheFailed: new Set(),
    cacheRecovered: new Set(),
  };
}

/** Typed listeners of one instance. */
export class Events {
  #listeners = noListeners();
  readonly #anyListeners = new Set<AnyListener>();

  /** @throws ConfigurationError */
  on<Name extends EventName>(name: Name, listener: Listener<Name>): () => void {
    const problems: ConfigurationProblem[] = [];
    if (!Object.hasOwn(this.#listeners, name)) {
      const fix = `use ${Object.keys(this.#listeners).join(", ")}`;
      problems.push({ path: "name", problem: "must be the name of an event", fix });
    }
    if (typeof listener !== "function") {
      problems.push({ path: "listener", problem: "must be a function", fix: "pass a function" });
    }
    if (problems.length > 0) throw new ConfigurationError({ problems });
    const listeners: Set<Listener<Name>> = this.#listeners[name];
    // A function of its own each time: the same listener may be added twice and removed once.
    const entry: Listener<Name> = (event) => listener(event);
    listeners.add(entry);
    return () => void listeners.delete(entry);
  }

  /** @throws ConfigurationError */
  onAny(listener: AnyListener): () => void {
    if (typeof listener !== "function") {
      const problem = { path: "listener", problem: "must be a function", fix: "pass a function" };
      throw ConfigurationError.of(problem);
    }
    const entry: AnyListener = (name, event) => listener(name, event);
    this.#anyListeners.add(entry);
    return () => void this.#anyListeners.delete(entry);
  }

  readonly emit: Emit = (name, event) => {
    // Copies: a listener may add or remove listeners.
    for (const listener of [...this.#listeners[name]]) call(name, () => listener(event));
    for (const listener of [...this.#anyListeners]) call(name, () => listener(name, event));
    // For tracers, which hear of all instances.
    const published = channel(`endpoint-security:${name}`);
    if (published.hasSubscribers) published.publish(event);
  };

  clear(): void {
    this.#listeners = noListeners();
    this.#anyListeners.clear();
  }
}

/** A listener that throws is reported as a warning and fails no call. */
function call(name: EventName, listener: () => unknown): void {
  const warn = (error: unknown) =>
    process.emitWarning(
      `a listener of "${name}" threw ${error instanceof Error ? error.name : typeof error}`,
      "EndpointSecurityWarning",
    );
  try {
    const returned = listener();
    if (returned instanceof Promise) returned.catch(warn);
  } catch (error) {
    warn(error);
  }
}
