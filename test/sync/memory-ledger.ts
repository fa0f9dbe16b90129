// The ledger and the dead letters in memory.

import type { ConnectionId, EventId, Ref } from "../../src/core/ids.ts";
import type { DeadLetter, DeadLetterStore, Ledger, LedgerEntry } from "../../src/sync/stores.ts";
import type { OwnedRows } from "./memory.ts";
import type { Purgeable, Suppressions } from "./memory-purge.ts";

interface Row extends LedgerEntry {
  readonly connection: ConnectionId;
}

const isClients = ({ ref }: Pick<LedgerEntry, "ref">) =>
  ref?.kind === "clients" || ref?.kind === "assessment-status";

export function ledgerMemory(exists: (id: ConnectionId) => boolean, suppressions: Suppressions) {
  const rows = new Map<string, Row>();
  const newest = () => [...rows.values()].sort((a, b) => b.receivedAt - a.receivedAt);
  const keyOf = (connection: ConnectionId, id: EventId) => `${connection} ${id}`;

  const ledger: Ledger = {
    async known(connection, ids) {
      return new Set(ids.filter((id) => rows.has(keyOf(connection, id))));
    },

    async record(connection, entries) {
      if (!exists(connection)) return;
      for (const entry of entries) {
        const key = keyOf(connection, entry.eventId);
        const before = rows.get(key);
        const { ref, ...nameless } = entry;
        const named = ref && !(isClients(entry) && suppressions.has(connection, [ref.id]));
        if (before === undefined) rows.set(key, { ...nameless, ...(named ? { ref } : {}), connection });
        else if (before.doneAt === undefined) rows.set(key, movedOn(before, entry));
      }
    },

    async list({ connection, outcome, limit }) {
      return newest()
        .filter((row) => connection === undefined || row.connection === connection)
        .filter((row) => outcome === undefined || row.outcome === outcome)
        .slice(0, limit);
    },

    async latency(connection) {
      const changes = newest()
        .filter((row) => row.connection === connection && row.doneAt !== undefined)
        .slice(0, 200)
        .filter(({ outcome }) => outcome === "insert" || outcome === "update")
        .map(({ doneAt, receivedAt }) => (doneAt ?? receivedAt) - receivedAt)
        .sort((a, b) => a - b);
      const at = (share: number) => changes[Math.ceil(share * changes.length) - 1];
      const [p50, p95] = [at(0.5), at(0.95)];
      return p50 === undefined || p95 === undefined ? undefined : { p50, p95, events: changes.length };
    },

    async lastReceivedAt(connection) {
      return newest().find((row) => row.connection === connection)?.receivedAt;
    },

    async clientsHeardOf(connection, receivedAfter, limit) {
      return newest()
        .reverse()
        .filter((row) => row.connection === connection && row.receivedAt > receivedAfter)
        .flatMap(({ ref, receivedAt, outcome }) => {
          const unread = ref?.kind === "assessment-status" && outcome !== "insert" && outcome !== "update";
          return ref?.kind === "clients" || unread ? [{ id: (ref as Ref).id, receivedAt }] : [];
        })
        .slice(0, limit);
    },

    async purgeBefore(receivedBefore) {
      const old = [...rows].filter(([, row]) => row.receivedAt < receivedBefore);
      for (const [key] of old) rows.delete(key);
      return old.length;
    },
  };

  const owned: OwnedRows & Purgeable = {
    table: "events",
    forgetClient(connection, ids, now, reminders) {
      const isAbout = ({ ref }: Row) =>
        ref !== undefined && (ref.kind === "reminders" ? reminders : ids).has(ref.id);
      const about = [...rows].filter(
        ([, row]) =>
          row.connection === connection && (isClients(row) || row.ref?.kind === "reminders") && isAbout(row),
      );
      for (const [key, { ref: _, ...row }] of about) {
        const outcome = row.outcome === "parked" ? "suppressed" : row.outcome;
        rows.set(key, { ...row, outcome, doneAt: row.doneAt ?? now });
      }
      return { events: about.length };
    },
    forget(connection) {
      const own = [...rows].filter(([, row]) => row.connection === connection);
      for (const [key] of own) rows.delete(key);
      return own.length;
    },
  };
  return {
    ...ledger,
    ...owned,
    async done(connection: ConnectionId, ids: readonly EventId[]): Promise<ReadonlySet<EventId>> {
      return new Set(ids.filter((id) => rows.get(keyOf(connection, id))?.doneAt !== undefined));
    },
  };
}

/** A parked event that is done after all. What it is stays as first written. */
function movedOn(before: Row, { doneAt, outcome, attempts }: LedgerEntry): Row {
  return { ...before, outcome, attempts, ...(doneAt === undefined ? {} : { doneAt }) };
}

export function deadLetterMemory(suppressions: Suppressions) {
  const rows = new Map<string, DeadLetter & { readonly message: unknown }>();

  const letters: DeadLetterStore = {
    async park(parked) {
      // A message is stored as JSON: what comes back is a copy, never the object that went in.
      for (const letter of parked) {
        if (letter.connection && suppressions.has(letter.connection, clientsIn(letter))) continue;
        if (!rows.has(letter.id))
          rows.set(letter.id, { ...letter, message: JSON.parse(JSON.stringify(letter.message)) });
      }
    },

    async list(connection, limit) {
      return [...rows.values()]
        .filter((row) => connection === undefined || row.connection === connection)
        .sort((a, b) => b.parkedAt - a.parkedAt)
        .slice(0, limit)
        .map(({ message: _message, ...letter }) => letter);
    },

    async take(which, limit) {
      return [...rows.values()]
        .filter((row) =>
          "id" in which
            ? row.id === which.id
            : row.parkedAt < which.parkedBefore &&
              (which.connection === undefined || row.connection === which.connection),
        )
        .sort((a, b) => a.parkedAt - b.parkedAt)
        .slice(0, limit)
        .map(({ id, queue, message }) => ({ id, queue, message }));
    },

    async remove(ids) {
      for (const id of ids) rows.delete(id);
    },

    async count(connection) {
      return [...rows.values()].filter((row) => row.connection === connection).length;
    },
  };

  const owned: OwnedRows & Purgeable = {
    table: "deadLetters",
    forgetClient(connection, ids) {
      const about = [...rows.values()].filter(
        (row) => row.connection === connection && clientsIn(row).some((id) => ids.has(id)),
      );
      for (const { id } of about) rows.delete(id);
      return { dead_letters: about.length };
    },
    forget(connection) {
      const own = [...rows.values()].filter((row) => row.connection === connection);
      for (const { id } of own) rows.delete(id);
      return own.length;
    },
  };
  return { ...letters, ...owned };
}

/** Clients a letter names: by its ref, or in a reminder's payload. */
function clientsIn(letter: DeadLetter & { readonly message: unknown }): readonly string[] {
  const { what } = letter.message as {
    readonly what?: { readonly payload?: { readonly client_id?: unknown } };
  };
  const reminded = what?.payload?.client_id;
  return [
    ...(isClients(letter) && letter.ref ? [letter.ref.id] : []),
    ...(reminded === undefined ? [] : [String(reminded)]),
  ];
}
