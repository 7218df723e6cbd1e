import { describe, expect, test } from "vitest";
import { isPlain } from "../../src/checks/kinds.ts";
import { ConfigSnapshot, isTooDeep } from "../../src/configuration/config-snapshot.ts";
import { EndpointRegistry } from "../../src/configuration/endpoint-registry.ts";

const seen = (config: object) => new ConfigSnapshot(config);

const bytes = (...values: number[]) => Uint8Array.from(values);

/** A configuration with something of each kind, and what it says in the same words. */
const made = () => ({
  name: "orders",
  count: 1,
  list: ["a", { deep: ["b"] }],
  record: { key: "value", bytes: bytes(1, 2) },
  bytes: bytes(3),
  none: null,
  unknown: undefined,
});
type Made = ReturnType<typeof made> & Record<string, unknown>;

const changes: [string, (config: Made) => void][] = [
  [
    "a text",
    (config) => {
      config.name = "other";
    },
  ],
  [
    "a number",
    (config) => {
      config.count = 2;
    },
  ],
  [
    "an item of a list",
    (config) => {
      config.list[0] = "b";
    },
  ],
  ["one item more", (config) => void config.list.push("c")],
  ["one item less", (config) => void config.list.pop()],
  [
    "an item far inside",
    (config) => {
      (config.list[1] as { deep: string[] }).deep[0] = "c";
    },
  ],
  [
    "a member",
    (config) => {
      config.record.key = "other";
    },
  ],
  ["one member more", (config) => void Object.assign(config.record, { more: 1 })],
  ["one member less", (config) => void Reflect.deleteProperty(config.record, "key")],
  [
    "a byte",
    (config) => {
      config.bytes[0] = 4;
    },
  ],
  [
    "a byte inside",
    (config) => {
      config.record.bytes[1] = 4;
    },
  ],
  [
    "one field more",
    (config) => {
      config.more = 1;
    },
  ],
  ["one field less", (config) => void Reflect.deleteProperty(config, "unknown")],
  [
    "a field's name",
    (config) => {
      Reflect.deleteProperty(config, "unknown");
      config.other = undefined;
    },
  ],
  ["null to nothing", (config) => void Object.assign(config, { none: undefined })],
  ["a list to a record", (config) => void Object.assign(config, { list: { ...config.list } })],
  ["bytes to a list", (config) => void Object.assign(config, { bytes: [3] })],
  ["a record to bytes", (config) => void Object.assign(config, { record: bytes(1) })],
  ["a record to a map", (config) => void Object.assign(config, { record: new Map() })],
  ["a text to a record", (config) => void Object.assign(config, { name: {} })],
];

describe("a snapshot", () => {
  test("matches what it was made of, and equals what says the same", () => {
    const config = made();
    expect([seen(config).matches(config), seen(config).equals(config)]).toEqual([true, true]);
    expect(seen(config).equals(made())).toBe(true);
    expect(seen(config).isFrozen).toBe(false);
  });

  test.each(changes)("is another once this changes: %s", (_, change) => {
    const config = made() as Made;
    const before = seen(config);
    change(config);
    expect([before.matches(config), before.equals(config)]).toEqual([false, false]);
    expect(seen(made()).equals(config)).toBe(false);
  });

  test("gives back what was seen, whatever became of it", () => {
    const config = made() as Made;
    const before = seen(config);
    for (const [, change] of changes.slice(0, 5)) change(config);
    config.bytes[0] = 9;
    expect(before.restored()).toEqual(made());
  });

  test("gives back what nobody can change, lists as lists", () => {
    const restored = seen(made()).restored() as Made;
    expect(Object.isFrozen(restored)).toBe(true);
    expect(Object.isFrozen(restored.list)).toBe(true);
    expect(Object.isFrozen(restored.list[1])).toBe(true);
    expect(Object.isFrozen(restored.record)).toBe(true);
    expect(Array.isArray(restored.list)).toBe(true);
    expect(Array.isArray(restored.record)).toBe(false);
  });

  test("knows what is no plain data by its identity alone", () => {
    const [map, read] = [new Map(), () => "secret"];
    const config = { map, read, list: [map] };
    expect(seen(config).equals({ map, read, list: [map] })).toBe(true);
    expect(seen(config).equals({ map: new Map(), read, list: [map] })).toBe(false);
    expect(seen(config).equals({ map, read: () => "secret", list: [map] })).toBe(false);
    expect(seen(config).equals({ map, read, list: [new Map()] })).toBe(false);
    expect((seen(config).restored() as typeof config).map).toBe(map);
  });

  test("sees what is inherited", () => {
    const parent = { name: "orders" };
    const config = Object.assign(Object.create(parent), { scope: "a" });
    const before = seen(config);
    parent.name = "other";
    expect(before.matches(config)).toBe(false);
  });
});

