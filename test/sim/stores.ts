// The stores of a simulated mirror: the project's own in memory, as a database that fails now and then, before a call
// or after it. Everything they are made to keep is told to whoever watches, in the instant it happens.

import type { Ref } from "../../src/core/ids.ts";
import type { MirrorRecord } from "../../src/core/record.ts";
import type { Cursor } from "../../src/sync/ports.ts";
import type { LedgerEntry } from "../../src/sync/stores.ts";
import { createMemory } from "../sync/memory.ts";
import { backfillMemory, minimisationMemory, rebuildMemory } from "../sync/memory-work.ts";
import { connectionOf } from "../sync/world.ts";
import type { Shown } from "./api.ts";
import type { Chance } from "./chance.ts";
import type { Clock } from "./clock.ts";
import type { Faults } from "./faults.ts";
import { type How, type Life, lived } from "./life.ts";
import { createKv } from "./stale-kv.ts";

export const HERE = connectionOf("rcms");

/** Whoever watches is told of everything the mirror does, in the instant it does it. */
export interface Watcher {
  wrote(before: MirrorRecord | undefined, after: MirrorRecord): void;
  cursorSaved(name: string, cursor: Cursor): void;
  /** What must not happen twice at a time did. */
  overlapped(what: string): void;
  /** What RCMS asked of us was not kept to. */
  breached(what: string): void;
  /** An answer of the API reached whoever asked, alive. */
  fetched(shown: readonly Shown[]): void;
  ledgerWritten(entries: readonly LedgerEntry[]): void;
  /** A reader's isolate queued a look at a record that has aged. */
  refreshed(ref: Ref): void;
}

export interface StoresWorld {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly faults: () => Faults;
  readonly remote: How;
  readonly counters: { staleReads: number; databaseFailures: number; ambiguousCommits: number };
}

export function createStores({ clock, chance, counters, faults, remote }: StoresWorld) {
  const watched: Watcher = {
    wrote: () => {},
    cursorSaved: () => {},
    overlapped: () => {},
    breached: () => {},
    fetched: () => {},
    ledgerWritten: () => {},
    refreshed: () => {},
  };
  const stores = createMemory();
  const memory = {
    ...stores,
    backfills: backfillMemory(),
    rebuilds: rebuildMemory(),
    minimisations: minimisationMemory(stores.connections.setFields),
  };
  const { commit } = memory.records;
  const held = new Map<string, MirrorRecord>();
  let seen = 0;
  memory.records.commit = async (connection, writes) => {
    const written = commit(connection, writes);
    for (const row of memory.records.since(HERE, seen)) {
      const key = `${row.kind}/${row.id}`;
      const before = held.get(key);
      held.set(key, row);
      watched.wrote(before, row);
      seen = Math.max(seen, row.seq);
    }
    return written;
  };
  const { record } = memory.ledger;
  memory.ledger.record = async (connection, entries) => {
    watched.ledgerWritten(entries);
    return record(connection, entries);
  };
  const kv = createKv({ clock, chance, faults, counters });
  const { put } = kv;
  kv.put = async (key, text) => {
    await put(key, text);
    const [, , name = ""] = key.split("/");
    watched.cursorSaved(name, JSON.parse(String(text)) as Cursor);
  };

  const database: How = {
    forMs: () => chance.between(1, 15),
    fails(name) {
      if (chance.happens(faults().database)) {
        counters.databaseFailures++;
        return "before";
      }
      if (READS.has(name) || !chance.happens(faults().ambiguous)) return false;
      counters.ambiguousCommits++;
      return "after";
    },
  };
  const faces = {
    connections: lived(memory.connections, database),
    records: lived(memory.records, database),
    batches: lived(memory.batches, database),
    ledger: lived(memory.ledger, database),
    deadLetters: lived(memory.deadLetters, database),
    kinds: lived(memory.kinds, database),
    taken: lived(memory.taken, database),
    backfills: lived(memory.backfills, database),
    rebuilds: lived(memory.rebuilds, database),
    refreshes: lived(memory.refreshes, database),
    purges: lived(memory.purges, database),
    minimisations: lived(memory.minimisations, database),
  };

  return {
    watched,
    memory,
    kv,
    kvOf: lived(kv, remote),
    /** As a life reaches them. */
    of: (life: Life) => ({
      connections: faces.connections(life),
      records: faces.records(life),
      batches: faces.batches(life),
      ledger: faces.ledger(life),
      deadLetters: faces.deadLetters(life),
      kinds: faces.kinds(life),
      taken: faces.taken(life),
      backfills: faces.backfills(life),
      rebuilds: faces.rebuilds(life),
      refreshes: faces.refreshes(life),
      purges: faces.purges(life),
      minimisations: faces.minimisations(life),
    }),
  };
}

/** Calls of a store that change nothing: every other one may take effect and lose its answer. */
const READS = new Set(
  (
    "get list receiver unfinished versions changes lastSeq suppressed whyRefused one page ids slice counts " +
    "openReminders known latency lastReceivedAt clientsHeardOf drift isProven isComplete completeKinds last " +
    "stale take count"
  ).split(" "),
);
