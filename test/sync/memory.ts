// The mirror's stores in memory: deterministic, and faithful to what the ports promise, the guard of the
// committing statement included. Nothing here knows the time.

import { type ConnectionId, type Kind, type RecordId, refKey } from "../../src/core/ids.ts";
import {
  clientsOf,
  gatekeeping,
  type MirrorRecord,
  refOfWrite,
  type Version,
  type Write,
} from "../../src/core/record.ts";
import type { BatchStore } from "../../src/sync/batch.ts";
import type { RecordQuery, RecordStore, Refusal } from "../../src/sync/stores.ts";
import { connectionMemory } from "./memory-connections.ts";
import { feedMemory } from "./memory-feed.ts";
import { cursorMemory, kindMemory, takenMemory } from "./memory-kinds.ts";
import { deadLetterMemory, ledgerMemory } from "./memory-ledger.ts";
import { type Purgeable, purgeMemory, type Suppressions, suppressionMemory } from "./memory-purge.ts";
import { refreshMemory } from "./memory-refreshes.ts";

export type Memory = ReturnType<typeof createMemory>;

/** One mirror. Rows are kept only for connections that exist, as in the tables. */
export function createMemory() {
  const owned: OwnedRows[] = [];
  const connections = connectionMemory(owned);
  const exists = connections.exists;
  const suppressions = suppressionMemory();
  const records = recordMemory(exists, suppressions, connections.fieldsVersion);
  const kinds = kindMemory();
  const taken = takenMemory(suppressions);
  const ledger = ledgerMemory(exists, suppressions);
  const batches: BatchStore = {
    known: async (connection, { eventIds, subjects, refs }) => ({
      done: await ledger.done(connection, eventIds),
      suppressed: await records.suppressed(connection, subjects),
      versions: await records.versions(connection, refs),
    }),
  };
  const deadLetters = deadLetterMemory(suppressions);
  const refreshes = refreshMemory(exists);
  owned.push(records, kinds, taken, ledger, deadLetters, suppressions, refreshes);
  const purgeables: Purgeable[] = [ledger, deadLetters, records, taken];
  const purges = purgeMemory(suppressions, records.idsOf, purgeables, records.remindersOf);
  const cursors = cursorMemory();
  return {
    connections,
    records,
    kinds,
    taken,
    ledger,
    batches,
    deadLetters,
    refreshes,
    cursors,
    suppressions,
    purges,
    purgeables,
  };
}

/** Rows that go when their connection goes. */
export interface OwnedRows {
  readonly table: string;
  /** @returns how many there were */
  forget(connection: ConnectionId): number;
}

