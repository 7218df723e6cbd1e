/** What a measurement came to; empty where a peer has no such thing. */
export type Figures = Readonly<Record<string, number>>;

interface Table {
  readonly what: string;
  readonly title: string;
  /** Cells by the head of their column. */
  row(figures: Figures): Readonly<Record<string, string>>;
}

const number = (value: number | undefined, digits = 0) =>
  value === undefined
    ? "–"
    : value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });

/** Each measurement, and how it is shown. */
export const tables: readonly Table[] = [
  {
    what: "warm",
    title: "a header, warm",
    row: ({ µs, bytes }) => ({ µs: number(µs, 2), "bytes allocated": number(bytes) }),
  },
  {
    what: "stampede",
    title: "1,000 cold callers, token endpoint 50 ms",
    row: ({ ms, requests }) => ({ ms: number(ms), "token requests": number(requests) }),
  },
  {
    what: "fleet",
    title: "8 processes × 50 cold callers, token endpoint 50 ms",
    row: ({ ms, requests }) => ({
      "slowest process, ms": number(ms),
      "token requests": number(requests),
    }),
  },
  {
    what: "wrapped",
    title: "a wrapped call, beside fetch with a fixed header",
    row: ({ µs }) => ({ "µs more": number(µs) }),
  },
  {
    what: "revoked",
    title: "100 calls in flight, token revoked",
    row: ({ failed, requests, later }) => ({
      "failed calls": number(failed),
      "token requests": number(requests),
      "a later call": later === undefined ? "–" : String(later || "fails"),
    }),
  },
  {
    what: "expiry",
    title: "tokens of 2 s, 200 calls a second for 9 s",
    row: ({ failed, waited, requests }) => ({
      "failed calls": number(failed),
      "calls that waited": number(waited),
      "token requests": number(requests),
    }),
  },
  {
    what: "outage",
    title: "503 for 3 s around a token's end, 200 calls a second",
    row: ({ failed, failedAfter, requests }) => ({
      "failed calls": number(failed),
      "after its end": number(failedAfter),
      "token requests in vain": number(requests),
    }),
  },
  {
    what: "many",
    title: "10,000 endpoints, 32 at a time",
    row: ({ ms, bytes }) => ({ ms: number(ms), "bytes each": number(bytes) }),
  },
  {
    what: "first",
    title: "a new process",
    row: ({ imported, header }) => ({
      "import, ms": number(imported),
      "import to first header, ms": number(header),
    }),
  },
  {
    what: "size",
    title: "npm install",
    row: ({ packages, bytes }) => ({
      packages: number(packages),
      MiB: number(bytes === undefined ? undefined : bytes / 2 ** 20, 1),
    }),
  },
];
