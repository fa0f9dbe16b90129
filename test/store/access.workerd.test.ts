// The access log's rows: few, whatever is read, and none of its entries lost, doubled or out of order for it.

import { beforeAll, describe, expect, it } from "vitest";
import { type AccessEntry, partsOf } from "../../src/core/access.ts";
import type { ConnectionId } from "../../src/core/ids.ts";
import { limits } from "../../src/core/limits.ts";
import { NEWEST, PURGE } from "../../src/store/access.ts";
import { env, migrate, rowsOf } from "../support/bindings.ts";
import { createStores, newConnection } from "../support/stores.ts";

const MINUTE = 60_000;
const START = 1_800_000_000_000;

const stores = createStores();
beforeAll(migrate);

const originOf = (at: number) => `e${Math.abs(at - START)}`;

function entry(connection: ConnectionId, afterMs: number, more: Partial<AccessEntry> = {}): AccessEntry {
  const at = START + afterMs;
  const id = `${String(at).padStart(13, "0")}-${originOf(at)}-0`;
  return { id, connection, at, keyId: "key", action: "read", status: 200, ...more };
}

/** Each entry is a part of its own. */
const add = (entries: readonly AccessEntry[]) =>
  stores.access.add(entries.flatMap((one) => partsOf(originOf(one.at), 0, [one])));

const rowsIn = (connection: ConnectionId) =>
  rowsOf<{ minute: number; entries: string }>(
    "SELECT minute, entries FROM access_log WHERE connection_id = ?1 ORDER BY minute",
    connection,
  );

const timesOf = (entries: readonly AccessEntry[]) => entries.map(({ at }) => at - START);

describe("the rows of the access log", () => {
  it("PR6 a minute's entries of a connection are one row, by D1's own meter", async () => {
    const [id, other] = [await newConnection(stores), await newConnection(stores)];
    stores.statements.length = 0;
    await add([
      ...Array.from({ length: 100 }, (_, n) => entry(id, n * 10)),
      entry(id, MINUTE),
      entry(other, 0),
    ]);
    expect(stores.statements.map(({ rowsWritten }) => rowsWritten)).toEqual([1, 1, 1]);
    const held = (await rowsIn(id)).map(({ minute, entries }) => [minute, JSON.parse(entries).length]);
    expect(held).toEqual([
      [START / MINUTE, 100],
      [START / MINUTE + 1, 1],
    ]);
  });

  it("PR6 a flood is cut into rows of a bounded size, more than one transaction takes, and all of it is there", async () => {
    const id = await newConnection(stores);
    const recordId = "x".repeat(64) as NonNullable<AccessEntry["recordId"]>;
    const entries = Array.from({ length: 12_000 }, (_, n) => entry(id, n % 1_000, { recordId }));
    stores.statements.length = 0;
    await stores.access.add(partsOf("o", 0, entries));
    const rows = await rowsIn(id);
    expect(stores.statements.map(({ rowsWritten }) => rowsWritten)).toEqual(rows.map(() => 1));
    const sizes = rows.map((row) => row.entries.length);
    expect(sizes.reduce((sum, size) => sum + size)).toBeGreaterThan(limits.accessStatementChars);
    expect(Math.max(...sizes)).toBeLessThan(limits.accessRowChars + 1_000);
    expect(Math.min(...sizes.toSorted((a, b) => a - b).slice(1))).toBeGreaterThan(limits.accessRowChars / 2);
    const held = rows.flatMap((row) => JSON.parse(row.entries) as { entries: unknown[] }[]);
    expect(held.reduce((sum, part) => sum + part.entries.length, 0)).toBe(12_000);
    const page = await stores.access.list({ connection: id, limit: 3 });
    expect(timesOf(page)).toEqual([999, 999, 999]);
  });

  it("PR6 the same entries again are the same row; in other company none is lost and none told twice", async () => {
    const id = await newConnection(stores);
    const [a, b, c, d] = [entry(id, 1), entry(id, 2), entry(id, 3), entry(id, 4)] as const;
    await add([a, b]);
    await add([a, b]);
    expect(await rowsIn(id)).toHaveLength(1);
    for (const company of [[a], [a, c], [a, b, d]]) await add(company);
    expect(await stores.access.list({ connection: id, limit: 10 })).toEqual([d, c, b, a]);
  });

  it("PR6 entries keep all they say, and one of a connection that is gone is not kept", async () => {
    const id = await newConnection(stores);
    const whole = entry(id, 1, {
      ...{ action: "list", kind: "clients", records: 0, status: 304, keyId: "k2" },
      recordId: "client_1" as NonNullable<AccessEntry["recordId"]>,
    });
    await add([whole, entry("gone" as ConnectionId, 2)]);
    expect(await stores.access.list({ connection: id, limit: 10 })).toEqual([whole]);
    expect(await rowsIn("gone" as ConnectionId)).toEqual([]);
  });
});

