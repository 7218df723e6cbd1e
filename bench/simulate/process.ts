import type { Settings, Variant } from "./settings.ts";
import { type ChapterFigures, tell } from "./story.ts";

/** What the process of a variant tells the one that started it. */
export type Message =
  | { readonly type: "progress"; readonly chapter: string; readonly share: number }
  | { readonly type: "figures"; readonly figures: readonly ChapterFigures[] };

/** What it is told. */
export interface Task {
  readonly settings: Settings;
  readonly variant: Variant;
}

const { settings, variant }: Task = JSON.parse(process.argv[2] ?? "");
const figures = await tell(settings, variant, (chapter, share) =>
  say({ type: "progress", chapter, share }),
);
say({ type: "figures", figures }, () => process.exit());

function say(message: Message, said?: () => void): void {
  process.send?.(message, undefined, undefined, said);
}
