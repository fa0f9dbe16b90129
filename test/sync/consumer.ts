// The events' consumer put together over a mirror in memory: real writer, real ledger, an upstream that answers at
// once from what it holds.

import { createHash } from "node:crypto";
import type { Failure, Result } from "../../src/core/failure.ts";
import { type Kind, type Ref, refKey } from "../../src/core/ids.ts";
import { createLeases } from "../../src/core/leases.ts";
import { rcms } from "../../src/sources/rcms/rcms.ts";
import type { Look, Page } from "../../src/sources/source.ts";
import { type BatchStore, namesIn } from "../../src/sync/batch.ts";
import { type HydrateDeps, hydrate } from "../../src/sync/hydrate.ts";
import type { EventMessage, Queued } from "../../src/sync/messages.ts";
import { closeReminders, keepReminder } from "../../src/sync/reminders.ts";
import { snapshotOf } from "../core/samples.ts";
import { connectedMemory, doubtMemory, HERE, handClock, logMemory, writerOver } from "./world.ts";

export const digest = (text: string) => createHash("sha256").update(text).digest("hex");

interface Held {
  readonly updatedAt?: number | undefined;
  readonly hash: string;
}

/** Every call is remembered as text: `GET clients/x` or `LIST clients since page`. */
export function answeringUpstream(now: () => number) {
  const held = new Map<string, Held>();
  const calls: string[] = [];
  const failures = new Map<string, Failure>();
  let noSingle = false;

  return {
    held,
    calls,
    /** Fails this ref (`clients/x`) or this list (`clients`) until told otherwise. */
    failures,
    set noSingle(missing: boolean) {
      noSingle = missing;
    },
    async fetchOne(ref: Ref): Promise<Result<Look>> {
      calls.push(`GET ${refKey(ref)}`);
      const failure = failures.get(refKey(ref));
      if (failure) return { ok: false, failure };
      const record = noSingle ? undefined : held.get(refKey(ref));
      if (record === undefined) return { ok: true, value: { kind: "gone", ref, fetchedAt: now() } };
      const snapshot = snapshotOf({ ...record, kind: ref.kind, id: ref.id, fetchedAt: now() });
      return { ok: true, value: { kind: "record", snapshot } };
    },
    /** Two rows to a page, oldest change first. */
    async listChanged(kind: Kind, since: number | undefined, pageUrl?: string): Promise<Result<Page>> {
      calls.push(`LIST ${kind}${pageUrl === undefined ? "" : ` ${pageUrl}`}`);
      const failure = failures.get(kind);
      if (failure) return { ok: false, failure };
      const rows = [...held]
        .filter(([key, { updatedAt }]) => key.startsWith(`${kind}/`) && (updatedAt ?? 0) >= (since ?? 0))
        .sort(([, a], [, b]) => (a.updatedAt ?? 0) - (b.updatedAt ?? 0));
      const from = Number(pageUrl ?? 0);
      const snapshots = rows
        .slice(from, from + 2)
        .map(([key, record]) =>
          snapshotOf({ ...record, kind, id: key.slice(kind.length + 1), fetchedAt: now() }),
        );
      return {
        ok: true,
        value: { snapshots, unreadable: 0, ...(rows.length > from + 2 ? { nextUrl: String(from + 2) } : {}) },
      };
    },
  };
}

export async function consumer(replaced: Partial<HydrateDeps> = {}) {
  const clock = handClock();
  const { memory, connection } = await connectedMemory();
  for (const kind of ["clients", "staff", "assessment-status"] as const)
    await memory.kinds.markProven(HERE, kind);
  const upstream = answeringUpstream(clock.now);
  const { log, lines } = logMemory();
  const cleared: string[] = [];
  const leases = createLeases();
  const gate = {
    lease: async (name: string, holder: string, forMs: number) =>
      leases.take({ name, holder, forMs }, clock.now()),
    release: async (name: string, holder: string) => leases.release(name, holder),
  };
  let ids = 0;
  const reminders = { ...memory, now: clock.now, digest };
  const writers = writerOver(memory, upstream.fetchOne, { doubts: doubtMemory() });
  const deps: HydrateDeps = {
    now: clock.now,
    random: () => 0,
    source: rcms,
    ledger: memory.ledger,
    records: memory.records,
    writers,
    listChanged: upstream.listChanged,
    gate,
    newId: () => `id-${++ids}`,
    sleep: async (ms) => clock.pass(ms),
    backlog: async () => 0,
    keepReminder: (message) => keepReminder(reminders, connection, message),
    closeReminders: (message) => closeReminders(reminders, connection, message),
    clearBackfills: async (clientId) => void cleared.push(clientId),
    log,
    ...replaced,
  };
  return {
    clock,
    memory,
    connection,
    upstream,
    lines,
    /** Clients whose backfills were cleared. */
    cleared,
    deps,
    gate,
    reminders,
    writers,
    async hydrate(
      messages: readonly Queued<EventMessage>[],
      more: Partial<HydrateDeps> = {},
      { known }: BatchStore = memory.batches,
    ) {
      return hydrate({ ...deps, ...more }, connection, messages, await known(HERE, namesIn(messages)));
    },
    outcomes: async () =>
      (await memory.ledger.list({ limit: 1_000 }))
        .map(({ eventId, outcome }) => `${eventId} ${outcome}`)
        .sort(),
  };
}
