import type { EndpointSecurity, Fetch } from "endpoint-security";
import type { Environment } from "./environment.ts";

/** What the backend answered. */
export interface Answer {
  readonly status: number;
  /** Of the access token, as the backend saw it. */
  readonly claims: Readonly<Record<string, unknown>>;
}

export interface Counts {
  readonly calls: number;
  /** As the authorization servers counted them. */
  readonly tokenRequests: number;
  /** Tokens that took the place of an earlier one. */
  readonly renewals: number;
}

/** What the event says, as far as it matters here. */
export interface ObtainedToken {
  readonly endpoint: string;
  readonly durationMs: number;
}

/** Counts what happens in a scene. */
export class Tally {
  readonly #environments: readonly Environment[];
  readonly #requestsBefore: number;
  readonly #tokensOf = new Map<string, number>();
  #calls = 0;
  /** When token requests were under way. */
  readonly #waits: { readonly from: number; readonly to: number }[] = [];

  constructor(security: EndpointSecurity, environments: readonly Environment[]) {
    this.#environments = environments;
    this.#requestsBefore = this.#requestsSoFar();
    security.on("tokenObtained", (token) => this.obtained(token));
    security.on("tokenRequestFailed", ({ durationMs }) => this.#waited(durationMs));
  }

  /** A token came, here or in another process. */
  obtained({ endpoint, durationMs }: ObtainedToken): void {
    this.#waited(durationMs);
    this.#tokensOf.set(endpoint, (this.#tokensOf.get(endpoint) ?? 0) + 1);
  }

  /** Calls that another process made. */
  madeElsewhere(calls: number): void {
    this.#calls += calls;
  }

  /** A call of the user's. */
  async count<Result>(call: () => Promise<Result>): Promise<Result> {
    this.#calls++;
    return call();
  }

  /** A call of the backend. */
  async get(client: Fetch, path: string): Promise<Answer> {
    const response = await this.count(() => client(path));
    const { claims = {} } = (await response.json()) as Partial<Answer>;
    return { status: response.status, claims };
  }

  /** So many at the same time. */
  async getMany(times: number, client: Fetch, path: string): Promise<readonly Answer[]> {
    return Promise.all(Array.from({ length: times }, () => this.get(client, path)));
  }

  get counts(): Counts {
    const replaced = [...this.#tokensOf.values()].map((tokens) => tokens - 1);
    return {
      calls: this.#calls,
      tokenRequests: this.#requestsSoFar() - this.#requestsBefore,
      renewals: replaced.reduce((sum, tokens) => sum + tokens, 0),
    };
  }

  /** For how long there was no going on without a token; two requests at a time count once. */
  get waitedMs(): number {
    let sum = 0;
    let until = 0;
    for (const { from, to } of this.#waits.toSorted((a, b) => a.from - b.from)) {
      sum += Math.max(0, to - Math.max(from, until));
      until = Math.max(until, to);
    }
    return sum;
  }

  #waited(durationMs: number): void {
    const to = Date.now();
    this.#waits.push({ from: to - durationMs, to });
  }

  #requestsSoFar(): number {
    return this.#environments.reduce((sum, { idp }) => sum + idp.countTokenRequests(), 0);
  }
}
