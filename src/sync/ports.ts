// What the spine needs of the world around it, as small interfaces: the log, the writers, the gate, the queues, the
// cursors. cloudflare/ implements them; tests bring their own. What is kept in the database is in stores.ts.

import type { Vouch } from "../core/as-of.ts";
import type { Decision, Doubt } from "../core/decide.ts";
import type { Failure } from "../core/failure.ts";
import type { CallAsk, CallClass, CallReport, Permit } from "../core/gate.ts";
import type { ConnectionId, Kind, Ref } from "../core/ids.ts";
import type { Leasing } from "../core/leases.ts";
import type { Snapshot, Version } from "../core/record.ts";
import type { EventMessage, JobMessage } from "./messages.ts";
import type { Permits } from "./permits.ts";
import type { PageRun, QueueName } from "./stores.ts";

export type Log = (
  level: "info" | "warn" | "error",
  event: string,
  fields?: Readonly<Record<string, string | number | boolean | undefined>>,
) => void;

/** One look at a record, as asked of its writer. */
export interface LookAsk {
  readonly ref: Ref;
  readonly class: CallClass;
  readonly organizationId?: string | undefined;
  /**
   * Readers only (our clock, ms): a fetch that started then or later will do, be it under way or lately done. An
   * event never says so: only a fetch that starts after it can show what it speaks of (WR2).
   */
  readonly notBefore?: number | undefined;
}

/** The upstream showed exactly what the mirror holds, as of this instant (ms, the earlier of both clocks). */
export interface Shown {
  readonly hash: string;
  readonly asOf: number;
}

/** What a look, or a snapshot offered, came to. */
export type Looked =
  | {
      readonly ok: true;
      readonly decision: Decision;
      /** What the mirror holds now; undefined when nothing. */
      readonly version?: Pick<Version, "updatedAt" | "fetchedAt" | "deletedAt">;
      readonly doubt?: Doubt;
      readonly shown?: Shown;
      /** Nothing was found, on a route that has never answered: this proves nothing. */
      readonly unproven?: true;
      /** The record is a purged client's: nothing of it is kept. */
      readonly suppressed?: true;
    }
  | { readonly ok: false; readonly failure: Failure };

export interface Writers {
  look(asks: readonly LookAsk[]): Promise<readonly Looked[]>;
  /** @param held what the mirror was just read to hold of them, by ref key, where the caller knows: not read again */
  offer(snapshots: readonly Snapshot[], held?: ReadonlyMap<string, Version>): Promise<readonly Looked[]>;
}

/** A connection's writers, as walks have them. */
export interface WalkingWriters extends Writers {
  /**
   * One look after the other, all of one writer, on permits taken together; without any it is one look.
   * @returns of the first so many; it ends where the permits do, or where the gate lets none through
   */
  walk(asks: readonly LookAsk[], permits: Permits): Promise<readonly Looked[]>;
}

/** How far the sweeps of one kind have come. A stale read of it may only repeat work. */
export interface Cursor {
  /** Upstream's clock, ms: whatever changed before is in the mirror. Absent before the baseline. */
  readonly watermark?: number | undefined;
  /** What of the mirror the sweeps vouch for. */
  readonly vouch?: Vouch | undefined;
  /** A sweep that has begun and not finished. */
  readonly run?: PageRun | undefined;
  /** Kinds walked record by record: `<kind>/<id>`; the round has met all up to there. It starts over at the end. */
  readonly walkedTo?: string | undefined;
  /** Behind it, the end of the window that is walked writer by writer. */
  readonly windowTo?: string | undefined;
  /** In that order, the last one of the window that was looked at. */
  readonly within?: string | undefined;
  /** Of the records changed lately, those up to here (upstream's clock, ms) were looked at. */
  readonly recentTo?: number | undefined;
  /** Of the records events spoke of, those received up to here (our clock, ms) were looked at. */
  readonly heardTo?: number | undefined;
  /** Of a slice that was interrupted: how many records it may still look at. */
  readonly left?: number | undefined;
  /** Of such a slice: what came of it until then. */
  readonly sofar?: Pick<SweepSummary, "seen" | "drifted"> | undefined;
  readonly last?: SweepSummary | undefined;
}

export interface SweepSummary {
  /** Our clock, ms. */
  readonly at: number;
  readonly pages: number;
  readonly seen: number;
  readonly drifted: number;
}

/** `verify` is the verifier's walk over all kinds. */
export type CursorName = Kind | "verify";

/** `outage/<kind>` holds, as its watermark, the start of an outage the next sweep has to reach back to. */
export type CursorKey = CursorName | `outage/${Kind}`;

export interface Cursors {
  read(connection: ConnectionId, name: CursorKey): Promise<Cursor>;
  /** @param mayBeLost a checkpoint: losing it repeats work, so a refusal is no failure */
  write(connection: ConnectionId, name: CursorKey, cursor: Cursor, mayBeLost?: boolean): Promise<void>;
  removeAll(connection: ConnectionId): Promise<void>;
}

export interface Gate {
  /** One holder at a time; asking again extends. @returns false while another holds it */
  lease(name: string, holder: string, forMs: number): Promise<boolean>;
  release(name: string, holder: string): Promise<void>;
  /** @param under a lease taken, or extended, in the same call: while another holds it nothing is granted */
  acquire(ask: CallAsk, under?: Leasing): Promise<Permit>;
  report(call: CallReport): Promise<void>;
  resume(): Promise<void>;
  /** Forgets everything: the connection is gone. */
  clear(): Promise<void>;
}

export interface Queues {
  sendEvents(messages: readonly EventMessage[]): Promise<void>;
  sendJobs(messages: readonly JobMessage[], delaySeconds?: number): Promise<void>;
  /** Messages waiting, of all connections; undefined where the platform does not say. */
  backlog(): Promise<Readonly<Record<QueueName, number>> | undefined>;
}