describe("needs no second look", () => {
  const { freeze } = Object;
  test.each<[string, object, boolean]>([
    ["a frozen configuration", freeze({ a: 1, list: freeze(["b"]), none: null }), true],
    ["one with a function", freeze({ read: () => 1, map: new Map() }), true],
    ["but one that is open does", { a: 1 }, false],
    ["but one with an open list does", freeze({ list: ["b"] }), false],
    ["but one with an open record far inside does", freeze({ list: freeze([{}]) }), false],
    ["but one with bytes does", freeze({ bytes: bytes(1) }), false],
    [
      "but one with a getter does",
      freeze({
        get a() {
          return 1;
        },
      }),
      false,
    ],
    ["but one that inherits does", freeze(Object.create({ a: 1 })), false],
    ["nor does one without a prototype", freeze(Object.create(null)), true],
  ])("%s", (_, config, expected) => {
    expect(seen(config).isFrozen).toBe(expected);
  });
});

describe("plain data", () => {
  class Own {}
  test.each([
    [{}, true],
    [[], true],
    [Object.create(null), true],
    [new Own(), false],
    [new Map(), false],
    [null, false],
    ["text", false],
    [() => {}, false],
  ])("or not: %o", (value, expected) => {
    expect(isPlain(value)).toBe(expected);
  });

  const nested = (depth: number): unknown => (depth === 0 ? "x" : { in: nested(depth - 1) });
  test("may be nested seven deep in a field, and no deeper", () => {
    expect(isTooDeep(nested(7))).toBe(false);
    expect(isTooDeep(nested(8))).toBe(true);
    expect(isTooDeep(["a", nested(7)])).toBe(true);
    expect(isTooDeep("x")).toBe(false);
    const round: unknown[] = [];
    round.push(round);
    expect(isTooDeep(round)).toBe(true);
  });
});

describe("what is known of a configuration is found", () => {
  function learned(config: object, what = { is: "known" }) {
    const recognition = new EndpointRegistry<object>();
    recognition.learn(config, recognition.see(config), what);
    return { recognition, what };
  }

  test("by its object, as long as it says the same", () => {
    const config = made();
    const { recognition, what } = learned(config);
    expect([recognition.find(config), recognition.find(config)]).toEqual([what, what]);
    config.name = "other";
    expect(recognition.find(config)).toBeUndefined();
    config.name = "orders";
    expect(recognition.find(config)).toBe(what);
  });

  test("among others, one after the other", () => {
    const [one, other] = [made(), { ...made(), name: "other" }];
    const { recognition, what } = learned(one);
    const second = { is: "second" };
    recognition.learn(other, recognition.see(other), second);
    const found = [one, other, one, one, other].map((config) => recognition.find(config));
    expect(found).toEqual([what, second, what, what, second]);
    expect(recognition.find(made())).toBeUndefined();
  });

  test("by its content in every other object that says the same", () => {
    const { recognition, what } = learned(made());
    const again = made();
    expect(recognition.find(again)).toBeUndefined();
    expect(recognition.findContent(again)).toBe(what);
    expect(recognition.findContent(again)).toBe(what);
  });

  test("not by the texts alone, where they stand in other places", () => {
    const { recognition } = learned({ a: "x", b: "y" });
    expect(recognition.findContent({ a: "xy", b: "" })).toBeUndefined();
    expect(recognition.findContent({ b: "x", a: "y" })).toBeUndefined();
    expect(recognition.findContent({ a: "x", b: "z" })).toBeUndefined();
  });

  test("not where a getter says something else each time", () => {
    let count = 0;
    const config = {
      get name() {
        return `orders-${count++}`;
      },
    };
    const { recognition } = learned(config);
    expect(recognition.find(config)).toBeUndefined();
  });

  test("no more after all was cleared", () => {
    const config = made();
    const { recognition, what } = learned(config);
    expect(recognition.find(config)).toBe(what);
    recognition.clear();
    expect([recognition.find(config), recognition.findContent(config)]).toEqual([
      undefined,
      undefined,
    ]);
  });
});
