// Sweeps put together over a mirror in memory: real writer, real drift counts, leases as the gate keeps them.

import type { Kind } from "../../src/core/ids.ts";
import { leasedElsewhere } from "../../src/core/leases.ts";
import { rcms } from "../../src/sources/rcms/rcms.ts";
import type { ListChanged } from "../../src/sync/burst.ts";
import type { JobMessage } from "../../src/sync/messages.ts";
import type { CursorName, Gate } from "../../src/sync/ports.ts";
import { type SweepDeps, sweepList } from "../../src/sync/sweep.ts";
import { runSweeps } from "../../src/sync/sweeps.ts";
import { snapshotOf } from "../core/samples.ts";
import { listedUpstream } from "./listed-upstream.ts";
import { kvCursors } from "./memory-cursors.ts";
import { connectedMemory, HERE, handClock, logMemory, walking, writerOver } from "./world.ts";

export const MINUTE = 60_000;
export const OVERLAP = 120_000;

/** Leases by the clock, everything else granted. */
export function leaseGate(now: () => number) {
  const leases = new Map<string, { readonly holder: string; readonly until: number }>();
  const told: string[] = [];
  const gate: Gate = {
    async lease(name, holder, forMs) {
      const held = leases.get(name);
      if (held !== undefined && held.holder !== holder && held.until > now()) return false;
      leases.set(name, { holder, until: now() + forMs });
      return true;
    },
    async release(name, holder) {
      if (leases.get(name)?.holder === holder) leases.delete(name);
    },
    async acquire({ calls }, under) {
      if (under?.instead !== undefined) await gate.release(under.instead.name, under.instead.holder);
      if (under !== undefined && !(await gate.lease(under.name, under.holder, under.forMs)))
        return leasedElsewhere(under);
      return { granted: true, report: false, ...(calls === undefined ? {} : { calls }) };
    },
    report: async () => {},
    resume: async () => void told.push("resume"),
    clear: async () => leases.clear(),
  };
  return { ...gate, leases, told };
}

/** A list behind the gate: each page is asked for first, as the real one is. */
export function through(listChanged: ListChanged): SweepDeps["listThrough"] {
  return (door) =>
    async (...asked) => {
      const permit = await door.acquire({ class: "sweep", retry: false });
      if (permit.granted) return listChanged(...asked);
      const { granted: _, ...why } = permit;
      return { ok: false, failure: why.by === "paused" ? { kind: "paused" } : { kind: "held", ...why } };
    };
}

export interface Sent {
  readonly job: JobMessage;
  readonly delaySeconds: number;
}

export function jobRecorder() {
  const sent: Sent[] = [];
  const queues = {
    sendEvents: async () => {},
    sendJobs: async (jobs: readonly JobMessage[], delaySeconds = 0) =>
      void sent.push(...jobs.map((job) => ({ job, delaySeconds }))),
  };
  return { sent, queues };
}

export async function sweeping(replaced: Partial<SweepDeps> = {}) {
  const clock = handClock();
  const { memory, connection } = await connectedMemory();
  for (const kind of ["organizations", "staff", "clients", "assessment-status"] as const)
    await memory.kinds.markProven(HERE, kind);
  const upstream = listedUpstream(clock.now);
  const cursors = kvCursors();
  const gate = leaseGate(clock.now);
  const { sent, queues } = jobRecorder();
  const { log, lines } = logMemory();
  /** What reached a writer, as `look` or `offer` and the ref. */
  const written: string[] = [];
  const real = writerOver(memory, upstream.fetchOne);
  const writers = walking({
    look: (asks) => {
      written.push(...asks.map(({ ref }) => `look ${ref.kind}/${ref.id}`));
      return real.look(asks);
    },
    offer: (snapshots) => {
      written.push(...snapshots.map(({ kind, id }) => `offer ${kind}/${id}`));
      return real.offer(snapshots);
    },
  });
  let ids = 0;
  const deps: SweepDeps = {
    now: clock.now,
    newId: () => `holder-${++ids}`,
    sleep: async (ms) => clock.pass(ms),
    source: rcms,
    gate,
    cursors,
    records: memory.records,
    kinds: memory.kinds,
    ledger: memory.ledger,
    connections: memory.connections,
    writers,
    shards: 1,
    queues,
    listThrough: through(upstream.listChanged),
    overlapMs: OVERLAP,
    pagesPerRun: 50,
    log,
    ...replaced,
  };
  return {
    clock,
    memory,
    connection,
    upstream,
    cursors,
    gate,
    sent,
    lines,
    written,
    deps,
    sweep: (kind: Kind = "clients", more: Partial<SweepDeps> = {}) =>
      sweepList({ ...deps, ...more }, connection, kind),
    run: (names: readonly CursorName[], verifyBudget = 25) =>
      runSweeps({ ...deps, verifyBudget }, connection, names),
    /** The mirror holds this already, as an event or an earlier sweep brought it. */
    mirrored: (id: string, hash = "a", updatedAt?: number, kind: Kind = "clients") =>
      memory.records.commit(HERE, [
        { write: "put", snapshot: snapshotOf({ id, hash, kind, updatedAt, fetchedAt: clock.now() }) },
      ]),
    drift: async (kind: Kind = "clients") => (await memory.kinds.drift(HERE))[kind],
    status: async () => {
      const { status, statusReason } = (await memory.connections.get(HERE)) ?? {};
      return { status, statusReason };
    },
    /** id → hash of what the mirror shows. */
    shown: async (kind: Kind = "clients") => {
      const rows = await memory.records.page(HERE, kind, { limit: 1_000 });
      return Object.fromEntries(rows.map(({ id, hash }) => [id, hash]));
    },
  };
}

export type Sweeping = Awaited<ReturnType<typeof sweeping>>;
