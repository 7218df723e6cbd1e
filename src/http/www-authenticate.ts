/** One challenge of a `WWW-Authenticate` header. */
export interface Challenge {
  /** Lower case: `bearer`, `digest`. */
  readonly scheme: string;
  /** By lower-case name. */
  readonly parameters: ReadonlyMap<string, string>;
  readonly token68: string | undefined;
}

const scheme = /[ \t,]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:[ \t]+|(?=,|$))/y;
const parameter =
  /[ \t,]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+.^_`|~0-9A-Za-z:/-]+))[ \t]*(?=,|$)/y;
const credentials68 = /([A-Za-z0-9._~+/-]+=*)[ \t]*(?=,|$)/y;

/**
 * Reads the challenges of a `WWW-Authenticate` header, several of which may share a line. Stops at
 * what it can't read and keeps what came before.
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1
 */
export function parseChallenges(header: string | null): readonly Challenge[] {
  const challenges: Challenge[] = [];
  const text = header ?? "";
  let position = 0;
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = position;
    const match = pattern.exec(text) ?? undefined;
    if (match !== undefined) position = pattern.lastIndex;
    return match;
  };
  for (;;) {
    const start = take(scheme);
    if (start === undefined) return challenges;
    const parameters = new Map<string, string>();
    let match = take(parameter);
    const token68 = match === undefined ? take(credentials68)?.[1] : undefined;
    while (match !== undefined) {
      const [, name = "", inQuotes, bare] = match;
      // The first of two wins, as in every parser that matters.
      if (!parameters.has(name.toLowerCase())) {
        parameters.set(name.toLowerCase(), inQuotes?.replaceAll(/\\(.)/g, "$1") ?? bare ?? "");
      }
      match = take(parameter);
    }
    challenges.push({ scheme: (start[1] ?? "").toLowerCase(), parameters, token68 });
  }
}
