// Feed positions: given inside the statement that writes, to the rows that are written, once.

import { beforeAll, describe, expect, it } from "vitest";
import type { ConnectionId } from "../../src/core/ids.ts";
import { env, migrate, rowsOf } from "../support/bindings.ts";
import { bury, createStores, newConnection, put } from "../support/stores.ts";

const stores = createStores();
const { records, statements } = stores;
beforeAll(migrate);

async function seqs(connection: ConnectionId): Promise<Record<string, number>> {
  const rows = await rowsOf<{ id: string; seq: number }>(
    "SELECT id, seq FROM records WHERE connection_id = ?1 ORDER BY seq",
    connection,
  );
  return Object.fromEntries(rows.map(({ id, seq }) => [id, seq]));
}

describe("seq", () => {
  it("WR5 rows of one statement get the next numbers in their order, refused ones take none", async () => {
    const connection = await newConnection(stores);
    await records.commit(connection, [put("a"), put("b"), put("c")]);
    expect(await seqs(connection)).toEqual({ a: 1, b: 2, c: 3 });

    const later = { fetchedAt: 2_000, hash: "h2" };
    await records.commit(connection, [
      put("c", { ...later, fetchedAt: 500 }),
      put("b", later),
      put("a"),
      bury("unknown", 9_000),
      put("d"),
      put("c", later),
    ]);
    expect(await seqs(connection)).toEqual({ a: 1, b: 4, d: 5, c: 6 });
  });

  it("WR5 a tombstone takes a number of its own, and so does the return", async () => {
    const connection = await newConnection(stores);
    await records.commit(connection, [put("a"), put("b")]);
    await records.commit(connection, [bury("a", 2_000)]);
    expect(await seqs(connection)).toEqual({ b: 2, a: 3 });
    await records.commit(connection, [put("a", { fetchedAt: 3_000 })]);
    expect(await seqs(connection)).toEqual({ b: 2, a: 4 });
  });

  it("WR5 each connection counts for itself", async () => {
    const [one, other] = [await newConnection(stores), await newConnection(stores)];
    await records.commit(one, [put("a"), put("b")]);
    await records.commit(other, [put("a")]);
    expect(await seqs(other)).toEqual({ a: 1 });
  });

  it("WR5 a number of a row removed for good is never given out again", async () => {
    const connection = await newConnection(stores);
    await records.commit(connection, [put("a"), put("b")]);
    await env.DB.batch([
      env.DB.prepare("UPDATE connections SET seq_floor = 2 WHERE id = ?1").bind(connection),
      env.DB.prepare("DELETE FROM records WHERE connection_id = ?1").bind(connection),
    ]);
    await records.commit(connection, [put("c")]);
    expect(await seqs(connection)).toEqual({ c: 3 });
  });

  it("WR5 statements sent at once never share a number", async () => {
    const connection = await newConnection(stores);
    const groups = Array.from({ length: 10 }, (_, group) =>
      Array.from({ length: 10 }, (_, i) => put(`g${group}-${i}`)),
    );
    await Promise.all(groups.map((group) => records.commit(connection, group)));
    const given = Object.values(await seqs(connection)).sort((a, b) => a - b);
    expect(given).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
  });

  it("WR5 two hundred rows are one guarded statement, and what follows from them costs no row", async () => {
    const connection = await newConnection(stores);
    statements.length = 0;
    const written = await records.commit(
      connection,
      Array.from({ length: 200 }, (_, i) => put(`r${i}`)),
    );
    expect(written.size).toBe(200);
    expect(statements.filter(({ sql }) => sql.includes("INSERT INTO records"))).toHaveLength(1);
    expect(statements.map(({ rowsWritten }) => rowsWritten)).toEqual([0, 600, 0, 0]);
  });

  it("WR4 the same content writes no row, an insert at most three", async () => {
    const connection = await newConnection(stores);
    statements.length = 0;
    await records.commit(connection, [put("a", { updatedAt: 5 })]);
    await records.commit(connection, [put("a", { updatedAt: 5 })]);
    await records.commit(connection, [put("a", { updatedAt: 9, fetchedAt: 9_000 })]);
    const [inserted, ...unchanged] = [0, 4, 8].map((first) =>
      statements.slice(first, first + 4).reduce((sum, { rowsWritten = 0 }) => sum + rowsWritten, 0),
    );
    expect(inserted).toBeGreaterThan(0);
    expect(inserted).toBeLessThanOrEqual(3);
    expect(unchanged).toEqual([0, 0]);
    expect(await seqs(connection)).toEqual({ a: 1 });
  });

  it("WR5 nothing is written for a connection that does not exist", async () => {
    const written = await records.commit("nobody" as ConnectionId, [put("a")]);
    expect(written.size).toBe(0);
    expect(await seqs("nobody" as ConnectionId)).toEqual({});
  });
});
