/** Tokens that are replaced because the backend refused them: so many within so long. */
export interface ForcedRenewalLimits {
  readonly most: number;
  readonly windowMs: number;
}

interface ForcedRenewal {
  readonly at: number;
  readonly token: string;
  isUnderWay: boolean;
}

/** A backend that refuses every token must not use up what the token endpoint grants. */
export class ForcedRenewals {
  #lately: readonly ForcedRenewal[] = [];

  /** How many there were within the window. */
  get count(): number {
    return this.#lately.length;
  }

  /**
   * Counts a renewal, once for all callers that have the same token refused at once.
   * @returns what to say when it is over, or undefined where there were too many.
   */
  begin(
    token: string,
    { most, windowMs }: ForcedRenewalLimits,
  ): ((counts: boolean) => void) | undefined {
    const now = performance.now();
    this.#lately = this.#lately.filter(({ at, isUnderWay }) => isUnderWay || now - at < windowMs);
    let renewal = this.#lately.find((one) => one.isUnderWay && one.token === token);
    if (renewal === undefined) {
      if (this.#lately.length >= most) return undefined;
      renewal = { at: now, token, isUnderWay: true };
      this.#lately = [...this.#lately, renewal];
    }
    const begun = renewal;
    return (counts) => {
      begun.isUnderWay = false;
      if (!counts) this.#lately = this.#lately.filter((one) => one !== begun);
    };
  }
}
