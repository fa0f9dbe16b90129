// The change feed in memory: what the feed's table and statements do, said once more in plain loops.

import { type ConnectionId, type Ref, refKey } from "../../src/core/ids.ts";
import { limits } from "../../src/core/limits.ts";
import { type MirrorRecord, refOfWrite, type Write } from "../../src/core/record.ts";
import type { ChangesQuery, RecordStore } from "../../src/sync/stores.ts";

type Rows = ReadonlyMap<string, MirrorRecord>;

interface Departure extends Ref {
  readonly organizationId: string;
  readonly seq: number;
  readonly leftAt: number;
}

export function feedMemory(rowsOf: (connection: ConnectionId) => Map<string, MirrorRecord>) {
  const departures = new Map<ConnectionId, Map<string, Departure>>();
  const departuresOf = (connection: ConnectionId) => departures.get(connection) ?? new Map();

  /** A document of a client is where its client is, and nowhere without it. */
  function placed(rows: Rows, row: MirrorRecord): MirrorRecord {
    if (row.kind !== "assessment-status") return row;
    const { organizationId: _, ...elsewhere } = row;
    const organizationId = placeOfClient(rows, row);
    return organizationId === undefined ? elsewhere : { ...elsewhere, organizationId };
  }

  function depart(
    connection: ConnectionId,
    before: MirrorRecord | undefined,
    after: MirrorRecord,
    leftAt = after.fetchedAt,
  ) {
    const { organizationId } = before ?? {};
    if (organizationId === undefined || organizationId === after.organizationId) return;
    const all = departuresOf(connection);
    const { kind, id } = after;
    // Deleted there, it left there.
    const { seq, at } =
      before?.deletedAt === undefined
        ? { seq: after.seq, at: leftAt }
        : { seq: before.seq, at: before.deletedAt };
    all.set(`${refKey(after)} ${organizationId}`, { kind, id, organizationId, seq, leftAt: at });
    departures.set(connection, all);
  }

  function follow(connection: ConnectionId, writes: readonly Write[], lastSeq: number) {
    const rows = rowsOf(connection);
    const clients = new Set(writes.map(refOfWrite).flatMap(({ kind, id }) => (kind === "clients" ? id : [])));
    let seq = lastSeq;
    for (const id of [...clients].sort()) {
      const status = rows.get(refKey({ kind: "assessment-status", id }));
      const client = rows.get(refKey({ kind: "clients", id }));
      if (status === undefined || client === undefined || status.deletedAt !== undefined) continue;
      const moved = placed(rows, status);
      if (moved.organizationId === status.organizationId) continue;
      const row = { ...moved, seq: ++seq };
      depart(connection, status, row, client.fetchedAt);
      rows.set(refKey(row), row);
    }
  }

  const changes: RecordStore["changes"] = async (connection, query) => {
    const { after, limit, kinds, organizations } = query;
    const rows = rowsOf(connection);
    const left: Departure[] = organizations === undefined ? [] : [...departuresOf(connection).values()];
    const later = ({ seq }: { seq: number }) => seq > after;
    const all = [...[...rows.values()].filter(later), ...left.filter(later)].sort((a, b) => a.seq - b.seq);
    const scan = kinds === undefined && organizations === undefined ? limit + 1 : limits.changesScan;
    const window = all.slice(0, scan);
    const end = window.at(-1)?.seq ?? after;

    const stayed = [...rows.values()].filter((row) => later(row) && row.seq <= end && isTheirs(row, query));
    const gone = left
      .filter((one) => later(one) && one.seq <= end && isTheirs(one, query))
      .filter((one) => {
        const now = rows.get(refKey(one));
        const lastLeft = Math.max(
          ...left.filter((d) => refKey(d) === refKey(one) && isTheirs(d, query)).map(({ seq }) => seq),
        );
        return (now === undefined || !isTheirs(now, query)) && one.seq === lastLeft;
      })
      .map(toTombstone);
    const found = [...stayed, ...gone].sort((a, b) => a.seq - b.seq);
    const page = found.slice(0, limit);
    const last = page.at(-1);
    if (found.length > limit && last !== undefined) return { rows: page, next: last.seq, more: true };
    return { rows: page, next: end, more: window.length === scan };
  };

  return {
    placed,
    depart,
    follow,
    changes,
    forget: (connection: ConnectionId) => void departures.delete(connection),
  };
}

function placeOfClient(rows: Rows, { id }: Ref): string | undefined {
  const client = rows.get(refKey({ kind: "clients", id } as Ref));
  return client?.deletedAt === undefined ? client?.organizationId : undefined;
}

function isTheirs(
  one: Pick<MirrorRecord, "kind" | "organizationId"> | Departure,
  { kinds, organizations }: ChangesQuery,
): boolean {
  return (
    (kinds === undefined || kinds.includes(one.kind)) &&
    (organizations === undefined || organizations.includes(one.organizationId ?? ""))
  );
}

function toTombstone({ kind, id, seq, leftAt }: Departure): MirrorRecord {
  const buried = { fetchedAt: leftAt, updatedAt: leftAt, deletedAt: leftAt };
  return { kind, id, seq, ...buried, hash: "", terminal: true, body: "null" };
}
