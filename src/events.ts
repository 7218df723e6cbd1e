import {
  type AnyEndpointSecurityError,
  ConfigurationError,
  type ConfigurationProblem,
} from "./errors.ts";

/** What an `EndpointSecurity` tells its listeners. Nothing in it is secret. */
export interface EndpointSecurityEvents {
  /** A token came from the token endpoint. */
  tokenObtained: {
    readonly endpoint: string;
    readonly grantType: string;
    /** Whether it replaces a token that the backend refused. */
    readonly afterRejection: boolean;
    /** How long the token request took, in milliseconds. */
    readonly durationMs: number;
    /** Milliseconds since the epoch. */
    readonly expiresAt: number;
    readonly scope: string | undefined;
  };
  /** A token request failed. */
  tokenRequestFailed: {
    readonly endpoint: string;
    readonly grantType: string;
    readonly durationMs: number;
    readonly error: AnyEndpointSecurityError;
  };
  /** A backend refused the credentials it was sent. */
  credentialsRejected: {
    readonly endpoint: string;
    readonly status: number;
    /** Whether the request was sent once more. */
    readonly replayed: boolean;
  };
  /**
   * A backend answered 401 and asks for another kind of credentials than its endpoint is configured
   * for. Told once, until the backend takes them or asks for something else.
   */
  challengeMismatch: {
    readonly endpoint: string;
    /** The endpoint's `type`. */
    readonly configured: "oauth2" | "basic" | "digest" | "api_key";
    /** The schemes that it asks for: `Digest`, `DPoP`, … */
    readonly asked: readonly string[];
    /** What is wrong, and the mend. */
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

/** A record, so that none can be left out. */
const eventNames: Readonly<Record<EventName, true>> = {
  tokenObtained: true,
  tokenRequestFailed: true,
  credentialsRejected: true,
  challengeMismatch: true,
  serverProofFailed: true,
  cacheFailed: true,
  cacheRecovered: true,
};

export type Listener<Name extends EventName> = (event: EndpointSecurityEvents[Name]) => void;

/** Calls the listeners of an event. */
export type Emit = <Name extends EventName>(
  name: Name,
  event: EndpointSecurityEvents[Name],
) => void;

/** Typed listeners of one instance. */
export class Events {
  readonly #listeners = new Map<EventName, Set<(event: never) => void>>();

  /** @throws ConfigurationError */
  on<Name extends EventName>(name: Name, listener: Listener<Name>): () => void {
    const problems: ConfigurationProblem[] = [];
    if (!Object.hasOwn(eventNames, name)) {
      const mend = `use ${Object.keys(eventNames).join(", ")}`;
      problems.push({ path: "name", problem: "is no event's name", mend });
    }
    if (typeof listener !== "function") {
      problems.push({ path: "listener", problem: "is no function", mend: "give one" });
    }
    if (problems.length > 0) throw new ConfigurationError({ problems });
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners);
    // A function of its own each time: the same listener may be added twice and removed once.
    const entry = (event: never) => listener(event);
    listeners.add(entry);
    return () => void listeners.delete(entry);
  }

  readonly emit: Emit = (name, event) => {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        listener(event as never);
      } catch (error) {
        // A listener's mistake is its owner's to see, and no reason for a call to fail.
        process.emitWarning(
          `a listener of "${name}" threw ${error instanceof Error ? error.name : typeof error}`,
          "EndpointSecurityWarning",
        );
      }
    }
  };

  clear(): void {
    this.#listeners.clear();
  }
}
