import type { EndpointConfig } from "endpoint-security";
import type { Answer, ObtainedToken } from "../tally.ts";

/** What a process is to do. */
export interface Task {
  readonly redisUrl: string;
  readonly endpoint: EndpointConfig & { readonly url: string };
  /** At the same time. */
  readonly calls: number;
}

/** What the demo tells a process. */
export type Command = { readonly type: "task"; readonly task: Task } | { readonly type: "go" };

/** What a process tells the demo. */
export type Message =
  | { readonly type: "ready" }
  | ({ readonly type: "obtained" } & ObtainedToken)
  | { readonly type: "cacheFailed"; readonly message: string }
  | {
      readonly type: "done";
      readonly answers: readonly Answer[];
      /** Where its token came from. */
      readonly source: "token_endpoint" | "cache" | undefined;
    };
