import type { EntryFormat } from "../cache/sealed-entries.ts";
import { skewOf, stalenessOf } from "./freshness.ts";
import { type TokenData, TokenSet } from "./token-set.ts";

/** A token as JSON, for a cache that seals it. */
export const tokenFormat: EntryFormat<TokenSet> = {
  toJson: ({ accessToken, tokenType, issuedAt, expiresAt, scope }, clockLeadMs): TokenData => ({
    accessToken,
    tokenType,
    issuedAt: issuedAt + clockLeadMs,
    expiresAt: expiresAt + clockLeadMs,
    scope,
  }),
  fromJson: (json, { settings }, clockLeadMs) => {
    if (!isTokenData(json)) return undefined;
    const issuedAt = json.issuedAt - clockLeadMs;
    const expiresAt = json.expiresAt - clockLeadMs;
    const data = { ...json, issuedAt, expiresAt };
    const spans = { skewMs: skewOf(data, settings), staleMs: stalenessOf(data, settings) };
    return new TokenSet(data, spans, "cache");
  },
};

function isTokenData(json: unknown): json is TokenData {
  if (typeof json !== "object" || json === null) return false;
  const { accessToken, tokenType, issuedAt, expiresAt, scope } = json as Partial<
    Record<keyof TokenData, unknown>
  >;
  return (
    typeof accessToken === "string" &&
    typeof tokenType === "string" &&
    Number.isFinite(issuedAt) &&
    Number.isFinite(expiresAt) &&
    (scope === undefined || typeof scope === "string")
  );
}
