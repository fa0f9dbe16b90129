// Every event answered 2xx is accounted for: a fetch of its record started after it was received and landed, or it is
// parked and visible, or it still waits. The ledger's own word is not taken for it: at the moment it calls an event
// done, the fetch must have been seen.

import type { LedgerEntry } from "../../src/sync/stores.ts";
import type { Shown } from "./api.ts";
import { HERE } from "./mirror.ts";
import type { Simulation } from "./simulation.ts";
import { nameOf, versionOf } from "./versions.ts";
import type { Blame } from "./witness.ts";

/** Outcomes of events that name no record to fetch. */
const NOTHING_TO_FETCH = new Set(["test", "unknown_type", "unusable", "suppressed", "parked"]);

export function accountEvents({ mirror }: Simulation, blame: Blame) {
  const fetched = new Map<string, Shown[]>();
  const outcomes: Record<string, number> = {};

  mirror.watched.fetched = (shown) => {
    for (const one of shown) {
      const all = fetched.get(one.key);
      if (all === undefined) fetched.set(one.key, [one]);
      else all.push(one);
    }
  };

  mirror.watched.ledgerWritten = (entries) => {
    for (const entry of entries) {
      outcomes[entry.outcome] = (outcomes[entry.outcome] ?? 0) + 1;
      if (entry.doneAt === undefined || NOTHING_TO_FETCH.has(entry.outcome)) continue;
      if (!isShown(entry))
        blame("event-lost", `${entry.eventId} is called ${entry.outcome}, ${whyNot(entry)}`);
    }
  };

  function since({ eventId, ref, receivedAt }: LedgerEntry): readonly Shown[] {
    const from = mirror.received.get(eventId) ?? receivedAt;
    const all = ref === undefined ? undefined : fetched.get(nameOf(ref));
    return all?.filter(({ startedAt }) => startedAt >= from) ?? [];
  }

  function isShown(entry: LedgerEntry): boolean {
    const { ref, outcome } = entry;
    if (ref === undefined) return false;
    const row = mirror.memory.records.find(HERE, nameOf(ref));
    if (ref.kind === "reminders") return row !== undefined;
    const fetches = since(entry);
    // The API never showed it, and never will in time: it is left to the sweep, which is counted.
    if (outcome === "lagging") return fetches.length > 0;
    return fetches.some(({ number, startedAt }) => {
      if (row === undefined) return number === undefined;
      if (row.deletedAt !== undefined) return number === undefined || row.deletedAt >= startedAt;
      return number === undefined ? row.fetchedAt >= startedAt : versionOf(row) >= number;
    });
  }

  const whyNot = (entry: LedgerEntry) =>
    since(entry).length === 0
      ? "and no fetch of its record started after it was received"
      : "and what was fetched since is not in the mirror";

  return {
    outcomes,
    /** What was fetched of a record by requests that started then or later. */
    fetchedSince: (key: string, at: number): readonly Shown[] =>
      fetched.get(key)?.filter(({ startedAt }) => startedAt >= at) ?? [],
  };
}

/** Events answered 2xx that are neither done, nor on their queue, nor parked where an operator sees them. */
export async function unaccounted({ mirror }: Simulation): Promise<string[]> {
  const entries = await mirror.memory.ledger.list({ limit: 1_000_000 });
  const done = new Set<string>(
    entries.filter(({ doneAt }) => doneAt !== undefined).map(({ eventId }) => eventId),
  );
  const waiting = await waitingEvents({ mirror });
  return [...mirror.accepted.keys()]
    .filter((id) => !done.has(id) && !waiting.has(id))
    .map((id) => `event-lost: ${id} was answered 2xx and is neither done, queued nor parked`);
}

/** On their queue, or parked where an operator sees them. */
export async function waitingEvents({ mirror }: Pick<Simulation, "mirror">): Promise<ReadonlySet<string>> {
  const { deadLetters } = mirror.memory;
  const visible = new Set((await deadLetters.list(HERE, 10_000)).map(({ id }) => id));
  const parked = await deadLetters.take({ parkedBefore: Number.POSITIVE_INFINITY }, 10_000);
  const ids = parked.filter(({ id }) => visible.has(id)).map(({ message }) => eventIdOf(message));
  return new Set([...ids, ...mirror.events.bodies.map(({ eventId }) => eventId)]);
}

const eventIdOf = (message: unknown) => String((message as { readonly eventId?: unknown }).eventId);
