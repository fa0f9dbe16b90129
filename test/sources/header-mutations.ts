// Ways to spell the header of a genuine delivery that nobody may take for it: time, body and secrets are right, so
// only the grammar refuses. Why none of them can mean what it meant before is said at each.

import { between, pick, type Random } from "../fake-rcms/random.ts";
import { attempt, bare, dressed, type Genuine, someHex } from "./genuine.ts";
import type { Mutation, Why } from "./mutations.ts";
import { hmacHex } from "./signed.ts";

type Spoil = (random: Random, of: Genuine, other: Genuine) => string | null;

const at = (text: string, index: number, put: string, skip = 0) =>
  text.slice(0, index) + put + text.slice(index + skip);
const place = (random: Random, text: string) => between(random, [0, text.length]);

/** White space has no place anywhere, so wherever it stands the header is malformed. */
const BLANKS = [" ", "\t", "\n", "\r", "\v", "\f", "\u00a0", "\u2003", "\u2028", "\u3000", "\ufeff"];
/** Spellings of a time that are none, each signed over that very text. */
const TIMES: readonly ((t: number) => string)[] = [
  (t) => `0${t}`,
  (t) => `+${t}`,
  (t) => `-${t}`,
  (t) => `${t}.0`,
  (t) => `${t}000`,
  (t) => `${t / 1e9}e9`,
  (t) => `0x${t.toString(16)}`,
  (t) => String(t).slice(1),
  (t) => String(t).replace(/\d/g, (digit) => String.fromCharCode(0xff10 + Number(digit))),
  (t) => String(t).replace(/\d/g, (digit) => String.fromCharCode(0x660 + Number(digit))),
  (t) => `"${t}"`,
  () => "",
  () => "NaN",
  () => "9".repeat(400),
];
/** Signs and what looks like them. Of `t=…` and `v1=…` every character counts, so none may be another. */
const ALIKE: Readonly<Record<string, string>> = {
  t: "\u0442",
  v: "\u03bd",
  "1": "\uff11",
  "0": "\uff10",
  "=": "\uff1d",
  ",": "\uff0c",
};

const SPOILS: Readonly<Record<string, Spoil>> = {
  "white space": (random, of) => {
    const header = dressed(random, of);
    return at(header, place(random, header), pick(random, BLANKS));
  },
  "a sign that looks alike": (random, of) => {
    const header = bare(of);
    const places = [...header].flatMap((sign, i) => (ALIKE[sign] === undefined ? [] : [i]));
    const index = pick(random, places);
    return at(header, index, ALIKE[header[index] ?? ""] ?? "", 1);
  },
  "a name in upper case": (random, of) =>
    random() < 0.5 ? bare(of).replace("v1=", "V1=") : bare(of).replace("t=", "T="),
  // A digest without a letter is given one.
  "hex in upper case": (_random, { t, good: [hex = ""] }) =>
    `t=${t},v1=${/[a-f]/.test(hex) ? hex.toUpperCase() : `A${hex.slice(1)}`}`,
  "a time in another spelling": (random, of) => {
    const t = pick(random, TIMES)(of.t);
    return `t=${t},v1=${hmacHex(of.signers[0] ?? "", t, of.body)}`;
  },
  "two times": (random, of) => `${dressed(random, of)},t=${of.t + between(random, [-1, 1])}`,
  "no time": (random, of) => without(dressed(random, of), "t"),
  "no signature": (random, of) => without(dressed(random, of), "v1"),
  "only other schemes": (_random, of) => bare(of).replace("v1=", "v0="),
  "six signatures": (random, { t, good }) =>
    `t=${t}${[...good, ...Array.from({ length: 6 - good.length }, () => someHex(random))].map((hex) => `,v1=${hex}`).join("")}`,
  "a signature cut short": (random, of) => bare(of).slice(0, -between(random, [1, 64])),
  "a signature with more": (random, of) =>
    bare(of) + pick(random, ["0", "=x", "==", "-", ".", "00".repeat(32)]),
  "a signature in base64": (_random, { t, good: [hex = ""] }) =>
    `t=${t},v1=${Buffer.from(hex, "hex").toString("base64")}`,
  "a good signature and one that is none": (random, of) =>
    `${bare(of)},v1=${pick(random, ["potato", "", "0", "null", someHex(random).slice(1)])}`,
  "an empty pair": (random, of) =>
    pick(random, [`,${dressed(random, of)}`, `${dressed(random, of)},`, bare(of).replace(",", ",,")]),
  "other separators": (random, of) =>
    bare(of).replaceAll(",", pick(random, [";", "&", "|", "\n", "", "%2C"])),
  "other signs of equality": (random, of) =>
    bare(of).replaceAll("=", pick(random, [":", "", "==", "%3D", '="'])),
  "a pair that is none": (random, of) =>
    `${dressed(random, of)},${pick(random, ["v0", "=x", "Kid=1", "__proto__=x", "é=1", "a-b=1", "t", "v1"])}`,
  "more than a kilobyte": (random, of) =>
    `${dressed(random, of)},kid=${"x".repeat(between(random, [1_020, 3_000]))}`,
  // Two times, whatever else.
  "two headers in one": (random, of, other) =>
    dressed(random, of) + pick(random, [",", ", "]) + dressed(random, random() < 0.5 ? of : other),
  "two headers without a comma": (random, of, other) => bare(of) + bare(random() < 0.5 ? of : other),
  reversed: (_random, of) => [...bare(of)].reverse().join(""),
  nothing: () => "",
  rubbish: (random) =>
    Array.from({ length: between(random, [1, 60]) }, () =>
      String.fromCharCode(between(random, [0, 0x2ff])),
    ).join(""),
};

const spoils = Object.entries(SPOILS).map(
  ([name, spoil]): Mutation => ({
    name: `header: ${name}`,
    why: ["malformed"],
    make: (random, of, other) => attempt(of, spoil(random, of, other)),
  }),
);

/**
 * One or two signs of the bare header inserted, taken out or replaced, anywhere. The same meaning in another text
 * would need another pair, which is three signs at least (`,a=`), or pairs that change places, which is dozens: so
 * what differs by two signs differs in meaning or is malformed. A change that came to nothing gets a sign behind it.
 */
const edits: Mutation = {
  name: "header: one or two signs changed at random",
  why: ["malformed", "wrong", "too_old", "too_new"],
  make(random, of) {
    const before = bare(of);
    let after = before;
    for (let left = between(random, [1, 2]); left > 0; left--) {
      const sign = pick(random, [..."0123456789abcdefvt=,;. \u0000\u00e9"]);
      after = at(after, place(random, after), pick(random, [sign, sign, ""]), pick(random, [0, 1, 1]));
    }
    return attempt(of, after === before ? `${after}0` : after);
  },
};

const missing: Mutation = {
  name: "header: not there",
  why: ["missing"] satisfies Why[],
  make: (_random, of) => attempt(of, null),
};

/** Refused before anything is computed, but for a few of the random ones. */
export const MISSPELLINGS: readonly Mutation[] = [...spoils, edits, missing];

function without(header: string, name: string): string {
  return header
    .split(",")
    .filter((pair) => !pair.startsWith(`${name}=`))
    .join(",");
}
