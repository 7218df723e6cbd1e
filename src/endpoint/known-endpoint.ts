import { ConfigurationError } from "../errors.ts";
import type { GrantStrategy } from "./grant-strategy.ts";
import type { Identity } from "./identity.ts";
import type { OAuth2Settings, ResolvedEndpoint } from "./resolved-endpoint.ts";
import { readSecret, type Secret } from "./secrets.ts";
import type { Snapshot } from "./snapshot.ts";
import { labelOf, validate } from "./validation.ts";

const defaultTimeoutMs = 10_000;

/** What the instance says where the endpoint doesn't. */
interface ResolveDefaults {
  readonly refreshAhead: number | false;
}

/**
 * A configuration as it was when it was seen. Made when it is needed and not kept: there may be many
 * endpoints, and between two token requests nobody asks.
 */
export class KnownEndpoint {
  readonly #seen: Snapshot;
  readonly #grants: ReadonlyMap<string, GrantStrategy>;

  constructor(seen: Snapshot, grants: ReadonlyMap<string, GrantStrategy>) {
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

  get label(): string {
    return labelOf(this.config);
  }

  get type(): "oauth2" | "basic" | "digest" | "api_key" {
    return (this.config.type as "basic" | "digest" | "api_key" | undefined) ?? "oauth2";
  }

  /** The values of the credentials named, those of functions read now. */
  async credentials(names: readonly string[]): Promise<Readonly<Record<string, string>>> {
    const { config, label } = this;
    const timeoutMs = (config.tokenRequestTimeoutMs as number | undefined) ?? defaultTimeoutMs;
    const given = names.filter((name) => config[name] !== undefined);
    const values = await Promise.all(
      given.map(async (name) => [
        name,
        await readSecret(name, config[name] as Secret, label, timeoutMs),
      ]),
    );
    return Object.fromEntries(values) as Record<string, string>;
  }

  /** An OAuth 2.0 endpoint with its credentials read now. */
  async resolve(identity: Identity, defaults: ResolveDefaults): Promise<ResolvedEndpoint> {
    const { config, label } = this;
    const settings = config as unknown as OAuth2Settings;
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
    const credentials = await this.credentials(names);
    const fields = validate(config, this.#grants);
    return {
      identity: await identity.of(config, credentials),
      label,
      settings: { ...settings, refreshAhead: settings.refreshAhead ?? defaults.refreshAhead },
      strategy,
      fields,
      credentials,
    };
  }
}
