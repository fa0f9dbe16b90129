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

export function refOfSight(sight: Sight): Ref {
  return sight.kind === "gone" ? sight.ref : sight.snapshot;
}
