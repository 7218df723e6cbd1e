/** A point in time as an ISO 8601 text. @param ms milliseconds since 1970 */
export function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}

/** A span of time in the largest unit that fits. */
export function spanOf(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800
    ? `${Math.round(seconds / 3_600)} h`
    : `${Math.round(seconds / 86_400)} days`;
}
