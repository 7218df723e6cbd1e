import { plainEntries } from "./cache/entry-codec.ts";
import type { GuardedCache } from "./cache/guarded-cache.ts";
import type { MemoryCache } from "./cache/memory-cache.ts";
import { SealedEntries } from "./cache/sealed-entries.ts";
import type { Clock } from "./clock.ts";
import type { Emit } from "./events.ts";
import { CachedTokens } from "./tokens/cached-tokens.ts";
import type { CoolDown } from "./tokens/cool-down.ts";
import { MemorySource } from "./tokens/memory-source.ts";
import { outageFormat, SharedOutages } from "./tokens/shared-outages.ts";
import { SharedSource } from "./tokens/shared-source.ts";
import { SingleFlight } from "./tokens/single-flight.ts";
import type { TokenEndpointSource } from "./tokens/token-endpoint-source.ts";
import { tokenFormat } from "./tokens/token-format.ts";
import { TokenSet } from "./tokens/token-set.ts";
import type { TokenSource } from "./tokens/token-source.ts";
import type { Tracing } from "./tracing.ts";

interface Caches {
  readonly memory: MemoryCache;
  readonly shared: GuardedCache | undefined;
  readonly encryptionKeys: readonly string[];
  readonly clock: Clock;
  readonly tracing: Tracing;
  readonly emit: Emit;
}

/** Stacks the sources of tokens: each asks the next for what it lacks, at last the token endpoint. */
export function tokenSources(
  tokenEndpoint: TokenEndpointSource,
  coolDown: CoolDown,
  { memory, shared, encryptionKeys, clock, tracing, emit }: Caches,
): SingleFlight {
  let source: TokenSource = tokenEndpoint;
  if (shared !== undefined) {
    // Others may read a shared cache, so its entries are sealed; the memory of this process isn't shared.
    const tokens = new CachedTokens(shared, new SealedEntries(tokenFormat, encryptionKeys), clock);
    const outages = new SharedOutages(
      shared,
      new SealedEntries(outageFormat, encryptionKeys),
      clock,
    );
    source = new SharedSource(source, { cache: shared, tokens, outages, coolDown, clock, emit });
  }
  const cached = new MemorySource(
    source,
    new CachedTokens(memory, plainEntries(isTokenSet), clock),
    clock,
  );
  return new SingleFlight(cached, coolDown, { clock, tracing });
}

function isTokenSet(value: unknown): value is TokenSet {
  return value instanceof TokenSet;
}