export function recordMemory(
  exists: (id: ConnectionId) => boolean,
  suppressions: Suppressions,
  fieldsVersion: (id: ConnectionId) => number | undefined,
) {
  const tables = new Map<ConnectionId, Map<string, MirrorRecord>>();
  const aliases = new Map<string, RecordId>();
  const floors = new Map<ConnectionId, number>();
  const rowsOf = (connection: ConnectionId) => tables.get(connection) ?? new Map<string, MirrorRecord>();
  const feed = feedMemory(rowsOf);
  const aliasKey = (connection: ConnectionId, kind: Kind, alias: string) => `${connection} ${kind}/${alias}`;

  function refusal(connection: ConnectionId, write: Write): Refusal | undefined {
    const { clients, fields } = gatekeeping(write);
    if (suppressions.has(connection, clients)) return "suppressed";
    return fields !== undefined && fields !== fieldsVersion(connection) ? "outdated" : undefined;
  }

  const lastSeqOf = (connection: ConnectionId) =>
    Math.max(floors.get(connection) ?? 0, ...[...rowsOf(connection).values()].map(({ seq }) => seq));

  function commitPart(connection: ConnectionId, rows: Map<string, MirrorRecord>, writes: readonly Write[]) {
    // All are judged against what was there before the statement, as the statement itself does.
    const accepted = writes.filter(
      (write) =>
        refusal(connection, write) === undefined && guard(rows.get(refKey(refOfWrite(write))), write),
    );
    const before = new Map(rows);
    let seq = lastSeqOf(connection);
    for (const write of accepted) {
      const key = refKey(refOfWrite(write));
      const row = feed.placed(before, toRow(write, ++seq, rows.get(key)));
      feed.depart(connection, before.get(key), row);
      rows.set(key, row);
    }
    return accepted.map((write) => refKey(refOfWrite(write)));
  }

  const store: RecordStore = {
    changes: feed.changes,
    lastSeq: async (connection) => Math.max(0, ...[...rowsOf(connection).values()].map(({ seq }) => seq)),
    async suppressed(connection, subjects) {
      return new Set(
        subjects.filter((one) => suppressions.has(connection, clientsOf(one))).map((one) => refKey(one)),
      );
    },

    async whyRefused(connection, writes) {
      return new Map(
        writes.flatMap((write): [string, Refusal][] => {
          const why = refusal(connection, write);
          return why === undefined ? [] : [[refKey(refOfWrite(write)), why]];
        }),
      );
    },

    async versions(connection, refs) {
      const rows = rowsOf(connection);
      return new Map(
        refs.flatMap((ref) => {
          const row = rows.get(refKey(ref));
          return row ? [[refKey(ref), versionOf(row)] as const] : [];
        }),
      );
    },

    async commit(connection, writes) {
      if (!exists(connection)) return new Set();
      const rows = rowsOf(connection);
      tables.set(connection, rows);
      const ofClients = (write: Write) => refOfWrite(write).kind === "assessment-status";
      const written = commitPart(
        connection,
        rows,
        writes.filter((write) => !ofClients(write)),
      );
      feed.follow(connection, writes, lastSeqOf(connection));
      return new Set([...written, ...commitPart(connection, rows, writes.filter(ofClients))]);
    },

    async one(connection, ref) {
      const rows = rowsOf(connection);
      const alias = aliases.get(aliasKey(connection, ref.kind, ref.id));
      return rows.get(refKey(ref)) ?? (alias && rows.get(refKey({ kind: ref.kind, id: alias })));
    },

    async page(connection, kind, query) {
      return [...rowsOf(connection).values()]
        .filter((row) => row.kind === kind && row.deletedAt === undefined && matches(row, query))
        .sort(byPosition)
        .filter(({ updatedAt, id }) => !query.after || byPosition({ updatedAt, id }, query.after) > 0)
        .slice(0, query.limit);
    },

    // One copy is all there is.
    bookmark: async () => undefined,

    async addAlias(connection, kind, alias, id) {
      if (kind === "clients" && suppressions.has(connection, [alias, id])) return false;
      aliases.set(aliasKey(connection, kind, alias), id);
      return true;
    },

    async ids(connection, kind, after, limit) {
      return [...rowsOf(connection).values()]
        .filter((row) => row.kind === kind && row.deletedAt === undefined && row.id > after)
        .sort((a, b) => (a.id < b.id ? -1 : 1))
        .slice(0, limit)
        .map(({ id, organizationId }) => ({
          id,
          ...(organizationId === undefined ? {} : { organizationId }),
        }));
    },

    async slice(connection, kind, after, limit) {
      return [...rowsOf(connection).values()]
        .filter((row) => row.kind === kind && row.deletedAt === undefined && row.id > after)
        .sort((a, b) => (a.id < b.id ? -1 : 1))
        .slice(0, limit);
    },

    async openReminders(connection, now) {
      const open = [...rowsOf(connection).values()].filter(
        ({ kind, status, deletedAt }) => kind === "reminders" && status === "open" && deletedAt === undefined,
      );
      const since = open.map(({ updatedAt }) => updatedAt ?? 0);
      const over = (ms: number) => since.filter((at) => at < now - ms).length;
      const counts = { open: open.length, overHour: over(3_600_000), overDay: over(86_400_000) };
      return { ...counts, ...(open.length === 0 ? {} : { oldest: Math.min(...since) }) };
    },

    async counts(connection) {
      const live = [...rowsOf(connection).values()].filter(({ deletedAt }) => deletedAt === undefined);
      return Object.fromEntries(
        [...Map.groupBy(live, ({ kind }) => kind)].map(([kind, rows]) => [kind, rows.length]),
      );
    },
  };

  return {
    ...store,
    table: "records",
    forget(connection: ConnectionId) {
      const count = rowsOf(connection).size;
      floors.set(connection, lastSeqOf(connection));
      tables.delete(connection);
      feed.forget(connection);
      for (const key of [...aliases.keys()].filter((one) => one.startsWith(`${connection} `)))
        aliases.delete(key);
      return count;
    },
    /** Every id the client of these ids is known by. */
    idsOf(connection: ConnectionId, ids: readonly string[]): ReadonlySet<string> {
      const known = new Set(ids);
      const prefix = aliasKey(connection, "clients", "");
      const pairs = [...aliases].filter(([key]) => key.startsWith(prefix));
      for (let size = -1; size !== known.size; ) {
        size = known.size;
        for (const [key, id] of pairs) {
          const alias = key.slice(prefix.length);
          if (known.has(alias) || known.has(id)) known.add(alias).add(id);
        }
      }
      return known;
    },
    remindersOf: (connection: ConnectionId, ids: ReadonlySet<string>): ReadonlySet<string> =>
      new Set(
        [...rowsOf(connection).values()]
          .filter(({ kind, clientId }) => kind === "reminders" && ids.has(clientId ?? ""))
          .map(({ id }) => id),
      ),
    forgetClient(connection: ConnectionId, ids: ReadonlySet<string>, now: number) {
      const rows = rowsOf(connection);
      const counts = { records: 0, reminders: 0, aliases: 0 };
      let seq = Math.max(0, ...[...rows.values()].map((row) => row.seq));
      for (const [key, row] of [...rows].sort(([a], [b]) => (a < b ? -1 : 1))) {
        if (row.deletedAt !== undefined || !clientsOf(row).some((id) => ids.has(id))) continue;
        const buried = toRow({ write: "tombstone", ref: row, fetchedAt: now }, ++seq, row);
        const { clientId: _, ...kept } = buried;
        rows.set(key, kept);
        counts[row.kind === "reminders" ? "reminders" : "records"]++;
      }
      for (const [key, id] of aliases) {
        const prefix = aliasKey(connection, "clients", "");
        if (!key.startsWith(prefix) || !(ids.has(id) || ids.has(key.slice(prefix.length)))) continue;
        aliases.delete(key);
        counts.aliases++;
      }
      return counts;
    },
    /** @param key as `refKey` makes it */
    find: (connection: ConnectionId, key: string) => rowsOf(connection).get(key),
    /** Rows written after a position, by `seq`. */
    since: (connection: ConnectionId, seq: number) =>
      [...rowsOf(connection).values()].filter((row) => row.seq > seq).sort((a, b) => a.seq - b.seq),
    /** Every row, by `seq`: what a replay of the feed would bring. */
    all: (connection: ConnectionId) => [...rowsOf(connection).values()].sort((a, b) => a.seq - b.seq),
  };
}

