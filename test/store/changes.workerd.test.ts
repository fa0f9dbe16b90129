// The feed in the database: exact, bounded, and by index.

import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ConnectionId } from "../../src/core/ids.ts";
import { limits } from "../../src/core/limits.ts";
import type { ChangesQuery } from "../../src/sync/stores.ts";
import { env, migrate, rowsOf } from "../support/bindings.ts";
import { bury, createStores, newConnection, put } from "../support/stores.ts";
import { tellFeedStory } from "../sync/feed-story.ts";

const stores = createStores();
const { records, statements } = stores;
beforeAll(migrate);
beforeEach(() => {
  statements.length = 0;
});

describe("the feed", () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    "FD1 story %i of moves, deletions and returns leaves every follower with exactly what it may see",
    async (seed) => {
      await tellFeedStory(records, await newConnection(stores), seed, 30);
    },
  );

  it("FD1 following while writers write skips nothing that was committed", async () => {
    const connection = await newConnection(stores);
    const all = Array.from({ length: 60 }, (_, i) => `r${i}`);
    let written = false;
    const writing = Promise.all(
      all.map((id, i) => records.commit(connection, [put(id, { organizationId: `o${i % 2}` })])),
    ).then(() => {
      written = true;
    });
    const held = new Set<string>();
    let after = 0;
    for (;;) {
      const last = written;
      const { rows, next, more } = await records.changes(connection, { after, limit: 7 });
      for (const { id } of rows) held.add(id);
      after = next;
      if (last && !more) break;
    }
    await writing;
    expect([...held].sort()).toEqual(all.sort());
  });

  it("FD1 a key with nothing to see comes forward through everything it may not see", async () => {
    const connection = await newConnection(stores);
    const rows = limits.changesScan + 250;
    for (let at = 0; at < rows; at += 250) {
      const slice = Array.from({ length: 250 }, (_, i) => put(`r${at + i}`, { organizationId: "o2" }));
      await records.commit(connection, slice);
    }
    const scope = { organizations: ["o1"], limit: 100 };
    const first = await records.changes(connection, { ...scope, after: 0 });
    expect(first).toEqual({ rows: [], next: limits.changesScan, more: true });
    const second = await records.changes(connection, { ...scope, after: first.next });
    expect(second).toEqual({ rows: [], next: rows, more: false });
    expect(await records.changes(connection, { ...scope, after: rows })).toEqual({
      rows: [],
      next: rows,
      more: false,
    });
  });

  it("FD1 a position past the end stays where it is", async () => {
    const connection = await newConnection(stores);
    expect((await records.commit(connection, [])).size).toBe(0);
    await records.commit(connection, [put("a")]);
    expect(await records.changes(connection, { after: 900, limit: 10 })).toEqual({
      rows: [],
      next: 900,
      more: false,
    });
    expect(await records.lastSeq(connection)).toBe(1);
    expect(await records.lastSeq("nobody" as ConnectionId)).toBe(0);
  });

  it("FD1 a connection made again under its id goes on counting, so a follower misses nothing of it", async () => {
    const connection = await newConnection(stores);
    await records.commit(connection, [put("a"), put("b")]);
    for (let life = 0; life < 2; life++) {
      await stores.connections.remove(connection);
      const again = {
        source: "rcms",
        baseUrl: "https://upstream.test/v1",
        apiKey: "k",
        fields: {},
        nonce: "n",
      };
      await stores.connections.begin({ id: connection, ...again, createdAt: 1 });
    }
    await records.commit(connection, [put("c")]);
    const { rows } = await records.changes(connection, { after: 2, limit: 10 });
    expect(rows.map(({ id, seq }) => [id, seq])).toEqual([["c", 3]]);
  });

  it("FD1 a move costs one row more, and nothing but a move does", async () => {
    const connection = await newConnection(stores);
    const cost = () => statements.reduce((sum, { rowsWritten = 0 }) => sum + rowsWritten, 0);
    await records.commit(connection, [put("a", { organizationId: "o1" })]);
    statements.length = 0;
    const later = { fetchedAt: 2_000, hash: "h2" };
    await records.commit(connection, [put("a", { ...later, organizationId: "o1" })]);
    const unmoved = cost();
    statements.length = 0;
    await records.commit(connection, [put("a", { fetchedAt: 3_000, hash: "h3", organizationId: "o2" })]);
    // The row and its place in the index.
    expect(cost()).toBe(unmoved + 2);
    const left = await rowsOf(
      "SELECT id, organization_id FROM departures WHERE connection_id = ?1",
      connection,
    );
    expect(left).toEqual([{ id: "a", organization_id: "o1" }]);
  });

  it("RD6 what a refused write would have moved is where it was", async () => {
    const connection = await newConnection(stores);
    await records.commit(connection, [put("a", { organizationId: "o1", fetchedAt: 2_000 })]);
    await records.commit(connection, [put("a", { organizationId: "o2", fetchedAt: 1_000, hash: "h2" })]);
    await records.commit(connection, [bury("a", 1_500)]);
    expect(await rowsOf("SELECT 1 FROM departures WHERE connection_id = ?1", connection)).toEqual([]);
  });
});

