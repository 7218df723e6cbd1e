/** A token request: when, and for what. */
export interface Asked {
  readonly at: number;
  /** Requests with the same key could have shared a token. */
  readonly key: string;
  /** Until when nobody has a reason to renew the token that came of it; -Infinity if none came. */
  readonly settledUntil: number;
}

/** A token request, and the life that it began, or whose token it could have had instead. */
export interface Placed<Request extends Asked> {
  readonly request: Request;
  /** The request that began the life: itself, unless it was one too many. */
  readonly opener: Request;
}

/** Until when nobody has a reason to renew a token: the library never does in the first half of its life. */
export function settledUntil(expiresAt: number, lifeSeconds: number): number {
  return expiresAt - lifeSeconds * 500;
}

/**
 * Tells requests that were needed from those that were not.
 *
 * With demand at every moment, an endpoint needs one token at a time, and the next when the one
 * before is due for renewal. That is when the first process of the fleet finds it stale: at 80 % of its
 * life, less each process's own jitter, earlier where token requests take long, and never in the first
 * half of its life. So the first request begins a life. One that arrives in the first half of that life
 * was one too many: its process could have had the token that was there. The first that arrives later
 * was a renewal, and begins the next life. Several who renew at once are told apart all the same, since
 * those that aren't the first arrive at the very beginning of the new life.
 *
 * "Token requests per endpoint and lifetime" is the number of requests divided by the number of lives
 * begun: 1.00 says that no request could have been saved. How long lives last beside what they could is
 * told next to it, so that many short lives don't look good.
 *
 * A request without an answer (its process was killed, say) begins a life that lasts no time; what makes
 * up for it is counted as one too many, as long as nobody had a token in between.
 */
export function placed<Request extends Asked>(
  requests: readonly Request[],
): readonly Placed<Request>[] {
  const lives = new Map<string, { opener: Request; latest: Request }>();
  return requests
    .toSorted((a, b) => a.at - b.at)
    .map((request) => {
      const life = lives.get(request.key);
      if (life !== undefined) {
        const vain = life.latest.settledUntil === -Infinity;
        if (vain || request.at < life.latest.settledUntil) {
          if (vain) life.latest = request;
          return { request, opener: life.opener };
        }
      }
      lives.set(request.key, { opener: request, latest: request });
      return { request, opener: request };
    });
}
