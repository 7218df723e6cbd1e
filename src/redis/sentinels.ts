import { withDeadline } from "../waiting/deadline.ts";
import type { Address } from "./node-address.ts";
import { type Attempt, connectNode } from "./node-client.ts";
import { RedisCacheError } from "./redis-error.ts";
import type { Sentinels } from "./settings.ts";

/**
 * Asks all sentinels where the master is, and believes most of them: one that is cut off from the rest
 * may still name the old one. node-redis' own `createSentinel` isn't used, since it writes to the
 * console, tries for ever, and can't let the process exit.
 *
 * @see https://redis.io/docs/latest/develop/reference/sentinel-clients/
 */
export async function masterOf(sentinels: Sentinels, attempt: Attempt): Promise<Address> {
  // One that is frozen is not waited for with all the time there is.
  const timeoutMs = attempt.connectTimeoutMs / 2;
  const answers = sentinels.nodes.map((node) =>
    withDeadline(
      timeoutMs,
      () => ask(node, sentinels, attempt),
      () => new RedisCacheError("TIMEOUT"),
    ),
  );
  return mostNamed(answers);
}

async function ask(
  node: Address,
  { name, sentinelAccess }: Sentinels,
  attempt: Attempt,
): Promise<Address> {
  const client = await connectNode(node, sentinelAccess, 0, { ...attempt, onError: () => {} });
  try {
    const reply = await client.sendCommand(["SENTINEL", "GET-MASTER-ADDR-BY-NAME", name]);
    if (!Array.isArray(reply)) throw new RedisCacheError("NO_MASTER");
    return { host: String(reply[0]), port: Number(reply[1]) };
  } finally {
    if (client.isOpen) client.destroy();
  }
}

/** As soon as more than half agree; at the latest when all have answered or failed. */
async function mostNamed(answers: readonly Promise<Address>[]): Promise<Address> {
  const votes = new Map<string, { readonly address: Address; count: number }>();
  const failures: unknown[] = [];
  return new Promise((resolve, reject) => {
    let missing = answers.length;
    const settle = () => {
      missing -= 1;
      const [first] = [...votes.values()].sort((one, other) => other.count - one.count);
      if (first !== undefined && (missing === 0 || first.count > answers.length / 2)) {
        resolve(first.address);
      } else if (missing === 0) {
        reject(new AggregateError(failures));
      }
    };
    for (const answer of answers) {
      answer
        .then(
          (address) => {
            const key = JSON.stringify(address);
            const vote = votes.get(key) ?? { address, count: 0 };
            vote.count += 1;
            votes.set(key, vote);
          },
          (error: unknown) => failures.push(error),
        )
        .then(settle);
    }
  });
}
