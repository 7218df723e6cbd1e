// One measurement of one peer, in a process of its own. Prints its figures as JSON.
import { performance } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";

const [, , what, peer, given] = process.argv;
const task = JSON.parse(given);
const steer = (mood) =>
  fetch(`${task.origin}/mood`, { method: "PUT", body: JSON.stringify(mood) }).then((r) => r.text());
const seen = async () => (await fetch(`${task.origin}/seen`)).json();
const load = () => import(`./peers/${peer}.mjs`);

async function created() {
  const client = (await load()).create(task);
  await client.ready;
  return client;
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** Calls at an even pace: 200 a second. */
async function pacedFor(ms, call) {
  const start = performance.now();
  const underWay = [];
  for (let due = 0; performance.now() - start < ms; ) {
    for (; due < (performance.now() - start) / 5; due++) {
      underWay.push(call(performance.now() - start));
    }
    await pause(5);
  }
  await Promise.all(underWay);
  return underWay.length;
}

/** What the callers of a header, or of a wrapped client, go through. */
async function live(ms) {
  const client = await created();
  await client.header();
  const failedAt = [];
  let waited = 0;
  const calls = await pacedFor(ms, async (at) => {
    let isThere = false;
    try {
      const asking = client.header().finally(() => {
        isThere = true;
      });
      asking.catch(() => {});
      // What isn't there after two turns of the event loop waits for somebody.
      await new Promise(setImmediate);
      await new Promise(setImmediate);
      if (!isThere) waited++;
      const authorization = await asking;
      const response = await fetch(`${task.origin}/v1/orders`, { headers: { authorization } });
      await response.arrayBuffer();
      if (response.status !== 200) failedAt.push(at);
    } catch {
      failedAt.push(at);
    }
  });
  return { calls, waited, failedAt };
}

const measurements = {
  async warm() {
    const client = await created();
    await client.header();
    const rounds = [];
    for (let round = 0; round < 40; round++) {
      const start = performance.now();
      for (let call = 0; call < 500; call++) await client.header();
      rounds.push(((performance.now() - start) / 500) * 1_000);
    }
    const calls = 2_000;
    globalThis.gc();
    const before = process.memoryUsage().heapUsed;
    for (let call = 0; call < calls; call++) await client.header();
    const bytes = (process.memoryUsage().heapUsed - before) / calls;
    return { µs: median(rounds.slice(10)), bytes };
  },

  async stampede() {
    await steer({ latencyMs: 50 });
    const client = await created();
    const start = performance.now();
    await Promise.all(Array.from({ length: 1_000 }, () => client.header()));
    const ms = performance.now() - start;
    return { ms, requests: (await seen()).tokenRequests };
  },

  /** Its share of a stampede of several processes; it waits for the word. */
  async fleet() {
    // Loaded and connected, as after a readiness check; that token is another client's.
    const warmUp = (await load()).create({ ...task, clientId: `${task.clientId}-warm-up` });
    await warmUp.ready;
    await warmUp.header();
    const client = await created();
    process.send("ready");
    await new Promise((go) => process.once("message", go));
    const start = performance.now();
    await Promise.all(Array.from({ length: 50 }, () => client.header()));
    return { ms: performance.now() - start };
  },

  async wrapped() {
    const client = await created();
    if (client.call === undefined) return {};
    const authorization = await client.header();
    const bare = async () =>
      (await fetch(`${task.origin}/v1/orders`, { headers: { authorization } })).arrayBuffer();
    const taken = { bare: [], wrapped: [] };
    for (let round = 0; round < 3_000; round++) {
      for (const [name, call] of [
        ["bare", bare],
        ["wrapped", () => client.call("/v1/orders")],
      ]) {
        const start = performance.now();
        await call();
        if (round >= 1_000) taken[name].push(performance.now() - start);
      }
    }
    return { µs: (median(taken.wrapped) - median(taken.bare)) * 1_000 };
  },

  /** A hundred calls in flight when the backend no longer takes the token. */
  async revoked() {
    const client = await created();
    if (client.call === undefined) return {};
    await client.call("/v1/orders");
    await steer({ revoke: true, latencyMs: 50 });
    await pause(5);
    const statuses = await Promise.all(
      Array.from({ length: 100 }, () => client.call("/v1/orders").catch(() => 0)),
    );
    const later = await client.call("/v1/orders").catch(() => 0);
    return {
      failed: statuses.filter((status) => status !== 200).length,
      requests: (await seen()).tokenRequests - 1,
      later,
    };
  },

  async expiry() {
    await steer({ lifeSeconds: 2, latencyMs: 100 });
    const { calls, waited, failedAt } = await live(9_000);
    return { calls, waited, failed: failedAt.length, requests: (await seen()).tokenRequests };
  },

  /** Down for three seconds around the end of the token. */
  async outage() {
    await steer({ lifeSeconds: 4, latencyMs: 5 });
    const beginsMs = 2_500;
    const endsMs = 5_500;
    let endedAt = endsMs;
    setTimeout(() => steer({ isDown: true }), beginsMs);
    const start = performance.now();
    setTimeout(async () => {
      await steer({ isDown: false, lifeSeconds: 60 });
      endedAt = performance.now() - start;
    }, endsMs);
    const before = (await seen()).tokenRequests;
    const { calls, failedAt } = await live(8_500);
    return {
      calls,
      failed: failedAt.length,
      failedAfter: failedAt.filter((at) => at > endedAt).length,
      requests: (await seen()).tokenRequests - before - 2,
    };
  },

  async many() {
    const { create, createMany } = await load();
    const header = createMany?.(task);
    const clients = [];
    globalThis.gc();
    const before = process.memoryUsage().heapUsed;
    const start = performance.now();
    let next = 0;
    const lane = async () => {
      while (next < 10_000) {
        const clientId = `client-${next++}`;
        if (header !== undefined) await header(clientId);
        else {
          const client = create({ ...task, clientId });
          clients.push(client);
          await client.header();
        }
      }
    };
    await Promise.all(Array.from({ length: 32 }, lane));
    const ms = performance.now() - start;
    for (let pass = 0; pass < 4; pass++) globalThis.gc();
    return { ms, bytes: (process.memoryUsage().heapUsed - before) / 10_000, held: clients.length };
  },

  async first() {
    const start = performance.now();
    const { create } = await load();
    const imported = performance.now() - start;
    const client = create(task);
    await client.ready;
    await client.header();
    return { imported, header: performance.now() - start };
  },
};

const figures = await measurements[what]();
process.send({ figures }, () => process.exit());
