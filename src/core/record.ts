// The shapes a record takes on its way from the upstream into the mirror.

import type { Ref } from "./ids.ts";

/** The canonical record as fetched. `body` is the upstream's JSON after field minimisation. */
export interface Snapshot extends Ref {
  /** When the fetch that brought it **started**, by our clock, in ms: the fence of every comparison. */
  readonly fetchedAt: number;
  /** The same instant by the earlier of both clocks, in ms. Absent where the upstream told no time. */
  readonly asOf?: number;
  /** The upstream's own clock, in ms. Absent where the upstream gives none. */
  readonly updatedAt?: number;
  readonly organizationId?: string;
  readonly clientId?: string;
  readonly status?: string;
  /** A state that rarely changes again. */
  readonly terminal: boolean;
  /** Of canonical content; equal hash, equal content. */
  readonly hash: string;
  readonly body: string;
  /** Of the connection's field list the body was cut to. Absent: the first. */
  readonly fieldsVersion?: number;
}

/** What one look at the upstream showed for a ref. */
export type Sight =
  | { readonly kind: "record"; readonly snapshot: Snapshot }
  | { readonly kind: "gone"; readonly ref: Ref; readonly fetchedAt: number; readonly asOf?: number };

/** What the mirror holds of a ref, without its body. */
export interface Version {
  readonly updatedAt?: number;
  readonly fetchedAt: number;
  readonly hash: string;
  readonly deletedAt?: number;
}

/** Is what was seen other than what is held? Says nothing of which is newer. */
export function differs(held: Version | undefined, seen: Pick<Snapshot, "hash">): boolean {
  return held === undefined || held.deletedAt !== undefined || held.hash !== seen.hash;
}

/** A row of the mirror. */
export interface MirrorRecord extends Snapshot {
  readonly seq: number;
  readonly deletedAt?: number;
}

/** One row for the guarded statement. */
export type Write =
  | {
      readonly write: "put";
      readonly snapshot: Snapshot;
      /** Set when a change against the order of time was believed: commit only over this very content. */
      readonly overHash?: string;
    }
  | {
      readonly write: "tombstone";
      readonly ref: Ref;
      readonly fetchedAt: number;
      readonly asOf?: number;
    };

export function refOfWrite(write: Write): Ref {
  return write.write === "put" ? write.snapshot : write.ref;
}

/** What the guarded statement checks beside versions: neither holds for a tombstone's content, it has none. */
export interface Gatekeeping {
  /** Ids of the clients it belongs to: of none of them may anything be kept after a purge (PR4). */
  readonly clients: readonly string[];
  /** The field list it must have been cut to (PR3). Absent: it holds no more than the row it was made from. */
  readonly fields?: number;
}

export function gatekeeping(write: Write): Gatekeeping {
  if (write.write === "tombstone") return { clients: clientsOf(write.ref) };
  const { snapshot, overHash } = write;
  const madeFromRow = overHash !== undefined && snapshot.fieldsVersion === undefined;
  return { clients: clientsOf(snapshot), ...(madeFromRow ? {} : { fields: snapshot.fieldsVersion ?? 0 }) };
}

/** A record, or a message about one, as far as it can be told whose it is. */
export type Subject = Ref & { readonly clientId?: string | undefined };

/** Ids are unique within a kind only: a staff member of the same number is not taken for the client. */
export function clientsOf({ kind, id, clientId }: Subject): readonly string[] {
  switch (kind) {
    case "clients":
      return [id];
    case "assessment-status":
      return clientId === undefined || clientId === id ? [id] : [id, clientId];
    case "reminders":
      return clientId === undefined ? [] : [clientId];
    case "organizations":
    case "staff":
      return [];
  }
}

export function refOfSight(sight: Sight): Ref {
  return sight.kind === "gone" ? sight.ref : sight.snapshot;
}
