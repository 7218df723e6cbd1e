import type { EndpointSecurity } from "endpoint-security";
import type { Environment } from "./environment.ts";
import type { Tally } from "./tally.ts";

/** Something a user would do, with what should come of it. */
export interface Scene {
  readonly title: string;
  /** What should be seen, in a few words. */
  readonly expected: string;
  /** Why it can't be played on this machine, if it can't. */
  missing?(): Promise<string | undefined>;
  /**
   * Does it, and throws if anything isn't as expected.
   * @returns something worth showing, if there is
   */
  run(stage: Stage): Promise<string | undefined>;
}

/** What a scene plays on. */
export interface Stage {
  /** A new one for each scene. */
  readonly security: EndpointSecurity;
  readonly production: Environment;
  readonly sandbox: Environment;
  /** Counts what happens in the scene. */
  readonly tally: Tally;
}
