import assert from "node:assert/strict";
import { inspect } from "node:util";
import { TokenRequestRejectedError } from "endpoint-security";
import { ordersOf } from "../environment.ts";
import { expectCounts } from "../expect.ts";
import type { Scene } from "../scene.ts";

export const wrongSecret: Scene = {
  title: "a wrong secret",
  expected: "one typed error, no secret in it",
  async run({ security, production, tally }) {
    const clientSecret = "wr0ng-s3cret-nobody-may-see";
    const orders = { ...ordersOf(production), clientSecret };
    const ordersFetch = security.wrapFetch(orders);

    const results = await Promise.allSettled(
      Array.from({ length: 10 }, () => tally.get(ordersFetch, "/orders")),
    );

    let message = "";
    for (const result of results) {
      assert.equal(result.status, "rejected", "a call went through with a wrong secret");
      const error: unknown = result.reason;
      assert.ok(error instanceof TokenRequestRejectedError, `it was ${inspect(error)}`);
      assert.equal(error.code, "token_request_rejected");
      assert.equal(error.error, "invalid_client");
      message = error.message;
      const shown = [
        inspect(error, { depth: Infinity, showHidden: true }),
        JSON.stringify(error),
        `${error.stack}`,
      ].join("\n");
      for (const secret of [clientSecret, btoa(`checkout:${clientSecret}`)]) {
        assert.ok(!shown.includes(secret), "the error shows the secret");
      }
    }
    expectCounts(tally, { calls: 10, tokenRequests: 1, renewals: 0 });
    return message;
  },
};
