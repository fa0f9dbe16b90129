// The stores in memory keep what the ports promise: tests that lean on them are worth something.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decide } from "../../src/core/decide.ts";
import { eventId } from "../../src/core/ids.ts";
import type { MirrorRecord, Write } from "../../src/core/record.ts";
import type { LedgerEntry } from "../../src/sync/stores.ts";
import { idOf, refOf, snapshotOf } from "../core/samples.ts";
import { createMemory } from "./memory.ts";
import { connectedMemory, connectionOf, HERE, START } from "./world.ts";

const put = (content: Parameters<typeof snapshotOf>[0]): Write => ({
  write: "put",
  snapshot: snapshotOf(content),
});
const bury = (fetchedAt: number, id = "x"): Write => ({ write: "tombstone", ref: refOf(id), fetchedAt });

const write: fc.Arbitrary<Write> = fc.oneof(
  fc
    .record({
      fetchedAt: fc.integer({ min: 1, max: 6 }),
      updatedAt: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
      hash: fc.constantFrom("a", "b", "c"),
    })
    .map(put),
  fc.integer({ min: 1, max: 6 }).map((fetchedAt) => bury(fetchedAt)),
);

describe("records", () => {
  it("WR3 the guard alone lets nothing move backwards, and what is decided against the truth it writes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(write, { maxLength: 20 }), async (writes) => {
        const { memory } = await connectedMemory();
        let before: MirrorRecord | undefined;
        for (const one of writes) {
          const written = (await memory.records.commit(HERE, [one])).size === 1;
          const after = await memory.records.one(HERE, refOf("x"));
          if (!written) expect(after).toEqual(before);
          if (one.write === "put") {
            const decided = decide(before, { kind: "record", snapshot: one.snapshot }, undefined);
            expect(written).toBe(decided.write !== undefined);
          }
          if (written) expect(after?.seq).toBe((before?.seq ?? 0) + 1);
          before = after;
        }
      }),
    );
  });

  it("WR5 seq follows the order of the statement, skips what is refused, and moves with the record", async () => {
    const { memory } = await connectedMemory();
    await memory.records.commit(HERE, [
      put({ id: "a", fetchedAt: 1 }),
      bury(1, "b"),
      put({ id: "c", fetchedAt: 1 }),
    ]);
    await memory.records.commit(HERE, [
      put({ id: "a", fetchedAt: 2, hash: "b" }),
      put({ id: "c", fetchedAt: 2 }),
    ]);
    expect(memory.records.all(HERE).map(({ id, seq }) => [id, seq])).toEqual([
      ["c", 2],
      ["a", 3],
    ]);
  });

  it("WR3 a change against the order of time is written only over the content it was decided against", async () => {
    const { memory } = await connectedMemory();
    await memory.records.commit(HERE, [put({ fetchedAt: 1, updatedAt: 9, hash: "now" })]);
    const back = snapshotOf({ fetchedAt: 2, updatedAt: 3, hash: "then" });
    const over = (overHash: string) =>
      memory.records.commit(HERE, [{ write: "put", snapshot: back, overHash }]);
    expect((await over("other")).size).toBe(0);
    expect((await over("now")).size).toBe(1);
  });

  it("RD6 rows of a connection nobody made, or that is gone, are not kept", async () => {
    const { memory } = await connectedMemory();
    await createMemory().records.commit(HERE, [put({ fetchedAt: 1 })]);
    await memory.records.commit(connectionOf("nobody"), [put({ fetchedAt: 1 })]);
    expect(memory.records.all(connectionOf("nobody"))).toEqual([]);
    await memory.records.commit(HERE, [put({ fetchedAt: 1 })]);
    expect(await memory.connections.remove(HERE)).toMatchObject({ records: 1 });
    await memory.records.commit(HERE, [put({ fetchedAt: 2 })]);
    expect(memory.records.all(HERE)).toEqual([]);
  });

  it("RD8 pages follow each other by time and id without gap or repeat, tombstones left out", async () => {
    const record = fc.record({
      id: fc.nat(30).map(String),
      updatedAt: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(record, { selector: ({ id }) => id }),
        fc.integer({ min: 1, max: 5 }),
        async (rows, limit) => {
          const { memory } = await connectedMemory();
          await memory.records.commit(HERE, [
            ...rows.map((row) => put({ ...row, fetchedAt: 1 })),
            put({ id: "gone", fetchedAt: 1 }),
          ]);
          await memory.records.commit(HERE, [bury(2, "gone")]);
          const seen: MirrorRecord[] = [];
          for (let page = await memory.records.page(HERE, "clients", { limit }); page.length > 0; ) {
            seen.push(...page);
            const last = page.at(-1);
            const after = last && { updatedAt: last.updatedAt, id: last.id };
            page = await memory.records.page(HERE, "clients", { limit, after });
          }
          expect(seen.map(({ id }) => id).sort()).toEqual(rows.map(({ id }) => id).sort());
          expect(seen.map(({ updatedAt }) => updatedAt ?? 0)).toEqual(
            rows.map(({ updatedAt }) => updatedAt ?? 0).sort(),
          );
        },
      ),
      { numRuns: 50 },
    );
  });

  it("WR1 a record is found under the id it answers to", async () => {
    const { memory } = await connectedMemory();
    await memory.records.commit(HERE, [put({ id: "real", fetchedAt: 1 })]);
    await memory.records.addAlias(HERE, "clients", idOf("alias"), idOf("real"));
    expect((await memory.records.one(HERE, refOf("alias")))?.id).toBe("real");
    expect(await memory.records.one(HERE, refOf("alias", "staff"))).toBeUndefined();
    expect((await memory.records.versions(HERE, [refOf("alias"), refOf("real")])).size).toBe(1);
  });
});

describe("the ledger", () => {
  it("IN8 what is parked is known but not done; what is done stays done", async () => {
    const { memory } = await connectedMemory();
    const id = eventId("e1");
    if (id === undefined) throw new Error("it is an id");
    const entry: LedgerEntry = {
      eventId: id,
      type: "client.updated",
      receivedAt: START,
      outcome: "parked",
      attempts: 3,
    };
    await memory.ledger.record(HERE, [entry]);
    expect([
      (await memory.ledger.done(HERE, [id])).size,
      (await memory.ledger.known(HERE, [id])).size,
    ]).toEqual([0, 1]);
    await memory.ledger.record(HERE, [{ ...entry, outcome: "update", doneAt: START + 5 }]);
    await memory.ledger.record(HERE, [entry]);
    expect(await memory.ledger.list({ limit: 9 })).toMatchObject([{ outcome: "update", doneAt: START + 5 }]);
    expect((await memory.ledger.done(HERE, [id])).size).toBe(1);
    expect(await memory.ledger.latency(HERE)).toEqual({ p50: 5, p95: 5, events: 1 });
  });
});
