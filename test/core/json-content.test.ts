// The canonical spelling as the measure of content: one for every way to write the same, another for anything else.

import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { canonicalJson, parseJson } from "../../src/core/json.ts";

// Thousands of cases: on a busy machine they take their time.
vi.setConfig({ testTimeout: 60_000 });

/** A value of JSON as text knows it: numbers are digits, objects are lists of distinct keys. */
type Tree =
  | { readonly is: "plain"; readonly text: "null" | "true" | "false" }
  | { readonly is: "number"; readonly text: string }
  | { readonly is: "string"; readonly text: string }
  | { readonly is: "list"; readonly items: readonly Tree[] }
  | { readonly is: "object"; readonly members: readonly (readonly [key: string, value: Tree])[] };

const digits = (max: number) => fc.stringMatching(new RegExp(`^(?:0|[1-9][0-9]{0,${max}})$`));
/** Of any length and size: most are beyond what a double can hold. */
const number = fc
  .tuple(
    fc.constantFrom("", "-"),
    digits(24),
    fc.option(fc.stringMatching(/^[0-9]{1,24}$/), { nil: undefined }),
    fc.option(fc.integer({ min: -420, max: 420 }), { nil: undefined }),
  )
  .map(([sign, whole, fraction, exponent]) =>
    [
      sign,
      whole,
      fraction === undefined ? "" : `.${fraction}`,
      exponent === undefined ? "" : `e${exponent}`,
    ].join(""),
  );

/** Few leaves and keys, so that two trees are often alike. */
const leaf: fc.Arbitrary<Tree> = fc.oneof(
  fc.constantFrom<Tree>(
    ...(["null", "true", "false"] as const).map((text) => ({ is: "plain" as const, text })),
  ),
  fc
    .constantFrom("0", "1", "9007199254740992", "9007199254740993", "1e400", "2e400", "0.1")
    .map((text): Tree => ({ is: "number", text })),
  number.map((text): Tree => ({ is: "number", text })),
  fc
    .constantFrom("", "a", "0", "null", "é", "e\u0301", "😀", '"\\\n\u2028', "\ud800")
    .map((text): Tree => ({ is: "string", text })),
);
const key = fc.constantFrom(
  "id",
  "a",
  "b",
  "__proto__",
  "constructor",
  "10",
  "9",
  "é",
  "\ud83d\ude00",
  "\uffff",
  "",
);
const tree: fc.Arbitrary<Tree> = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaf,
    fc.array(tie("tree"), { maxLength: 3 }).map((items): Tree => ({ is: "list", items })),
    fc
      .uniqueArray(fc.tuple(key, tie("tree")), { maxLength: 4, selector: ([name]) => name })
      .map((members): Tree => ({ is: "object", members })),
  ),
})).tree;

/** One of the many ways to write a tree; `dice` (each from 0 to 1) chooses among them. */
function written(of: Tree, dice: () => number): string {
  const blank = () => [" ", "\n", "\t", "\r\n ", "", "", ""][Math.floor(dice() * 7)] ?? "";
  const letter = (unit: string) =>
    dice() < 0.3 || unit < " " || unit === '"' || unit === "\\"
      ? `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`
      : unit;
  const text = (value: string) => `"${value.split("").map(letter).join("")}"`;
  switch (of.is) {
    case "plain":
    case "number":
      return of.text;
    case "string":
      return text(of.text);
    case "list":
      return `[${blank()}${of.items.map((item) => written(item, dice) + blank()).join(",")}]`;
    case "object": {
      const members = of.members.map(([name, value]) => ({ name, value, order: dice() }));
      const spelled = members
        .sort((a, b) => a.order - b.order)
        .map(({ name, value }) => `${blank()}${text(name)}${blank()}:${blank()}${written(value, dice)}`);
      return `{${spelled.join(",")}}`;
    }
  }
}

const canonical = (text: string) => canonicalJson(parseJson(text, 64) ?? { unparsed: text });
const ways = fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }));
const diceOf = (stream: Iterator<number>) => () => Number(stream.next().value);

/** The exact value of a decimal: digits without zeros at either end, and the power of ten below them. */
function exact(text: string): string {
  const [, sign, whole = "", fraction = "", exponent = "0"] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e(-?\d+))?$/.exec(text) ?? [];
  const all = (whole + fraction).replace(/^0+/, "");
  const short = all.replace(/0+$/, "");
  if (short === "") return "0";
  return `${sign}${short}e${Number(exponent) - fraction.length + (all.length - short.length)}`;
}

function same(a: Tree, b: Tree): boolean {
  if (a.is === "list" && b.is === "list") {
    return a.items.length === b.items.length && a.items.every((item, i) => same(item, b.items[i] as Tree));
  }
  if (a.is === "object" && b.is === "object") {
    const others = new Map(b.members);
    return (
      a.members.length === b.members.length &&
      a.members.every(([name, value]) => others.has(name) && same(value, others.get(name) as Tree))
    );
  }
  if (a.is === "number" && b.is === "number") return exact(a.text) === exact(b.text);
  return a.is === b.is && "text" in a && "text" in b && a.text === b.text;
}

describe("content", () => {
  it("WR4 has one spelling, whatever the order of keys, the white space and the escapes it came in", () => {
    fc.assert(
      fc.property(tree, ways, ways, (value, one, other) => {
        expect(canonical(written(value, diceOf(one)))).toBe(canonical(written(value, diceOf(other))));
      }),
      { numRuns: 1_000 },
    );
  });

  it("WR4 that differs anywhere has another spelling", () => {
    fc.assert(
      fc.property(tree, tree, ways, (a, b, way) => {
        const dice = diceOf(way);
        if (!same(a, b)) expect(canonical(written(a, dice))).not.toBe(canonical(written(b, dice)));
      }),
      { numRuns: 4_000 },
    );
  });

  it("WR4 two numbers are told apart when they differ, in whichever digit", () => {
    const nearly = fc.tuple(number, fc.nat(30), fc.nat(9)).map(([text, at, digit]) => {
      const changed = /^[1-9]$/.test(text[at] ?? "")
        ? text.slice(0, at) + (digit || 1) + text.slice(at + 1)
        : text;
      return [text, changed] as const;
    });
    // Neighbours around what a double can just not hold, with a decimal point anywhere.
    const neighbours = fc.tuple(fc.bigInt(10n ** 14n, 10n ** 18n), fc.nat(18)).map(([first, point]) => {
      const pointed = (digits: string) => `${digits.slice(0, point + 1)}.${digits.slice(point + 1)}0`;
      const pair = [String(first), String(first + 1n)] as const;
      return point < 9 ? pair : ([pointed(pair[0]), pointed(pair[1])] as const);
    });
    const apart = ([a, b]: readonly [string, string]) => {
      if (exact(a) === exact(b)) return;
      // Alone, and in company that makes the parser look at every digit.
      expect(canonical(`[${a}]`)).not.toBe(canonical(`[${b}]`));
      expect(canonical(`[${a},1e400]`)).not.toBe(canonical(`[${b},1e400]`));
    };
    fc.assert(fc.property(fc.oneof(nearly, neighbours), apart), { numRuns: 5_000 });
    // Found when numbers were read as doubles, or one digit too late.
    apart(["10.0000e-332", "10.0000e-331"]);
    apart(["9007199254740992", "9007199254740993"]);
  });

  it("WR4 is not lost on its way: the spelling of the spelling is itself", () => {
    fc.assert(
      fc.property(tree, ways, (value, way) => {
        const once = canonical(written(value, diceOf(way)));
        expect(canonical(once)).toBe(once);
      }),
      { numRuns: 1_000 },
    );
  });
});
