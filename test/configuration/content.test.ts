import { describe, expect, test } from "vitest";
import { Identity } from "../../src/endpoint/identity.ts";

const identities = new Identity();
const of = (config: object, credentials: Record<string, string> = {}, by = identities) =>
  by.of(config as Readonly<Record<string, unknown>>, credentials);

const read = () => "secret";

describe("one identity have", () => {
  test.each<[string, object, object]>([
    ["fields in any order", { a: "1", b: "2" }, { b: "2", a: "1" }],
    ["records in any order", { a: { x: "1", y: 2 } }, { a: { y: 2, x: "1" } }],
    ["a field that is left out and one that is undefined", { a: "1" }, { a: "1", b: undefined }],
    ["so inside a record", { a: {} }, { a: { b: undefined } }],
    ["bytes that are the same", { a: Uint8Array.of(1, 255) }, { a: Buffer.from([1, 255]) }],
    ["the same function", { a: read }, { a: read }],
  ])("%s", async (_, one, other) => {
    expect(await of(one)).toBe(await of(other));
  });

  test("credentials that are read and those that are given", async () => {
    expect(await of({ a: read }, { a: "1" })).toBe(await of({ a: "1" }));
  });

  test("equal configurations in all processes, 24 bytes long", async () => {
    const config = { list: ["a", 1, null, true], record: { b: ["c"] }, bytes: Uint8Array.of(7) };
    const identity = await of(config);
    expect(identity).toHaveLength(24);
    expect(identity).toBe(await of({ ...config }, {}, new Identity()));
  });
});

describe("identities of their own have", () => {
  test.each<[string, object, object]>([
    ["other texts", { a: "1" }, { a: "2" }],
    ["other fields", { a: "1" }, { b: "1" }],
    ["one field more", { a: "1" }, { a: "1", b: "" }],
    ["borders between fields", { a: "1b", c: "" }, { a: "1", bc: "" }],
    ["a text and a number", { a: "1" }, { a: 1 }],
    ["a number and a truth", { a: 1 }, { a: true }],
    ["null and its name", { a: null }, { a: "null" }],
    ["a text and a list", { a: "1" }, { a: ["1"] }],
    ["lists in another order", { a: ["1", "2"] }, { a: ["2", "1"] }],
    ["lists of other lengths", { a: [["1"], "2"] }, { a: [["1", "2"]] }],
    ["a list and a record", { a: ["1"] }, { a: { 0: "1" } }],
    ["a record and what it holds", { a: { b: { c: "1" } } }, { a: { b: {}, c: "1" } }],
    ["records with other names", { a: { b: "1" } }, { a: { c: "1" } }],
    ["bytes and their text", { a: Uint8Array.of(97) }, { a: "a" }],
    ["other bytes", { a: Uint8Array.of(1) }, { a: Uint8Array.of(2) }],
    ["two functions", { a: () => "1" }, { a: () => "1" }],
    ["two instances", { a: new Map() }, { a: new Map() }],
    ["a function and an instance", { a: read }, { a: new Map() }],
  ])("%s", async (_, one, other) => {
    expect(await of(one)).not.toBe(await of(other));
  });

  test("functions in two processes", async () => {
    expect(await of({ a: read })).not.toBe(await of({ a: read }, {}, new Identity()));
  });
});
