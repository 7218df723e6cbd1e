import type { Point, Span } from "../chart.ts";
import { Chance } from "./chance.ts";
import { type Chapter, chapters } from "./chapters.ts";
import { Calls, Fleet } from "./fleet.ts";
import { ModelledRedis } from "./modelled-redis.ts";
import { ModelledTokenEndpoint } from "./modelled-token-endpoint.ts";
import type { Settings, Variant } from "./settings.ts";
import { installSynchronousCrypto } from "./synchronous-crypto.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** What a chapter came to. */
export interface ChapterFigures {
  readonly name: string;
  readonly title: string;
  readonly seconds: number;
  /** Tokens that were needed, over all endpoints: one for each renewal, or for the cold start. */
  readonly lifetimes: number;
  readonly tokenRequests: number;
  readonly tokenRequestsFailed: number;
  readonly tokenRequestsPeak: number;
  readonly redisOperations: number;
  readonly redisOperationsPeak: number;
  readonly redisReads: number;
  readonly redisLeaseAttempts: number;
  readonly cacheFailures: number;
  readonly calls: number;
  readonly errors: number;
  /** From the end of what happened to the last call that failed. */
  readonly failedForMsAfter: number;
  readonly errorNames: readonly string[];
  readonly withExpiredToken: number;
  readonly waitedMs: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly over: {
    readonly redisOperations: readonly Point[];
    readonly tokenRequests: readonly Point[];
    readonly longestWait: readonly Point[];
  };
  readonly spans: readonly Span[];
}

const clock = new VirtualClock();
const realNow = performance.now.bind(performance);
const slices = 40;

/** Lets one fleet live through all chapters. Once in a process: it takes over the clock. */
export async function tell(
  settings: Settings,
  variant: Variant,
  progress: (chapter: string, share: number) => void,
): Promise<readonly ChapterFigures[]> {
  const { instances, endpoints, callEveryMs, lifetimeMs, seed } = settings;
  const { refreshAhead } = variant;
  // The library's own defaults.
  const usableMs = lifetimeMs - Math.min(30_000, lifetimeMs / 10);
  const renewedAfterMs = refreshAhead === false ? usableMs : lifetimeMs * refreshAhead;
  const renewalMs = renewedAfterMs - usableMs;
  const chance = new Chance(seed);
  const redis = new ModelledRedis(clock, chance, {
    roundTripMs: settings.redisRoundTripMs,
    operationsPerSecond: settings.redisOperationsPerSecond,
  });
  const issuer = new ModelledTokenEndpoint(clock, chance, {
    latencyMs: settings.tokenLatencyMs,
    lifetimeMs,
    usableMs,
  });
  const fleet = new Fleet(clock, chance, redis, issuer, {
    instances,
    endpoints,
    callEveryMs,
    refreshAhead,
  });
  // What the library loads when it is first needed, since loading takes real time.
  await Promise.all([import("../../src/oauth/token-request.ts"), import("jose")]);
  clock.install();
  installSynchronousCrypto();
  Math.random = variant.jitter ? new Chance(seed + 1).next : () => 0.5;

  const wanted = chapters(renewalMs).filter(({ name, onRequest = false }, index) => {
    const asked = settings.only?.includes(name) ?? !onRequest;
    return index === 0 || (asked && (variant.chapters?.includes(name) ?? true));
  });
  const figures: ChapterFigures[] = [];
  for (const chapter of wanted) figures.push(await live(chapter));
  return figures;

  async function live(chapter: Chapter): Promise<ChapterFigures> {
    const { name, title, renewals } = chapter;
    const from = clock.elapsed;
    const calls = new Calls();
    fleet.calls = calls;
    fleet.cacheFailures = 0;
    if (from === 0) fleet.start();
    const cold = renewals === 0;
    const expiry = issuer.nextExpiry;
    const usualMs = renewalMs + (renewals - 0.5) * renewedAfterMs;
    const afterMs = Math.max(usualMs, chapter.afterMs ?? 0);
    const to = Math.ceil(cold ? renewedAfterMs / 2 : expiry + afterMs);
    for (const { fromMs, toMs, begin, end } of chapter.happenings) {
      clock.after(expiry + fromMs - from, () => begin({ redis, issuer }));
      clock.after(expiry + toMs - from, () => end({ redis, issuer }));
    }
    const began = realNow();
    for (let slice = 1; slice <= slices; slice++) {
      await clock.runUntil(from + ((to - from) * slice) / slices);
      progress(name, slice / slices);
    }
    if (process.env.SIMULATE_TIMES) {
      console.error(`${variant.name}: ${name} took ${Math.round(realNow() - began)} ms`);
    }
    // The picture leaves out most of the time in which nothing happens.
    const shownFrom = cold ? from : expiry - 15_000;
    const shownMs = Math.max((renewals - 1) * usableMs + 20_000, chapter.afterMs ?? 0);
    const shownTo = cold ? from + 2_000 : Math.min(to, expiry + shownMs);
    const endedAt = expiry + Math.max(0, ...chapter.happenings.map(({ toMs }) => toMs));
    const everyMs = cold ? 20 : 250;
    const asShown = (points: readonly Point[]): readonly Point[] =>
      points.map(([at, value]) => [at + (shownFrom - (cold ? from : expiry)) / 1_000, value]);
    return {
      name,
      title,
      seconds: (to - from) / 1_000,
      lifetimes: endpoints * Math.max(1, renewals),
      tokenRequests: issuer.requests.total(from, to),
      tokenRequestsFailed: issuer.failures.total(from, to),
      tokenRequestsPeak: issuer.requests.peakPerSecond(from, to),
      redisOperations: redis.operations.total(from, to),
      redisOperationsPeak: redis.operations.peakPerSecond(from, to),
      redisReads: redis.reads.total(from, to),
      redisLeaseAttempts: redis.leaseAttempts.total(from, to),
      cacheFailures: fleet.cacheFailures,
      calls: calls.waits.count,
      errors: calls.failed,
      failedForMsAfter: Math.max(0, calls.lastFailedAt - endedAt),
      errorNames: [...calls.errors.keys()],
      withExpiredToken: calls.withExpiredToken,
      waitedMs: {
        p50: calls.waits.quantile(0.5),
        p99: calls.waits.quantile(0.99),
        max: calls.waits.quantile(1),
      },
      over: {
        redisOperations: asShown(redis.operations.perSecond(shownFrom, shownTo, everyMs)),
        tokenRequests: asShown(issuer.requests.perSecond(shownFrom, shownTo, everyMs)),
        longestWait: asShown(calls.waits.longest(shownFrom, shownTo, everyMs)),
      },
      spans: chapter.happenings.map(({ fromMs, toMs, label }) => ({
        from: fromMs / 1_000,
        to: toMs / 1_000,
        label,
      })),
    };
  }
}