describe("reading the access log", () => {
  it("PR6 is newest first across rows that overlap, page by page, without a gap or a repeat", async () => {
    const id = await newConnection(stores);
    const at = Array.from({ length: 300 }, (_, n) => n * 1_000);
    // Three isolates, each with every third read.
    for (const third of [0, 1, 2]) {
      await add(at.filter((_, n) => n % 3 === third).map((ms) => entry(id, ms)));
    }
    const found: number[] = [];
    for (let before: string | undefined; ; ) {
      const page = await stores.access.list({ connection: id, limit: 37, before });
      found.push(...timesOf(page));
      before = page.at(-1)?.id;
      if (page.length < 37) break;
    }
    expect(found).toEqual(at.toReversed());
  });

  it("PR6 one key's reads are picked out, and all connections are read together", async () => {
    const [id, other] = [await newConnection(stores), await newConnection(stores)];
    await add([
      ...Array.from({ length: 50 }, (_, n) => entry(id, 1_000_000 + n, { keyId: n === 7 ? "rare" : "key" })),
      entry(other, 1_000_100, { keyId: "rare" }),
      entry(id, 2_000_000, { keyId: "rare" }),
    ]);
    const rare = await stores.access.list({ key: "rare", limit: 10 });
    expect(rare.map(({ connection, at }) => [connection, at - START])).toEqual([
      [id, 2_000_000],
      [other, 1_000_100],
      [id, 1_000_007],
    ]);
    expect(await stores.access.list({ key: "rare", limit: 1 })).toEqual(rare.slice(0, 1));
  });

  it("PR6 takes whole rows away when all they hold is older, so many at a time", async () => {
    const id = await newConnection(stores);
    // Older than every other test's.
    const base = -1_000 * MINUTE;
    await add([0, 1, 2, 3].map((minutes) => entry(id, base + minutes * MINUTE + 30_000)));
    expect(await stores.access.purgeBefore(START + base + MINUTE + 29_999, 10)).toBe(1);
    expect(await stores.access.purgeBefore(START + base + 3 * MINUTE, 1)).toBe(1);
    expect(timesOf(await stores.access.list({ connection: id, limit: 10 }))).toEqual([
      base + 3 * MINUTE + 30_000,
      base + 2 * MINUTE + 30_000,
    ]);
  });

  it("PR6 both search the connection's rows by time, and order no more than a minute at once", async () => {
    const detailOf = async (sql: string, ...parameters: unknown[]) =>
      (await rowsOf<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`, ...parameters)).map(
        ({ detail }) => detail,
      );
    const read = await detailOf(NEWEST, "c", 1, "2", null, 5);
    expect(read.filter((line) => /access_log| l /.test(line)).join()).toMatch(/SEARCH l USING PRIMARY KEY/);
    expect(read.join()).toContain("LAST TERM OF ORDER BY");
    const purge = await detailOf(PURGE, "c", 1, 5);
    expect(purge.join()).not.toMatch(/SCAN access_log|ORDER BY/);
  });
});

describe("a log from before", () => {
  it("PR6 is brought over entry by entry", async () => {
    const id = await newConnection(stores);
    const old = env.MIGRATIONS.find(({ name }) => name.startsWith("0004"))?.queries.find((sql) =>
      sql.includes("access_log"),
    );
    const over = env.MIGRATIONS.filter(({ name }) => name.includes("access")).flatMap(
      ({ queries }) => queries,
    );
    await env.DB.batch(["DROP TABLE access_log", old ?? ""].map((sql) => env.DB.prepare(sql)));
    const entries = Array.from({ length: 300 }, (_, n) =>
      entry(id, n * 1_000, { kind: "staff", records: n }),
    );
    await env.DB.prepare(
      `INSERT INTO access_log SELECT ?1, value ->> 'id', value ->> 'at', 'key', 'read', 'staff', NULL, value ->> 'records', 200
       FROM json_each(?2)`,
    )
      .bind(id, JSON.stringify(entries))
      .run();
    await env.DB.batch(over.map((sql) => env.DB.prepare(sql)));
    const brought = await stores.access.list({ connection: id, limit: 500 });
    expect(brought).toEqual(entries.toReversed().map((one) => ({ ...one, id: `${one.id}-0` })));
  });
});
