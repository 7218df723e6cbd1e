import type { Dispatcher } from "undici";
import type { ResolvedTransport } from "../endpoint/resolved-transport.ts";
import type { Dispatchers } from "./dispatchers.ts";
import type { Fetch } from "./fetch-types.ts";

/** For how long a certificate that may be replaced is taken for the one it was. */
const lookAgainAfterMs = 1_000;

interface Means {
  readonly dispatchers: Dispatchers;
  /** Reads the client certificate, where there is one. */
  resolve(): Promise<ResolvedTransport>;
  /** The transport by which the current token was requested: it may be bound to that certificate. */
  wayOfToken(): ResolvedTransport | undefined;
  /** Told when the certificate is another one than before. */
  certificateChanged(): void;
}

/** How a wrapper's requests get to the backend, where the configuration says something of that. */
export class BackendRoute {
  readonly #means: Means;
  #transport: ResolvedTransport | undefined;
  #lookAgainAt = 0;
  #looking: Promise<ResolvedTransport> | undefined;

  constructor(means: Means) {
    this.#means = means;
  }

  /** Looks at the certificate as it is now. To be called before credentials are asked for. */
  async transport({ isOld = false } = {}): Promise<ResolvedTransport> {
    const known = this.#transport;
    if (known !== undefined && !isOld && performance.now() < this.#lookAgainAt) return known;
    this.#looking ??= this.#look(known).finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /** What undici sends requests by. */
  async dispatcher(): Promise<Dispatcher> {
    return this.#means.dispatchers.of(await this.#way());
  }

  /** The fetch that was given, or the global one, on this way. */
  fetch(given: Fetch | undefined): Fetch {
    return async (input, init) => {
      const fetch = this.#means.dispatchers.fetch(await this.#way(), given);
      return (await fetch)(input, init);
    };
  }

  /** The same way to somebody else, who isn't shown the certificate. */
  async fetchElsewhere(given: Fetch | undefined): Promise<Fetch> {
    const { settings, name } = await this.transport();
    const bare = { settings, clientCertificate: undefined, name: `${name} without certificate` };
    return this.#means.dispatchers.fetch(bare, given);
  }

  /** To be asked for once there are credentials. */
  async #way(): Promise<ResolvedTransport> {
    return this.#means.wayOfToken() ?? this.transport();
  }

  async #look(known: ResolvedTransport | undefined): Promise<ResolvedTransport> {
    let transport: ResolvedTransport;
    try {
      transport = await this.#means.resolve();
    } catch (error) {
      // The current one is still the best there is.
      if (known === undefined) throw error;
      transport = known;
    }
    this.#transport = transport;
    this.#lookAgainAt = isFixed(transport) ? Infinity : performance.now() + lookAgainAfterMs;
    const { clientCertificate } = transport;
    const before = this.#means.wayOfToken() ?? known;
    if (clientCertificate?.fingerprint !== before?.clientCertificate?.fingerprint) {
      this.#means.certificateChanged();
    }
    return transport;
  }
}

function isFixed({ settings }: ResolvedTransport): boolean {
  const { certificateFile, privateKey, passphrase } = settings.clientCertificate ?? {};
  const isRead = typeof privateKey === "function" || typeof passphrase === "function";
  return certificateFile === undefined && !isRead;
}
