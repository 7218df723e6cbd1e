import type { OAuth2EndpointConfig } from "endpoint-security";

export interface MemberSettings {
  readonly redisUrl: string;
  readonly endpoint: OAuth2EndpointConfig;
  /** Of an `EndpointSecurity`, and of connecting. Default: theirs. */
  readonly cacheTimeoutMs?: number | undefined;
}

/** What a test wants of a member. */
export interface Order {
  readonly id: number;
  readonly what: "headers" | "invalidate" | "events";
  readonly callers?: number;
  readonly rejectedToken?: string;
}

/** What a member tells, be it asked or not. */
export interface Answer {
  readonly id?: number;
  readonly ready?: true;
  /** It sends a token request now. */
  readonly asking?: true;
  readonly headers?: readonly string[];
  readonly errors?: readonly string[];
  readonly events?: readonly string[];
}
