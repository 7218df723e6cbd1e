/** An object written as JSON text, as some versions export it; undefined if it isn't one. */
export function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
