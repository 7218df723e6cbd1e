import type { ConfigurationProblem } from "../../errors.ts";

/** The steps of a check, in their order. */
export const stepNames = [
  "configuration",
  "secrets",
  "dns",
  "proxy",
  "tls",
  "discovery",
  "token request",
  "token",
  "clock",
  "backend",
  "cache",
] as const;

export type StepName = (typeof stepNames)[number];

/** What a step found. */
export interface Finding {
  readonly status: "passed" | "warning" | "failed" | "skipped";
  readonly message: string;
  /** What to do, where something is wrong. */
  readonly fix?: string | undefined;
  /** The mistakes of a configuration. */
  readonly problems?: readonly ConfigurationProblem[];
}

/** A step that was taken. */
export interface Step extends Finding {
  readonly step: StepName;
  readonly durationMs: number;
}

export const passed = (message: string): Finding => ({ status: "passed", message });
export const skipped = (message: string): Finding => ({ status: "skipped", message });
export const warning = (message: string, fix: string): Finding => ({
  status: "warning",
  message,
  fix,
});
export const failed = (message: string, fix?: string): Finding => ({
  status: "failed",
  message,
  fix,
});

/** Several findings as one: the worst counts. */
export function together(findings: readonly Finding[]): Finding {
  const worst = (["failed", "warning", "passed", "skipped"] as const).find((status) =>
    findings.some((one) => one.status === status),
  );
  const relevant = findings.filter(({ status }) => status !== "skipped" || worst === "skipped");
  const fixes = [...new Set(relevant.flatMap(({ fix }) => (fix === undefined ? [] : [fix])))];
  return {
    status: worst ?? "skipped",
    message: [...new Set(relevant.map(({ message }) => message))].join("; "),
    fix: fixes.length === 0 ? undefined : fixes.join("; "),
  };
}
