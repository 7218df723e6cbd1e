import type { ModelledRedis } from "./modelled-redis.ts";
import type { IssuerMood, ModelledTokenEndpoint } from "./modelled-token-endpoint.ts";

export interface World {
  readonly redis: ModelledRedis;
  readonly issuer: ModelledTokenEndpoint;
}

/** Something that happens for a while. Times count from when the current token expires. */
export interface Happening {
  readonly fromMs: number;
  readonly toMs: number;
  readonly label: string;
  begin(world: World): void;
  end(world: World): void;
}

export interface Chapter {
  readonly name: string;
  readonly title: string;
  /** How often tokens are renewed in it; 0 for the cold start. It ends between two renewals. */
  readonly renewals: number;
  readonly happenings: readonly Happening[];
  /** How long it goes on after the current token expired, where it would end sooner. */
  readonly afterMs?: number;
  /** Only for those who ask for it: it takes long. */
  readonly onRequest?: boolean;
}

/**
 * What a fleet goes through, one after the other.
 *
 * @param renewalMs when tokens are renewed, from when they are over.
 */
export function chapters(renewalMs: number): readonly Chapter[] {
  return [
    { name: "cold start", title: "Cold start of everything at once", renewals: 0, happenings: [] },
    { name: "calm", title: "Calm: two renewals", renewals: 2, happenings: [] },
    {
      name: "redis restart",
      title: "Redis restarts empty, while the token is renewed",
      renewals: 1,
      happenings: [redisDown(renewalMs + 50, renewalMs + 3_050, "restarting")],
    },
    {
      name: "redis frozen",
      title: "Redis answers nothing for 12 s",
      renewals: 1,
      happenings: [
        {
          fromMs: -10_000,
          toMs: 2_000,
          label: "frozen",
          begin: ({ redis }) => redis.become("frozen"),
          end: ({ redis }) => redis.become("well"),
        },
      ],
    },
    {
      name: "redis down",
      title: "Redis is down at one renewal, and back at the next",
      renewals: 2,
      happenings: [redisDown(-10_000, 20_000, "down")],
    },
    {
      name: "issuer 503",
      title: "The token endpoint answers 503 for 10 s",
      renewals: 1,
      happenings: [issuerOutage("unavailable", "503", 10_000)],
    },
    {
      name: "issuer 503 for a minute",
      title: "The token endpoint answers 503 for a minute",
      renewals: 1,
      happenings: [issuerOutage("unavailable", "503", 60_000)],
      afterMs: 62_000,
    },
    {
      name: "issuer silent",
      title: "The token endpoint answers nothing for 10 s",
      renewals: 1,
      happenings: [issuerOutage("silent", "silent", 10_000)],
      onRequest: true,
    },
  ];
}

function redisDown(fromMs: number, toMs: number, label: string): Happening {
  return {
    fromMs,
    toMs,
    label,
    begin: ({ redis }) => redis.become("down"),
    end: ({ redis }) => {
      redis.forget();
      redis.become("well");
    },
  };
}

/** One that begins before the token is renewed. */
function issuerOutage(mood: IssuerMood, label: string, forMs: number): Happening {
  return {
    fromMs: -8_000,
    toMs: forMs - 8_000,
    label,
    begin: ({ issuer }) => {
      issuer.mood = mood;
    },
    end: ({ issuer }) => {
      issuer.mood = "well";
    },
  };
}
