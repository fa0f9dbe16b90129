// No claim about freshness is ever later than the truth: long random histories of changes, looks, sweeps that end
// or fail, a late KV and clocks apart, with every answer held against what really happened.

import fc from "fast-check";
import { expect, it } from "vitest";
import { listAsOf, recordAsOf } from "../../src/core/as-of.ts";
import { NO_WISHES } from "../../src/core/freshness.ts";
import type { MirrorRecord } from "../../src/core/record.ts";
import { rcms } from "../../src/sources/rcms/rcms.ts";
import type { Cursor, Shown } from "../../src/sync/ports.ts";
import { type ReadDeps, readOne } from "../../src/sync/read.ts";
import { replicaFor } from "../../src/sync/replica.ts";
import { type SweepDeps, sweepList } from "../../src/sync/sweep.ts";
import { refOf } from "../core/samples.ts";
import { kvCursors } from "./memory-cursors.ts";
import { replicated } from "./replicas.ts";
import { jobRecorder, leaseGate, OVERLAP, through } from "./sweeping.ts";
import { type TruthfulUpstream, truthfulUpstream } from "./truth.ts";
import { connectedMemory, doubtMemory, HERE, handClock, logMemory, walking, writerOver } from "./world.ts";

const LAG = rcms.visibilityLagMs;
const IDS = ["a", "b", "c", "d"] as const;
const id = fc.constantFrom(...IDS);
const lagMs = fc.integer({ min: 0, max: LAG - 1 });

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("change" as const), id, lagMs }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("delete" as const), id, lagMs }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("bury" as const), id }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("look" as const), id }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("slow look" as const), id, ms: lagMs }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("sweep" as const), failsFrom: fc.integer({ min: 1, max: 9 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("sweep from a late cursor" as const), back: fc.nat(3) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("read" as const), id, noCache: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("read a replica" as const), id, behind: fc.nat(12) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("pass" as const),
      ms: fc.oneof(fc.nat(2_000), fc.nat(70_000), fc.nat(900_000)),
    }),
  },
);

it("RD2 no record, list or tombstone is ever said to be newer than it is", { timeout: 60_000 }, async () => {
  const skew = fc.oneof(fc.constant(0), fc.integer({ min: -600_000, max: 600_000 }));
  const history = fc.array(step, { minLength: 5, maxLength: 60 });
  const seen = { vouched: 0, lists: 0, tombstones: 0, behind: 0 };
  await fc.assert(
    fc.asyncProperty(skew, fc.boolean(), history, async (aheadMs, dated, steps) => {
      const world = await setUp(aheadMs, dated);
      for (const one of steps) {
        await world.run(one);
        await world.check(seen);
      }
    }),
    { numRuns: 800 },
  );
  // The claims were not kept by claiming nothing.
  expect(seen.vouched).toBeGreaterThan(500);
  expect(seen.lists).toBeGreaterThan(500);
  expect(seen.tombstones).toBeGreaterThan(20);
  expect(seen.behind).toBeGreaterThan(500);
});

type Seen = Record<"vouched" | "lists" | "tombstones" | "behind", number>;
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