describe("plans", () => {
  it.each([
    ["everything", {}],
    ["some kinds", { kinds: ["clients", "staff"] as const }],
    ["some organizations", { organizations: ["o1", "o2"] }],
  ])("FD1 a page of %s walks the feed's index from its position", async (name, scope) => {
    const connection = await newConnection(stores);
    statements.length = 0;
    await records.changes(connection, { after: 5, limit: 10, ...scope });
    await records.lastSeq(connection);
    const steps = await plan();
    expect(steps.filter((step) => /^SCAN (records|departures)/.test(step))).toEqual([]);
    const searches = steps.filter((step) => /^SEARCH (records|departures|r|d)\b/.test(step));
    const byIndex =
      /USING (COVERING )?INDEX (records|departures)_by_seq \(connection_id=\?( AND seq>\?( AND seq<\?)?)?\)/;
    const byKey = /USING PRIMARY KEY \(connection_id=\? AND kind=\? AND id=\?/;
    expect(searches.length).toBeGreaterThan(1);
    expect(steps.filter((step) => /ORDER BY/.test(step) && name === "everything")).toEqual([]);
    expect(searches.filter((step) => !byIndex.test(step) && !byKey.test(step))).toEqual([]);
  });

  it.each([{}, { kinds: ["staff"] as const }, { organizations: ["o1"] }])(
    "FD1 a page at the end reads as few rows of a long table as of a short one: %j",
    async (scope) => {
      const [short, long] = [await newConnection(stores), await newConnection(stores)];
      for (const [connection, rows] of [
        [short, 3],
        [long, 800],
      ] as const) {
        const all = Array.from({ length: rows }, (_, i) => put(`r${i}`, { organizationId: "o2" }));
        await records.commit(connection, all);
      }
      expect(await rowsRead(short, { ...scope, after: 1 })).toBe(
        await rowsRead(long, { ...scope, after: 798 }),
      );
    },
  );

  it("FD1 a commit's departures and followers are found by primary key", async () => {
    const connection = await newConnection(stores);
    statements.length = 0;
    await records.commit(connection, [put("a", { organizationId: "o1" })]);
    const steps = await plan();
    const searched = steps.filter((step) => /^SEARCH (r|k|s|records)\b/.test(step));
    expect(searched.filter((step) => !/PRIMARY KEY|records_by_seq \(connection_id=\?\)/.test(step))).toEqual(
      [],
    );
    expect(steps.filter((step) => /^SCAN (records|departures|r|k|s)\b/.test(step))).toEqual([]);
  });
});

async function rowsRead(connection: ConnectionId, query: Partial<ChangesQuery>): Promise<number> {
  statements.length = 0;
  await records.changes(connection, { after: 0, limit: 10, ...query });
  let read = 0;
  for (const { sql, parameters } of [...statements]) {
    const { meta } = await env.DB.prepare(sql)
      .bind(...parameters)
      .all();
    read += meta.rows_read;
  }
  return read;
}

async function plan(): Promise<string[]> {
  const steps: string[] = [];
  for (const { sql, parameters } of [...statements]) {
    const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .bind(...parameters)
      .all<{ detail: string }>();
    steps.push(...results.map(({ detail }) => detail));
  }
  return steps;
}
