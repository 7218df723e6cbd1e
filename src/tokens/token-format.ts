import type { EntryFormat } from "../cache/sealed-entries.ts";
import { skewOf, stalenessOf } from "./freshness.ts";
import type { Refresh, TokenData } from "./token-data.ts";
import { TokenSet } from "./token-set.ts";

/** A token as JSON, for a cache that seals it. */
export const tokenFormat: EntryFormat<TokenSet> = {
  kind: "",
  subject: ({ identity }) => identity,
  toJson: (token, clockLeadMs): TokenData => ({
    accessToken: token.accessToken,
    tokenType: token.tokenType,
    issuedAt: token.issuedAt + clockLeadMs,
    expiresAt: token.expiresAt + clockLeadMs,
    scope: token.scope,
    issuedTokenType: token.issuedTokenType,
    refreshInMs: token.refreshInMs,
    refresh: shifted(token.refresh, clockLeadMs),
    ...(Object.keys(token.parameters).length > 0 && { parameters: token.parameters }),
  }),
  fromJson: (json, { settings }, clockLeadMs) => {
    if (!isTokenData(json)) return undefined;
    const issuedAt = json.issuedAt - clockLeadMs;
    const expiresAt = json.expiresAt - clockLeadMs;
    const refresh = shifted(json.refresh, -clockLeadMs);
    const parameters = json.parameters && Object.freeze({ ...json.parameters });
    const data = { ...json, issuedAt, expiresAt, refresh, parameters };
    const { refreshInMs } = json;
    const staleMs = stalenessOf(data, settings.renewal, { refreshInMs });
    const spans = { skewMs: skewOf(data, settings.renewal), staleMs };
    return new TokenSet(data, spans, "cache");
  },
};

function shifted(refresh: Refresh | undefined, byMs: number): Refresh | undefined {
  if (refresh?.expiresAt === undefined) return refresh;
  return { token: refresh.token, expiresAt: refresh.expiresAt + byMs };
}

function isTokenData(json: unknown): json is TokenData {
  if (typeof json !== "object" || json === null) return false;
  const {
    accessToken,
    tokenType,
    issuedAt,
    expiresAt,
    scope,
    refreshInMs,
    refresh,
    issuedTokenType,
    parameters,
  } = json as Partial<Record<keyof TokenData, unknown>>;
  return (
    typeof accessToken === "string" &&
    typeof tokenType === "string" &&
    Number.isFinite(issuedAt) &&
    Number.isFinite(expiresAt) &&
    (scope === undefined || typeof scope === "string") &&
    (issuedTokenType === undefined || typeof issuedTokenType === "string") &&
    (refreshInMs === undefined || Number.isFinite(refreshInMs)) &&
    (parameters === undefined || (typeof parameters === "object" && parameters !== null)) &&
    (refresh === undefined || isRefresh(refresh))
  );
}

function isRefresh(json: unknown): json is Refresh {
  if (typeof json !== "object" || json === null) return false;
  const { token, expiresAt } = json as Partial<Record<keyof Refresh, unknown>>;
  return typeof token === "string" && (expiresAt === undefined || Number.isFinite(expiresAt));
}
