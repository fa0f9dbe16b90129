// The header's grammar as a property: what is written by it is read as it was meant, and nothing else is read at all.

import fc from "fast-check";
import { expect, it, vi } from "vitest";
import { parseSignatureHeader } from "../../src/sources/signature.ts";
import { seededRandom, shuffled } from "../fake-rcms/random.ts";

// Thousands of cases: on a busy machine they take their time.
vi.setConfig({ testTimeout: 60_000 });

const hex = fc.stringMatching(/^[0-9a-f]{64}$/);
const time = fc.stringMatching(/^[1-9][0-9]{9}$/);
const value = fc.stringMatching(/^[!-+\--~]{0,30}$/);
const foreign = fc
  .tuple(fc.stringMatching(/^[a-z0-9]{1,8}$/), value)
  .filter(([name]) => name !== "t" && name !== "v1")
  .map(([name, said]) => `${name}=${said}`);

it("IN2 what is written by the grammar is read as it was meant, in whatever order and company", () => {
  const meant = fc.record({
    t: time,
    v1: fc.array(hex, { minLength: 1, maxLength: 5 }),
    others: fc.array(foreign, { maxLength: 6 }),
    order: fc.nat(),
  });
  fc.assert(
    fc.property(meant, ({ t, v1, others, order }) => {
      // The order of the signatures among themselves is kept; everything else may stand anywhere.
      const signatures = v1.map((one) => `v1=${one}`);
      const places = shuffled(seededRandom(order), [...v1.map(() => "v1"), `t=${t}`, ...others]);
      const header = places.map((place) => (place === "v1" ? signatures.shift() : place)).join(",");
      fc.pre(header.length <= 1_024);
      expect(parseSignatureHeader(header)).toEqual({ t, v1 });
    }),
    { numRuns: 1_000 },
  );
});

/** The grammar once more, as one pattern per pair and a count: another way to say it, for texts nobody wrote. */
function isWritten(header: string): boolean {
  const pairs = header.split(",");
  const count = (name: string) => pairs.filter((pair) => pair.startsWith(name)).length;
  return (
    header.length <= 1_024 &&
    pairs.every((pair) => /^(?:t=[1-9]\d{9}|v1=[0-9a-f]{64}|(?!t=|v1=)[a-z0-9]+=\S*)$/.test(pair)) &&
    count("t=") === 1 &&
    count("v1=") >= 1 &&
    count("v1=") <= 5
  );
}

const NEARLY = [
  "t=1900000000",
  "t=0900000000",
  "t=19000000000",
  "t=",
  "t",
  "v1",
  `v1=${"a1".repeat(32)}`,
  `v1=${"a1".repeat(31)}a`,
  `v1=${"A1".repeat(32)}`,
  `v1=${"a1".repeat(32)}=`,
  "v0=x",
  "v11=x",
  "tt=1",
  "kid=",
  "=",
  "=x",
  "",
  "a=b=c",
  "a=\u00e9",
  "é=a",
  "A=b",
  "a-b=c",
  "a = b",
  "a= ",
  "a=\u00a0",
  "a=\ufeff",
  "\u0442=1900000000",
  `a=${"x".repeat(900)}`,
];

it("IN2 nothing else is read: a text is taken exactly when the grammar writes it", () => {
  // A good header, some with too many signatures, and up to two pairs more anywhere; or some pairs as they come.
  const good = ["t=1900000000", `v1=${"a1".repeat(32)}`];
  const pair = fc.constantFrom(...NEARLY);
  const near = fc.oneof(
    fc
      .tuple(fc.array(pair, { maxLength: 2 }), fc.integer({ min: 1, max: 7 }), fc.nat())
      .map(([more, times, order]) => {
        const signatures = Array.from({ length: times }, () => good[1] ?? "");
        return shuffled(seededRandom(order), ["t=1900000000", ...signatures, ...more]);
      }),
    fc.array(pair, { maxLength: 8 }),
  );
  let taken = 0;
  const agree = (header: string) => {
    const parsed = parseSignatureHeader(header);
    if ((parsed !== undefined) !== isWritten(header)) throw new Error(JSON.stringify(header));
    if (parsed !== undefined) taken++;
  };
  fc.assert(
    fc.property(near, (pairs) => agree(pairs.join(","))),
    { numRuns: 3_000 },
  );
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 80 }), agree), { numRuns: 1_000 });
  // Each pair once alone beside a good header, in front and behind: none is left to chance.
  for (const one of NEARLY)
    for (const pairs of [
      [...good, one],
      [one, ...good],
    ])
      agree(pairs.join(","));
  expect(taken).toBeGreaterThan(100);
});