/** The order of versions as the committing statement has it: a tombstone's own row counts like any other. */
function guard(row: MirrorRecord | undefined, write: Write): boolean {
  const fetchedAt = write.write === "put" ? write.snapshot.fetchedAt : write.fetchedAt;
  if (row === undefined) return write.write === "put";
  if (row.deletedAt !== undefined) return write.write === "put" && fetchedAt > row.fetchedAt;
  if (write.write === "tombstone") return fetchedAt > row.fetchedAt;
  const { hash, updatedAt } = write.snapshot;
  if (hash === row.hash) return false;
  if (write.overHash !== undefined) return write.overHash === row.hash;
  if (updatedAt === undefined || row.updatedAt === undefined || updatedAt === row.updatedAt) {
    return fetchedAt > row.fetchedAt;
  }
  return updatedAt > row.updatedAt;
}

function toRow(write: Write, seq: number, before: MirrorRecord | undefined): MirrorRecord {
  // What the new row does not say of its organization and client stays as it was known.
  const { organizationId, clientId } = before ?? {};
  const known = {
    ...(organizationId === undefined ? {} : { organizationId }),
    ...(clientId === undefined ? {} : { clientId }),
  };
  if (write.write === "put") {
    const { fieldsVersion: _, ...snapshot } = write.snapshot;
    return { ...known, ...snapshot, seq };
  }
  const { ref, fetchedAt, asOf } = write;
  const buried = {
    fetchedAt,
    ...(asOf === undefined ? {} : { asOf }),
    updatedAt: fetchedAt,
    deletedAt: fetchedAt,
    hash: "",
    terminal: true,
    body: "null",
  };
  return { ...known, kind: ref.kind, id: ref.id, ...buried, seq };
}

function versionOf({ fetchedAt, hash, updatedAt, deletedAt }: MirrorRecord): Version {
  return {
    fetchedAt,
    hash,
    ...(updatedAt === undefined ? {} : { updatedAt }),
    ...(deletedAt === undefined ? {} : { deletedAt }),
  };
}

function matches(row: MirrorRecord, query: RecordQuery): boolean {
  const { updatedAfter, organizations, status, clientId } = query;
  return (
    (updatedAfter === undefined || (row.updatedAt ?? 0) >= updatedAfter) &&
    (organizations === undefined || organizations.includes(row.organizationId ?? "")) &&
    (status === undefined || row.status === status) &&
    (clientId === undefined || row.clientId === clientId)
  );
}

type Position = Pick<MirrorRecord, "id"> & { readonly updatedAt?: number | undefined };

function byPosition(a: Position, b: Position): number {
  return (a.updatedAt ?? 0) - (b.updatedAt ?? 0) || (a.id < b.id ? -1 : Number(a.id > b.id));
}
