// JSON from outside: bounded, exact, and spelled in one way.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson, isJsonObject, type Json, parseJson, property } from "../../src/core/json.ts";

const json = fc.jsonValue({ maxDepth: 5 }) as fc.Arbitrary<Json>;

/** The same value with the members of every object in another order. */
function reversed(value: Json): Json {
  if (Array.isArray(value)) return (value as readonly Json[]).map(reversed);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, reversed(member)]),
  );
}

describe("the canonical spelling", () => {
  it("WR4 does not depend on the order of keys", () => {
    fc.assert(fc.property(json, (value) => canonicalJson(reversed(value)) === canonicalJson(value)));
  });

  it("WR4 says the whole value: it parses back to the same", () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it("WR4 keeps the order of arrays and has no white space", () => {
    expect(canonicalJson(parseJson('{ "b": [2, 1], "a": { "d": null, "c": "x y" } }', 8) ?? null)).toBe(
      '{"a":{"c":"x y","d":null},"b":[2,1]}',
    );
  });
});

describe("numbers", () => {
  const written = (text: string) => canonicalJson(parseJson(text, 8) ?? null);

  it("WR4 keeps the digits of numbers that a double cannot hold", () => {
    const text = '{"big":12345678901234567890,"edge":9007199254740993,"long":0.12345678901234567890123}';
    expect(written(text)).toBe(text);
    expect(JSON.stringify(parseJson(text, 8))).toBe(text);
  });

  it("WR4 tells apart two numbers that are one as doubles", () => {
    expect(written("[9007199254740992]")).not.toBe(written("[9007199254740993]"));
  });

  it("WR4 keeps numbers beyond the range of doubles", () => {
    expect(written('{"a":1e400}')).not.toBe(written('{"a":null}'));
    expect(written('{"a":1e400}')).not.toBe(written('{"a":2e400}'));
  });

  it("WR4 keeps integers of any length", () => {
    fc.assert(
      fc.property(fc.bigInt(-(10n ** 60n), 10n ** 60n), (number) => {
        expect(written(`[${number}]`)).toBe(`[${number}]`);
      }),
    );
  });

  it("WR4 does not take a number kept in digits for an object", () => {
    const parsed = parseJson('{"n":12345678901234567890}', 8);
    expect(isJsonObject(parsed) && isJsonObject(property(parsed, "n"))).toBe(false);
  });
});

describe("bounds", () => {
  const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;

  it("IN7 refuses what nests deeper than allowed, and no earlier", () => {
    expect(parseJson(nested(64), 64)).toBeDefined();
    expect(parseJson(nested(65), 64)).toBeUndefined();
    expect(parseJson(`{"a":${nested(64)}}`, 64)).toBeUndefined();
  });

  it("IN7 refuses a million nested arrays without recursing into them", () => {
    expect(parseJson(nested(1_000_000), 64)).toBeUndefined();
    expect(parseJson("[".repeat(1_000_000), 64)).toBeUndefined();
    expect(parseJson('{"a":'.repeat(1_000_000), 64)).toBeUndefined();
  });

  it("IN7 does not count brackets in text, nor is it misled by escapes", () => {
    const text = JSON.stringify({ text: `${"[{".repeat(100)}"\\`, more: '\\"[' });
    expect(parseJson(text, 2)).toEqual(JSON.parse(text));
    expect(parseJson('{"a":"\\"[[[["}', 1)).toEqual({ a: '"[[[[' });
    expect(parseJson('{"a":"\\\\","b":[]}', 2)).toEqual({ a: "\\", b: [] });
  });

  it("IN7 counts how deep it is, not how much there is", () => {
    expect(parseJson(`[${"[],".repeat(1_000)}[]]`, 2)).toHaveLength(1_001);
  });

  it("IN7 answers undefined for anything that is not JSON", () => {
    for (const text of ["", " ", "nope", "{", "{'a':1}", "[1,]", "\ufeff{}", '{"a":1} x', "NaN", "01"]) {
      expect(parseJson(text, 64), text).toBeUndefined();
    }
  });

  it("IN7 never throws, whatever the text", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'[]{}",:\\01e.-t') }),
        (text) => void parseJson(text, 3),
      ),
    );
  });
});

describe("keys", () => {
  it("IN7 a key named __proto__ is a key like any other", () => {
    const parsed = parseJson('{"__proto__":{"admin":true},"long":12345678901234567890}', 8);
    if (!isJsonObject(parsed)) throw new Error("it is an object");
    expect(Object.keys(parsed)).toEqual(["__proto__", "long"]);
    expect(property(parsed, "admin")).toBeUndefined();
    expect(canonicalJson(parsed)).toBe('{"__proto__":{"admin":true},"long":12345678901234567890}');
  });

  it("IN7 a property inherited is not there", () => {
    const parsed = parseJson("{}", 8);
    if (!isJsonObject(parsed)) throw new Error("it is an object");
    for (const name of ["constructor", "__proto__", "toString", "hasOwnProperty"]) {
      expect(property(parsed, name)).toBeUndefined();
    }
  });

  it("IN7 null, lists and plain values are not objects", () => {
    for (const value of [null, [], "x", 1, true, undefined]) expect(isJsonObject(value)).toBe(false);
    expect(isJsonObject({})).toBe(true);
  });
});
