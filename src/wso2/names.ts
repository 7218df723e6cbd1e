import type { Stage } from "./stages.ts";

/** What the endpoint is called in errors and events. */
export function nameOf(api: string | undefined, stage: Stage): string | undefined {
  if (api === undefined) return undefined;
  return stage === "production" ? api : `${api} ${stage}`;
}
