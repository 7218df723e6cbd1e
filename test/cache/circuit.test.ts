import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Circuit } from "../../src/cache/circuit.ts";
import { stopTime } from "../tokens/fake-time.ts";

const shortest = 1_000;

/** How long it stays closed to everybody, as it is tried every few milliseconds. */
function pauseOf(circuit: Circuit): number {
  const start = performance.now();
  while (!circuit.allows()) vi.advanceTimersByTime(5);
  return performance.now() - start;
}

/** One that failed three times in a row. */
function broken(): Circuit {
  const circuit = new Circuit();
  for (let failures = 0; failures < 3; failures++) circuit.failed();
  return circuit;
}

beforeEach(() => {
  stopTime();
});

afterEach(() => {
  vi.restoreAllMocks();
});

describe("a circuit", () => {
  test("lets everybody through until the third failure in a row", () => {
    const circuit = new Circuit();
    for (let failures = 0; failures < 3; failures++) {
      expect([circuit.isBroken, circuit.allows(), circuit.allows()]).toEqual([false, true, true]);
      circuit.failed();
    }
    expect([circuit.isBroken, circuit.allows()]).toEqual([true, false]);
  });

  test("counts no failures from before a success", () => {
    const circuit = new Circuit();
    circuit.failed();
    circuit.failed();
    circuit.succeeded();
    circuit.failed();
    circuit.failed();
    expect([circuit.isBroken, circuit.allows()]).toEqual([false, true]);
  });

  test("lets one attempt through after a pause, and nobody else until it says how it went", () => {
    const circuit = broken();
    pauseOf(circuit);
    vi.advanceTimersByTime(60_000);
    expect(circuit.allows()).toBe(false);
    circuit.succeeded();
    expect([circuit.isBroken, circuit.allows(), circuit.allows()]).toEqual([false, true, true]);
  });

  test.each([
    ["a quarter less", 0, 0.75],
    ["a quarter more", 0.999_999, 1.25],
  ])("pauses for up to %s than a second, so that not all come at once", (_, random, factor) => {
    vi.spyOn(Math, "random").mockReturnValue(random);
    expect(pauseOf(broken())).toBeCloseTo(shortest * factor, -1);
  });

  test("lets an attempt through as soon as the pause is over", () => {
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    const circuit = broken();
    vi.advanceTimersByTime(shortest - 1);
    expect(circuit.allows()).toBe(false);
    vi.advanceTimersByTime(1);
    expect(circuit.allows()).toBe(true);
  });

  test("doubles the pause with each attempt that fails, up to half a minute, and starts again", () => {
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    const circuit = broken();
    const pauses = Array.from({ length: 7 }, () => {
      const pause = pauseOf(circuit);
      circuit.failed();
      return pause;
    });
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    pauseOf(circuit);
    circuit.succeeded();
    for (let failures = 0; failures < 3; failures++) circuit.failed();
    expect(pauseOf(circuit)).toBe(shortest);
  });

  test("is paused once by many that fail at once", () => {
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    const circuit = broken();
    vi.advanceTimersByTime(shortest - 5);
    for (let late = 0; late < 10; late++) circuit.failed();
    expect(pauseOf(circuit)).toBe(5);
  });
});
