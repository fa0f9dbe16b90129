// Changing which fields a connection keeps (PR3). The new list counts from the instant it is written: the guarded
// statement refuses whatever was cut to another. What is stored already follows in bounded slices through the queue:
// fields taken away are cut out of the rows, fields added are brought by a rebuild.

import { KINDS, type Kind, refKey } from "../core/ids.ts";
import { isJsonObject, parseJson } from "../core/json.ts";
import { limits } from "../core/limits.ts";
import { contentOf, fieldChange, minimise } from "../core/minimise.ts";
import { type MirrorRecord, refOfWrite, type Snapshot, type Write } from "../core/record.ts";
import type { Source } from "../sources/source.ts";
import { ACK, type Settlement } from "./messages.ts";
import type { Queues } from "./ports.ts";
import type { Minimisation, MinimisationStore } from "./privacy-stores.ts";
import { isWanted, orderRebuild } from "./rebuild.ts";
import { cutReminder } from "./reminders.ts";
import type { Connection, ConnectionStore, RebuildStore, RecordStore } from "./stores.ts";

export interface FieldsDeps {
  readonly now: () => number;
  readonly connections: Pick<ConnectionStore, "get">;
  readonly minimisations: MinimisationStore;
  readonly source: (id: string) => Source;
  readonly queues: Pick<Queues, "sendJobs">;
}

export interface FieldsChanged {
  readonly narrowed: readonly Kind[];
  readonly widened: readonly Kind[];
}

/**
 * Dying before the job is queued leaves rows that the clock finds.
 * @returns undefined when there is no such connection
 */
export async function changeFields(
  deps: FieldsDeps,
  id: Connection["id"],
  fields: Connection["fields"],
): Promise<FieldsChanged | undefined> {
  for (let attempt = 0; attempt < limits.fieldsAttempts; attempt++) {
    const connection = await deps.connections.get(id);
    if (connection === undefined) return undefined;
    const changes = KINDS.map((kind) => ({ kind, ...fieldChange(connection.fields[kind], fields[kind]) }));
    const of = (way: "narrowed" | "widened") => changes.filter((one) => one[way]).map(({ kind }) => kind);
    const changed = { narrowed: of("narrowed"), widened: of("widened") };
    if (changed.narrowed.length + changed.widened.length === 0) return changed;
    const { kinds } = deps.source(connection.source);
    const work = changes
      // What an event brought cannot be fetched again: a wider list counts for reminders to come.
      .map(({ kind, narrowed, widened }) => ({
        kind,
        cut: narrowed,
        refetch: widened && kinds[kind].payload === "thin",
      }))
      .filter(({ cut, refetch }) => cut || refetch);
    if (await deps.minimisations.order(id, fields, connection.fieldsVersion, work, deps.now())) {
      await deps.queues.sendJobs([{ job: "minimise", connection: id }]);
      return changed;
    }
  }
  throw new Error("the field list kept changing");
}

export interface MinimiseDeps {
  readonly now: () => number;
  readonly minimisations: MinimisationStore;
  readonly records: Pick<RecordStore, "slice" | "commit" | "whyRefused" | "counts">;
  readonly rebuilds: RebuildStore;
  readonly source: Source;
  readonly queues: Pick<Queues, "sendJobs">;
  readonly digest: (text: string) => string;
}

/** A few slices, then it queues itself again. Dying anywhere repeats at most one slice, which then changes nothing. */
export async function runMinimise(deps: MinimiseDeps, connection: Connection): Promise<Settlement> {
  for (let slices = 0; slices < limits.cutSlices; slices++) {
    const [next] = await deps.minimisations.list(connection.id);
    if (next === undefined) return ACK;
    // A newer list than the one in hand: its own message brings it.
    if (next.version > connection.fieldsVersion) return { result: "retry", delaySeconds: 1 };
    if (next.cutFrom === undefined) {
      await refetch(deps, connection);
      return ACK;
    }
    const reached = await cutSlice(deps, connection, next.kind, next.cutFrom);
    if (reached === "again") return { result: "retry", delaySeconds: 1 };
    await deps.minimisations.save(connection.id, { ...next, cutFrom: reached }, deps.now());
  }
  await deps.queues.sendJobs([{ job: "minimise", connection: connection.id }]);
  return ACK;
}

/**
 * Each row is written only over the very content it was cut from, so a fetch or an acknowledgement between the read
 * and the write is not undone: the slice is read again.
 * @returns the last id; undefined when there is no more; `again` when rows changed meanwhile
 */
async function cutSlice(
  deps: MinimiseDeps,
  connection: Connection,
  kind: Kind,
  after: string,
): Promise<Minimisation["cutFrom"] | "again"> {
  const rows = await deps.records.slice(connection.id, kind, after, limits.cutRows);
  const writes = rows.flatMap((row) => cut(deps, connection, row) ?? []);
  for (const part of inParts(writes)) {
    const written = await deps.records.commit(connection.id, part);
    const refused = part.filter((write) => !written.has(refKey(refOfWrite(write))));
    const why = await deps.records.whyRefused(connection.id, refused);
    if (refused.some((write) => why.get(refKey(refOfWrite(write))) !== "suppressed")) return "again";
  }
  return rows.length < limits.cutRows ? undefined : rows.at(-1)?.id;
}

/** @returns undefined when the row holds nothing that is not allowed */
function cut(deps: MinimiseDeps, connection: Connection, row: MirrorRecord): Write | undefined {
  const { seq: _, deletedAt: __, status, ...record } = row;
  const allowed = connection.fields[row.kind];
  const content = parseJson(row.body, limits.jsonDepth);
  if (!isJsonObject(content)) return undefined;
  const kept: Pick<Snapshot, "hash" | "body" | "status"> =
    deps.source.kinds[row.kind].payload === "full"
      ? { ...(status === undefined ? {} : { status }), ...cutReminder(content, allowed, deps.digest) }
      : contentOf(minimise(content, allowed), row.updatedAt, deps.digest);
  if (kept.hash === row.hash) return undefined;
  const snapshot = { ...record, ...kept, fieldsVersion: connection.fieldsVersion };
  return { write: "put", snapshot, overHash: row.hash };
}

function inParts(writes: readonly Write[]): readonly (readonly Write[])[] {
  const parts: Write[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const write of writes) {
    const bytes = write.write === "put" ? new TextEncoder().encode(write.snapshot.body).length : 0;
    size += bytes;
    const last = parts.at(-1);
    if (last === undefined || size > limits.commitBytes) {
      parts.push([write]);
      size = bytes;
    } else last.push(write);
  }
  return parts;
}

/** A rebuild that began under the older list does not count: the clock comes back when it is over. */
async function refetch(deps: MinimiseDeps, connection: Connection): Promise<void> {
  const rebuilds = await deps.rebuilds.list(connection.id);
  const waiting = (await deps.minimisations.list(connection.id)).filter(
    (one) => one.refetch && one.cutFrom === undefined,
  );
  const ready = waiting.filter(
    ({ kind, orderedAt }) =>
      !rebuilds.some((one) => one.kind === kind && isWanted(one) && one.startedAt <= orderedAt),
  );
  if (ready.length > 0) {
    await orderRebuild(
      deps,
      connection,
      ready.map(({ kind }) => kind),
    );
  }
  for (const one of ready)
    await deps.minimisations.save(connection.id, { ...one, refetch: false }, deps.now());
}
