import { ordersOf } from "../environment.ts";
import { expectAllOk, expectCounts } from "../expect.ts";
import type { Scene } from "../scene.ts";

export const thousandCallers: Scene = {
  title: "1,000 concurrent calls",
  expected: "one token request, 0 fail",
  async run({ security, production, tally }) {
    const ordersFetch = security.wrapFetch(ordersOf(production));

    const answers = await tally.getMany(1_000, ordersFetch, "/orders");

    expectAllOk(answers);
    expectCounts(tally, { calls: 1_000, tokenRequests: 1, renewals: 0 });
    return undefined;
  },
};