async function setUp(aheadMs: number, dated: boolean) {
  let behind = 0;
  const clock = handClock();
  const { memory, connection } = await connectedMemory();
  await memory.kinds.markProven(HERE, "clients");
  const near = replicated(memory, (least, latest) => Math.max(least, latest - behind));
  const upstream = truthfulUpstream(clock.now, aheadMs, dated);
  const cursors = kvCursors();
  // Two records were there before anybody connected.
  for (const old of ["a", "b"]) upstream.change(old, 0);
  clock.pass(60_000);

  const writer = writerOver(memory, upstream.fetchOne, { doubts: doubtMemory() });
  const { queues } = jobRecorder();
  const sweepDeps: SweepDeps = {
    now: clock.now,
    newId: () => "holder",
    source: rcms,
    gate: leaseGate(clock.now),
    cursors,
    records: memory.records,
    kinds: memory.kinds,
    ledger: memory.ledger,
    connections: memory.connections,
    writers: walking(writer),
    shards: 1,
    sleep: async () => {},
    queues,
    listThrough: through(upstream.listChanged),
    overlapMs: OVERLAP,
    pagesPerRun: 2,
    log: logMemory().log,
  };
  const reading: ReadDeps = {
    now: clock.now,
    records: memory.records,
    replica: near.replica,
    refreshes: memory.refreshes,
    queues,
    vouch: async () => cursors.of().vouch,
    ttlMs: () => 300_000,
    visibilityLagMs: LAG,
    writers: () => writer,
    sleep: () => new Promise(() => {}),
    keepAlive: () => {},
    absent: new Set<string>(),
    copies: { get: () => undefined, begin: () => () => {} },
    shown: new Map<string, Shown>(),
  };
  let begun: number | undefined;
  const sweep = async () => {
    if (cursors.of().watermark === undefined) begun = clock.now();
    await sweepList(sweepDeps, connection, "clients");
  };

  async function run(one: Step): Promise<void> {
    switch (one.do) {
      case "change":
        return upstream.change(one.id, one.lagMs);
      case "delete":
        return upstream.change(one.id, one.lagMs, true);
      case "bury":
        upstream.change(one.id, 0, true);
        await writer.look([{ ref: refOf(one.id), class: "event" }]);
        clock.pass(61_000);
        return void (await writer.look([{ ref: refOf(one.id), class: "event" }]));
      case "look":
        return void (await writer.look([{ ref: refOf(one.id), class: "event" }]));
      case "slow look": {
        // It saw the upstream when it started, and lands later.
        const fetched = await upstream.fetchOne(refOf(one.id));
        clock.pass(one.ms);
        const late = writerOver(memory, async () => fetched, { doubts: doubtMemory() });
        return void (await late.look([{ ref: refOf(one.id), class: "event" }]));
      }
      case "sweep":
        Object.assign(upstream.state, { pages: 0, failsFrom: one.failsFrom });
        return sweep();
      case "sweep from a late cursor": {
        const late: Cursor | undefined = cursors.writes.at(-1 - one.back);
        if (late !== undefined && late.watermark !== undefined) cursors.answerStale(late);
        Object.assign(upstream.state, { pages: 0, failsFrom: 99 });
        return sweep();
      }
      case "read": {
        const wishes = { ...NO_WISHES, noCache: one.noCache };
        const read = await readOne(reading, HERE, { ref: refOf(one.id), visible: () => true, wishes });
        if (read.result === "found") expectHonest(upstream, read.record, read.asOf);
        return;
      }
      case "read a replica": {
        behind = one.behind;
        const wishes = { ...NO_WISHES, maxStaleMs: Number.POSITIVE_INFINITY };
        const asked = { ref: refOf(one.id), visible: () => true, wishes, bookmark: "" };
        const read = await readOne(reading, HERE, asked);
        if (read.result !== "found") return;
        return expectHonest(upstream, read.record, read.asOf);
      }
      case "pass":
        return clock.pass(one.ms);
    }
  }

  async function check(seen: Seen): Promise<void> {
    // Whatever KV may still answer: the newest cursor, and every one before it.
    for (const { vouch } of [cursors.of(), ...cursors.writes.slice(-4)]) {
      for (const record of memory.records.all(HERE)) {
        const asOf = recordAsOf(record, vouch, LAG);
        expectHonest(upstream, record, asOf);
        if (record.deletedAt !== undefined) seen.tombstones++;
        else if (asOf > recordAsOf(record, undefined, LAG)) seen.vouched++;
      }
      // From the primary, and from the oldest copy that a reader content with any may be shown.
      behind = Number.POSITIVE_INFINITY;
      const copy = replicaFor(near, "", [vouch]);
      for (const { records } of [memory, ...(copy ? [copy] : [])]) {
        const rows = await records.page(HERE, "clients", { limit: 10 });
        if (copy && copy.bookmark() !== near.bookmarkOf(near.states.length - 1)) seen.behind++;
        for (const row of rows) expectHonest(upstream, row, recordAsOf(row, vouch, LAG));
        const asOf = listAsOf(rows, vouch, LAG);
        if (asOf === undefined) continue;
        seen.lists++;
        for (const row of rows) expectHonest(upstream, row, asOf);
        for (const absent of IDS.filter((one) => !rows.some((row) => row.id === one))) {
          expectAbsenceHonest(upstream, absent, asOf, begun ?? 0);
        }
      }
    }
  }

  return { run, check };
}

/**
 * The first change the record lacks lies after the claim, on either clock. Deletions, and what a record was before
 * it was deleted, nobody vouches for but the record's own fetch.
 */
function expectHonest({ histories }: TruthfulUpstream, record: MirrorRecord, asOf: number): void {
  const history = histories.get(record.id) ?? [];
  const { deletedAt } = record;
  const held =
    deletedAt === undefined
      ? history.findIndex(({ hash }) => hash === record.hash)
      : history.findLastIndex(({ hash, at }) => hash === undefined && at <= deletedAt);
  const deleted = history.findLastIndex(({ hash }) => hash === undefined);
  const lacking = history[Math.max(held, deleted) + 1];
  if (lacking !== undefined) expect(asOf).toBeLessThan(lacking.bound);
  const next = history[held + 1];
  if (next !== undefined) expect(recordAsOf(record, undefined, LAG)).toBeLessThan(next.bound);
}

/** What is in no list had not changed, since the first sweep, before the claim; or it is deleted. */
function expectAbsenceHonest(
  { histories }: TruthfulUpstream,
  absent: string,
  asOf: number,
  begun: number,
): void {
  const history = histories.get(absent) ?? [];
  const deleted = history.findLastIndex(({ hash }) => hash === undefined);
  const lacking = history.slice(deleted + 1).find(({ at }) => at >= begun);
  if (lacking !== undefined) expect(asOf).toBeLessThan(lacking.bound);
}
