import { inspect } from "node:util";

/**
 * Secrets with a core of letters and digits, which survives every way of writing them but base64,
 * and around it all that escapes and encodings change.
 */
export const canaries = {
  clientSecret: "ClientSecretCanary7Q ~*!'()/+&=%\"é\\<>-._$end",
  password: "PasswordCanary7Q ~*!'()/+&=%\"é\\<>-._$end",
  username: "UsernameCanary7Q ~*!'()/+&=%\"é\\<>-._$end",
  parameter: "ParameterCanary7Q ~*!'()/+&=%\"é\\<>-._$end",
  header: "HeaderCanary7Q ~*!'()/+&=%\"\\<>-._$end",
  apiKey: "ApiKeyCanary7Q ~*!'()/+&=%\"\\<>-._$end",
  encryptionKey: "EncryptionKeyCanary7Q ~*!'()/+&=%\"é\\<>-._$end",
  assertion: "AssertionCanary7Q.eyJzdWIiOiJ4In0.c2lnbmF0dXJl",
  token: "AccessTokenCanary7Q.eyJzdWIiOiJ4In0.c2lnbmF0dXJl",
  otherToken: "OtherTokenCanary7Q",
} as const;

export type Canary = keyof typeof canaries;

/** Which canaries can be seen in what was thrown, emitted, returned or printed. */
export function seenIn(outputs: readonly unknown[]): Canary[] {
  const text = outputs.flatMap((output) => everythingSaid(output)).join("\n");
  return (Object.keys(canaries) as Canary[]).filter((name) =>
    traces(canaries[name]).some((trace) => text.includes(trace)),
  );
}

/** What gives a secret away: its core, or its base64 behind any prefix. */
function traces(secret: string): string[] {
  const core = /^[A-Za-z]+Canary7Q/.exec(secret)?.[0];
  if (core === undefined) throw new Error("a canary without a core");
  const inBase64 = [0, 1, 2].map((shift) => {
    const encoded = Buffer.from("x".repeat(shift) + core).toString("base64");
    // Without the characters that the neighbours have a part in.
    return encoded.slice(shift === 0 ? 0 : 4, Math.floor((shift + core.length) / 3) * 4);
  });
  return [core, ...inBase64];
}

/** Every text that can be got out of a value, the way logs and debuggers do. */
function everythingSaid(value: unknown, visited = new Set<unknown>()): string[] {
  if (typeof value !== "object" && typeof value !== "function") return [String(value)];
  if (value === null || visited.has(value)) return [];
  visited.add(value);
  const said = [
    attempt(() => String(value)),
    attempt(() => JSON.stringify(value)),
    attempt(() => inspect(value)),
    attempt(() => inspect(value, { depth: Number.POSITIVE_INFINITY, showHidden: true })),
  ];
  if (value instanceof Error) {
    said.push(value.message, String(value.stack), ...everythingSaid(value.cause, visited));
  }
  for (const key of Reflect.ownKeys(value)) {
    said.push(String(key), ...everythingSaid(Reflect.get(value, key), visited));
  }
  return said;
}

function attempt(say: () => string | undefined): string {
  try {
    return say() ?? "";
  } catch (error) {
    return String(error);
  }
}
