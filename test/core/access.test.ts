// What the access log's entries look like on their way and in their rows.

import { describe, expect, it } from "vitest";
import {
  ACTIONS,
  type Access,
  type AccessPart,
  entryOf,
  isPartText,
  partsOf,
} from "../../src/core/access.ts";
import { type ConnectionId, KINDS, recordId } from "../../src/core/ids.ts";
import { limits } from "../../src/core/limits.ts";

const HERE = "here" as ConnectionId;
const entry = (at: number): Access => ({ connection: HERE, at, keyId: "key", action: "read", status: 200 });

/** As a row is read. */
function readBack(parts: readonly AccessPart[]) {
  return parts.flatMap(({ connection, text }) => {
    const { entries, ...head } = JSON.parse(text);
    const idOf = (i: number) => `${head.origin}-${head.first + i}`;
    return (entries as unknown[]).map((one, i) =>
      entryOf(connection, idOf(i), JSON.stringify(head), JSON.stringify(one)),
    );
  });
}

describe("parts", () => {
  const client = (id: string) => ({ kind: "clients", recordId: recordId(id) }) as const;

  it("PR6 say once what entries have in common, and number every one", () => {
    const entries: readonly Access[] = [
      { ...entry(5), ...client("a") },
      { ...entry(7), action: "list", kind: "staff", records: 3, status: 304 },
      { ...entry(6), ...client("b") },
      { ...entry(8), keyId: "other", ...client("a") },
      { ...entry(60_009), ...client("c") },
      { ...entry(9), ...client("d"), records: 0 },
    ];
    const parts = partsOf("o", 10, entries);
    expect(parts.map(({ id, minute }) => [id, minute])).toEqual([
      ["o-10", 0],
      ["o-13", 0],
      ["o-14", 0],
      ["o-15", 1],
    ]);
    expect(parts.map(({ text }) => text)).toEqual([
      '{"origin":"o","first":10,"since":5,"key":"key","action":"read","status":200,"kind":"clients","entries":[[0,"a"],[1,"b"],[4,"d",0]]}',
      '{"origin":"o","first":13,"since":7,"key":"key","action":"list","status":304,"kind":"staff","entries":[[0,null,3]]}',
      '{"origin":"o","first":14,"since":8,"key":"other","action":"read","status":200,"kind":"clients","entries":[[0,"a"]]}',
      '{"origin":"o","first":15,"since":60009,"key":"key","action":"read","status":200,"kind":"clients","entries":[[0,"c"]]}',
    ]);
    expect(partsOf("o", 10, entries)).toEqual(parts);
    const inParts = [0, 2, 5, 1, 3, 4].map((at, n) => ({ ...entries[at], id: `o-${10 + n}` }));
    expect(readBack(parts)).toEqual(inParts);
  });

  it("PR6 hold so many entries, and all of them are read back", () => {
    const many = 2.5 * limits.accessPartEntries;
    const parts = partsOf(
      "o",
      0,
      Array.from({ length: many }, (_, n) => entry(n % 1_000)),
    );
    expect(parts).toHaveLength(3);
    expect(readBack(parts).map(({ id }) => id)).toEqual(Array.from({ length: many }, (_, n) => `o-${n}`));
  });

  it("PR6 are known by their text, whole: what an hour of reads makes passes, anything beside it does not", () => {
    const parts = partsOf(
      "5b1f7d5e-0f8e-4a55-9d0b-0a1b2c3d4e5f",
      Number.MAX_SAFE_INTEGER % 1e15,
      [undefined, ...KINDS].flatMap((kind) =>
        ACTIONS.flatMap((action) => [
          { ...entry(1_800_000_000_000), kind, action },
          { ...entry(1_799_999_999_999), kind, action, recordId: recordId("x".repeat(64)), records: 200 },
        ]),
      ),
    );
    expect(parts.length).toBeGreaterThan(2 * KINDS.length * ACTIONS.length);
    expect(parts.filter(({ text }) => !isPartText(text))).toEqual([]);
    const [{ text = "" } = {}] = partsOf("o", 0, [{ ...entry(1), ...client("a") }]);
    expect(isPartText(text)).toBe(true);
    const beside = [
      `${text} `,
      text.replace('"a"', '"Ada Lovelace"'),
      text.replace('"a"', '{"name":"Ada"}'),
      text.replace("read", "write"),
      text.replace("[[", "[[],["),
      text.replace("]]", "],]"),
      text.replace("clients", "payments"),
      text.replace("{", '{"body":"x",'),
    ];
    expect(beside.filter((one) => one === text || isPartText(one))).toEqual([]);
  });
});
