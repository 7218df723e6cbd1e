import type { GrantStrategy } from "../../configuration/grant-strategy.ts";
import type { EndpointSecurityOptions } from "../../options.ts";
import type { RedisCacheOptions } from "../../redis.ts";

/** An endpoint as it is written in a file. */
export interface WrittenEndpoint {
  readonly name: string;
  readonly config: unknown;
}

/** What a file says. */
export interface LoadedFile {
  readonly endpoints: readonly WrittenEndpoint[];
  readonly redis?: RedisCacheOptions | undefined;
  readonly grants?: readonly GrantStrategy[] | undefined;
  readonly defaults?: EndpointSecurityOptions | undefined;
}
