import { ConfigurationError } from "../errors.ts";
import type { DpopKeys } from "./dpop-key.ts";
import { givenAssertion } from "./given-assertion.ts";
import type { OwnGrantStrategy } from "./grant-strategy.ts";
import type { Identity } from "./identity.ts";
import { type PrivateKeySource, readPrivateKey, type SigningKey } from "./private-key.ts";
import type { OAuth2Settings, ResolvedEndpoint } from "./resolved-endpoint.ts";
import {
  type TransportOfInstance,
  type TransportSettings,
  transportSettings,
} from "./resolved-transport.ts";
import { readSecret, type Secret } from "./secrets.ts";
import type { Snapshot } from "./snapshot.ts";
import type { Transport } from "./transport-fields.ts";
import { labelOf, validate } from "./validation.ts";

const defaultTimeoutMs = 10_000;

/** What the endpoints of an instance have in common. */
interface Instance {
  readonly refreshAhead: number | false;
  readonly identity: Identity;
  readonly dpopKeys: DpopKeys;
  readonly transports: TransportOfInstance;
}

/**
 * A configuration as it was when it was seen. Made when it is needed and not kept: there may be many
 * endpoints, and between two token requests nobody asks.
 */
export class KnownEndpoint {
  readonly #seen: Snapshot;
  readonly #grants: ReadonlyMap<string, OwnGrantStrategy>;

  constructor(seen: Snapshot, grants: ReadonlyMap<string, OwnGrantStrategy>) {
    this.#seen = seen;
    this.#grants = grants;
  }

  /** @throws ConfigurationError with everything that is wrong */
  validate(): this {
    validate(this.config, this.#grants);
    return this;
  }

  /** A copy of the configuration that nobody can change. */
  get config(): Readonly<Record<string, unknown>> {
    return this.#seen.restored() as Readonly<Record<string, unknown>>;
  }

  /** An OAuth 2.0 endpoint's. Until its token endpoint is discovered, the issuer stands for it. */
  get settings(): OAuth2Settings {
    const settings = this.config as unknown as OAuth2Settings;
    return { ...settings, tokenUrl: settings.tokenUrl ?? settings.issuer };
  }

  get label(): string {
    return labelOf(this.config);
  }

  get type(): "oauth2" | "basic" | "digest" | "api_key" {
    return (this.config.type as "basic" | "digest" | "api_key" | undefined) ?? "oauth2";
  }

  /** How many client secrets there are to try. */
  get secretCount(): number {
    const { clientSecret } = this.config;
    return Array.isArray(clientSecret) ? clientSecret.length : 1;
  }

  /**
   * The values of the credentials named, those of functions read now.
   * @param which of several secrets
   */
  async credentials(
    names: readonly string[],
    which = 0,
  ): Promise<Readonly<Record<string, string>>> {
    const { config, label } = this;
    const timeoutMs = (config.tokenRequestTimeoutMs as number | undefined) ?? defaultTimeoutMs;
    const given = names.filter((name) => config[name] !== undefined);
    const values = await Promise.all(
      given.map(async (name) => {
        const secret = config[name];
        const one = (Array.isArray(secret) ? secret[which] : secret) as Secret;
        return [name, await readSecret(name, one, label, timeoutMs)];
      }),
    );
    return Object.fromEntries(values) as Record<string, string>;
  }

  /**
   * An OAuth 2.0 endpoint with its credentials read now.
   * @param which of several client secrets: each makes an endpoint of its own
   */
  async resolve(
    { identity, refreshAhead, dpopKeys, transports }: Instance,
    which = 0,
  ): Promise<ResolvedEndpoint> {
    const { config, label, settings } = this;
    const strategy = this.#grants.get(settings.grantType);
    if (strategy === undefined || this.type !== "oauth2") {
      throw new ConfigurationError({
        endpoint: label,
        problems: [
          {
            path: "type",
            problem: `is "${this.type}", which has no tokens`,
            mend: "use getAuthHeaders, or an OAuth 2.0 endpoint",
          },
        ],
      });
    }
    const names = ["clientSecret", ...Object.keys(strategy.credentials ?? {})];
    const timeoutMs = settings.tokenRequestTimeoutMs ?? defaultTimeoutMs;
    const [credentials, keys, assertion, transport] = await Promise.all([
      this.credentials(names, which),
      this.#keys(strategy, timeoutMs, dpopKeys),
      givenAssertion(config, label, timeoutMs),
      this.transport(transports)?.resolve(),
    ]);
    const fields = validate(config, this.#grants);
    const proofs = Object.entries(keys).map(([name, key]) => [name, key.identity]);
    const { clientCertificate } = transport ?? {};
    return {
      identity: await identity.of(config, {
        ...credentials,
        ...Object.fromEntries(proofs),
        ...(assertion !== undefined && { clientAssertion: assertion.identity }),
        ...(clientCertificate && { clientCertificate: clientCertificate.fingerprint }),
      }),
      label,
      settings: { ...settings, refreshAhead: settings.refreshAhead ?? refreshAhead },
      strategy,
      fields,
      credentials,
      keys,
      givenAssertion: assertion,
      transport,
    };
  }

  /** How its requests travel, where that was said. */
  transport(instance: TransportOfInstance): TransportSettings | undefined {
    const { config, label: endpoint } = this;
    const { transport, tokenRequestTimeoutMs: timeoutMs = defaultTimeoutMs } = config as {
      readonly transport?: Transport;
      readonly tokenRequestTimeoutMs?: number;
    };
    return transportSettings(transport, instance, { endpoint, timeoutMs });
  }

  /** The private keys of the client and of the grant, read now, and the one that tokens are bound to. */
  async #keys(
    strategy: OwnGrantStrategy,
    timeoutMs: number,
    dpopKeys: DpopKeys,
  ): Promise<Readonly<Record<string, SigningKey>>> {
    const { config, label } = this;
    const text = (name: string) => config[name] as string | undefined;
    const given = ["client", ...(strategy.signers ?? [])].filter(
      (signer) => config[`${signer}PrivateKey`] !== undefined,
    );
    const keys = await Promise.all(
      given.map(async (signer): Promise<[string, SigningKey]> => {
        const field = `${signer}PrivateKey`;
        const prefix = signer === "client" ? "clientAssertion" : signer;
        const algorithmField = `${prefix}Algorithm`;
        const key = await readPrivateKey(field, config[field] as PrivateKeySource, {
          endpoint: label,
          timeoutMs,
          algorithm: text(algorithmField),
          algorithmField,
          keyId: text(`${field}Id`),
        });
        return [field, key];
      }),
    );
    const { dpop } = config as unknown as OAuth2Settings;
    if (dpop) keys.push(["dpop", await dpopKeys.of(dpop, label)]);
    return Object.fromEntries(keys);
  }
}
