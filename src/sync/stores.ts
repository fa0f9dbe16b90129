// What the spine keeps, as small interfaces that store/ implements and tests bring fakes of. Every record query
// has the connection as its first argument: rows of two connections never join.

import type { Decision } from "../core/decide.ts";
import type { ConnectionId, EventId, Kind, RecordId, Ref } from "../core/ids.ts";
import type { MirrorRecord, Subject, Version, Write } from "../core/record.ts";

export interface ConnectionHead {
  readonly id: ConnectionId;
  readonly source: string;
  readonly baseUrl: string;
  readonly status: ConnectionStatus;
  /** One sentence for a person, present unless `active`. */
  readonly statusReason?: string;
  readonly webhookId?: string;
  readonly webhookUrl?: string;
  readonly createdAt: number;
}

/** With the means to call the upstream. */
export interface Connection extends ConnectionHead {
  readonly apiKey: string;
  readonly fields: Readonly<Partial<Record<Kind, readonly string[]>>>;
  /** How often `fields` was changed. */
  readonly fieldsVersion: number;
  /** The event types chosen; undefined: all. */
  readonly webhookEvents?: readonly string[];
  /** Our clock, ms: when silence made us ask for a test delivery. */
  readonly webhookTestedAt?: number;
}

/** What the receiver needs of a connection. */
export interface Receiver {
  readonly id: ConnectionId;
  readonly source: string;
  /** Secrets that may sign a delivery now, newest first. */
  readonly signingSecrets: readonly string[];
}

/** `connecting`: kept from before the upstream is asked until it has answered, so that a crash repeats itself. */
export type ConnectionStatus = "connecting" | "active" | "degraded" | "paused";

export interface ConnectionStore {
  get(id: ConnectionId): Promise<Connection | undefined>;
  list(): Promise<readonly ConnectionHead[]>;
  /** @param now secrets that expired before are left out */
  receiver(id: ConnectionId, now: number): Promise<Receiver | undefined>;
  /** @returns false when a connection of this id exists already */
  begin(connection: NewConnection): Promise<boolean>;
  /** The nonce of an unfinished `begin` of this id. */
  unfinished(id: ConnectionId): Promise<string | undefined>;
  activate(id: ConnectionId, webhook: { readonly id?: string; readonly url: string }): Promise<void>;
  /** Adds a signing secret; the older ones stop being valid at `olderUntil`. */
  addSecret(id: ConnectionId, secret: string, now: number, olderUntil: number): Promise<void>;
  pause(id: ConnectionId, reason: string): Promise<void>;
  unpause(id: ConnectionId): Promise<void>;
  /** A problem has a name, so that whoever finds it mended can clear exactly it. Raising it twice keeps its start. */
  raise(
    id: ConnectionId,
    problem: { readonly name: string; readonly reason: string },
    now: number,
  ): Promise<void>;
  clear(id: ConnectionId, problemName: string): Promise<void>;
  noteTest(id: ConnectionId, now: number): Promise<void>;
  setApiKey(id: ConnectionId, apiKey: string): Promise<void>;
  /** Removes the connection and every row of it. @returns rows removed per table */
  remove(id: ConnectionId): Promise<Readonly<Record<string, number>>>;
}

export interface NewConnection {
  readonly id: ConnectionId;
  readonly source: string;
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly fields: Connection["fields"];
  readonly webhookEvents?: readonly string[] | undefined;
  readonly nonce: string;
  readonly createdAt: number;
}

export interface RecordStore {
  versions(connection: ConnectionId, refs: readonly Ref[]): Promise<ReadonlyMap<string, Version>>;
  /**
   * One guarded statement: rows that are newer than what is there are written, each with the next `seq`.
   * @returns the ref keys written
   */
  commit(connection: ConnectionId, writes: readonly Write[]): Promise<ReadonlySet<string>>;
  /** The feed (FD1): what changed after a position, in order of `seq`, each record once, at its latest change. */
  changes(connection: ConnectionId, query: ChangesQuery): Promise<Changes>;
  /** The highest `seq` in the table, 0 when empty. */
  lastSeq(connection: ConnectionId): Promise<number>;
  /** Those that belong to a purged client, by ref key: nothing of them is ever written (PR4). */
  suppressed(connection: ConnectionId, subjects: readonly Subject[]): Promise<ReadonlySet<string>>;
  /** Of writes that were not applied, by ref key: why, where it was not the order of versions. */
  whyRefused(connection: ConnectionId, writes: readonly Write[]): Promise<ReadonlyMap<string, Refusal>>;
  /** Tombstones included. Aliases are followed. */
  one(connection: ConnectionId, ref: Ref): Promise<MirrorRecord | undefined>;
  /** Tombstones left out; by (`updated_at`, id), records without `updated_at` first. */
  page(connection: ConnectionId, kind: Kind, query: RecordQuery): Promise<readonly MirrorRecord[]>;
  /**
   * The upstream answers for `alias` with the record `id`.
   * @returns false when one of the two names a purged client: nothing was kept
   */
  addAlias(connection: ConnectionId, kind: Kind, alias: RecordId, id: RecordId): Promise<boolean>;
  /** Live ids of a kind after `after`, in order of id: for walks. */
  ids(
    connection: ConnectionId,
    kind: Kind,
    after: string,
    limit: number,
  ): Promise<readonly { readonly id: RecordId; readonly organizationId?: string }[]>;
  /** Live records of a kind after `after`, in order of id. */
  slice(connection: ConnectionId, kind: Kind, after: string, limit: number): Promise<readonly MirrorRecord[]>;
  counts(connection: ConnectionId): Promise<Readonly<Partial<Record<Kind, number>>>>;
  /** Names the state that every write so far is part of, for `Replica`. Absent: there are no replicas. */
  bookmark(): Promise<string | undefined>;
  /** Reminders nobody has acknowledged. */
  openReminders(connection: ConnectionId, now: number): Promise<OpenReminders>;
}

export interface OpenReminders {
  readonly open: number;
  /** Of those, open for more than an hour, and for more than a day. */
  readonly overHour: number;
  readonly overDay: number;
  /** Since when the oldest waits, ms. */
  readonly oldest?: number;
}

/** `outdated`: cut to a field list that is no longer the connection's. */
export type Refusal = "suppressed" | "outdated";

export interface RecordQuery {
  readonly limit: number;
  /** Inclusive, ms. */
  readonly updatedAfter?: number | undefined;
  /** Only records of these organizations. */
  readonly organizations?: readonly string[] | undefined;
  readonly status?: string | undefined;
  readonly clientId?: string | undefined;
  /** The last record of the previous page. */
  readonly after?: PagePosition | undefined;
}

export interface ChangesQuery {
  readonly after: number;
  readonly limit: number;
  readonly kinds?: readonly Kind[] | undefined;
  /** A record outside of these does not exist; one that left them is a tombstone at the position where it left. */
  readonly organizations?: readonly string[] | undefined;
}

export interface Changes {
  /** Tombstones included. */
  readonly rows: readonly MirrorRecord[];
  /** Everything up to here was looked at: where the next query goes on. Never before `after`. */
  readonly next: number;
  /** There is more after `next`, though perhaps nothing that fits the query. */
  readonly more: boolean;
}

export interface PagePosition {
  readonly updatedAt: number | undefined;
  readonly id: RecordId;
}

export const DRIFT_CAUSES = ["missed", "late", "rewritten", "deleted"] as const;

/** Why the mirror differed from the upstream. */
export type DriftCause = (typeof DRIFT_CAUSES)[number];

export type Drift = Readonly<Record<DriftCause, number>>;

/** What is known per connection and kind beside its records. */
export interface KindStore {
  /** Adds to the counts; nothing to add writes nothing. */
  addDrift(connection: ConnectionId, kind: Kind, drift: Partial<Drift>): Promise<void>;
  drift(connection: ConnectionId): Promise<Readonly<Partial<Record<Kind, Drift>>>>;
  /** Has a single read of this kind ever succeeded? Only then does a 404 say that a record is gone. */
  isProven(connection: ConnectionId, kind: Kind): Promise<boolean>;
  markProven(connection: ConnectionId, kind: Kind): Promise<void>;
  /** A rebuild has read the whole kind; that stays true. */
  markComplete(connection: ConnectionId, kind: Kind): Promise<void>;
  isComplete(connection: ConnectionId, kind: Kind): Promise<boolean>;
  completeKinds(connection: ConnectionId): Promise<readonly Kind[]>;
}

/** When a client last took an assessment (upstream's clock, ms): what a late reminder is measured against. */
export interface AssessmentsTaken {
  /** Never moves back. */
  note(connection: ConnectionId, clientId: string, takenAt: number): Promise<void>;
  last(connection: ConnectionId, clientId: string): Promise<number | undefined>;
}

export type BackfillStatus = "queued" | "running" | "done" | "failed";

export interface Backfill {
  readonly id: string;
  readonly connection: ConnectionId;
  readonly clientId: RecordId;
  readonly status: BackfillStatus;
  readonly reason?: string;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface BackfillStore {
  /** Makes the row, or finds the one that is there. `id` is used only when it makes it. Throws for a purged client. */
  begin(
    connection: ConnectionId,
    userId: string,
    clientId: RecordId,
    id: string,
    now: number,
  ): Promise<{ readonly backfill: Backfill; readonly created: boolean }>;
  get(connection: ConnectionId, id: string): Promise<Backfill | undefined>;
  set(id: string, status: BackfillStatus, reason: string | undefined, now: number): Promise<void>;
  clearClient(connection: ConnectionId, clientId: string): Promise<void>;
  /** Unfinished, without a sign of life since. */
  stale(connection: ConnectionId, updatedBefore: number, limit: number): Promise<readonly Backfill[]>;
}

/** Refreshes lately asked for, so that a page many look at asks once. */
export interface RefreshStore {
  /** @returns true for exactly one of those who ask within `everyMs` */
  claim(connection: ConnectionId, ref: Ref, now: number, everyMs: number): Promise<boolean>;
  purgeBefore(claimedBefore: number): Promise<number>;
}

export type RebuildStatus = "queued" | "running" | "done" | "failed" | "cancelled";

export interface Rebuild {
  readonly kind: Kind;
  readonly status: RebuildStatus;
  readonly reason?: string;
  readonly run: PageRun;
  readonly recordsBefore: number;
  readonly startedAt: number;
  readonly updatedAt: number;
}

export interface RebuildStore {
  /** Starts anew unless it is under way. */
  order(
    connection: ConnectionId,
    kind: Kind,
    run: PageRun,
    recordsBefore: number,
    now: number,
  ): Promise<void>;
  /** In the order of kinds. */
  list(connection: ConnectionId): Promise<readonly Rebuild[]>;
  /** @returns false when it is no longer wanted */
  save(connection: ConnectionId, kind: Kind, run: PageRun, now: number): Promise<boolean>;
  finish(
    connection: ConnectionId,
    kind: Kind,
    status: "done" | "failed",
    run: PageRun,
    reason: string | undefined,
    now: number,
  ): Promise<void>;
  /** @returns how many were under way */
  cancel(connection: ConnectionId, now: number): Promise<number>;
}

export type EventOutcome =
  | Decision
  /** Looked three times more; the API never showed what the event spoke of. Left to the sweep. */
  | "lagging"
  | "gone"
  /** About a purged client: nothing was fetched, and the ledger does not say whom. */
  | "suppressed"
  | "test"
  | "unknown_type"
  | "unusable"
  | "parked";

export interface LedgerEntry {
  readonly eventId: EventId;
  readonly type: string;
  readonly ref?: Ref;
  readonly createdAt?: number;
  readonly receivedAt: number;
  /** Absent while parked: a parked event is not done. */
  readonly doneAt?: number;
  readonly outcome: EventOutcome;
  readonly attempts: number;
}

export interface LedgerQuery {
  readonly connection?: ConnectionId | undefined;
  readonly outcome?: string | undefined;
  readonly limit: number;
}

export interface Ledger {
  /** Done or parked: accounted for. */
  known(connection: ConnectionId, ids: readonly EventId[]): Promise<ReadonlySet<EventId>>;
  record(connection: ConnectionId, entries: readonly LedgerEntry[]): Promise<void>;
  /** Newest first. */
  list(query: LedgerQuery): Promise<readonly (LedgerEntry & { readonly connection: ConnectionId })[]>;
  /** Webhook → readable, in ms, of the newest events that changed something; undefined before the first. */
  latency(connection: ConnectionId): Promise<{ p50: number; p95: number; events: number } | undefined>;
  lastReceivedAt(connection: ConnectionId): Promise<number | undefined>;
  /**
   * Clients that events spoke of, directly or by their assessments, received after this instant; oldest first. Those
   * whose event brought a new assessment status are left out: it was just read.
   */
  clientsHeardOf(
    connection: ConnectionId,
    receivedAfter: number,
    limit: number,
  ): Promise<readonly { readonly id: RecordId; readonly receivedAt: number }[]>;
  purgeBefore(receivedBefore: number): Promise<number>;
}

export type QueueName = "events" | "jobs";

export interface DeadLetter {
  readonly id: string;
  readonly connection: ConnectionId | undefined;
  readonly queue: QueueName;
  /** Event type or job name. */
  readonly type: string;
  readonly ref?: Ref;
  readonly reason: string;
  readonly attempts: number;
  readonly since: number;
  readonly parkedAt: number;
}

/** Which letters to send again: one, or all of a connection (or of all) parked before an instant. */
export type Replayed =
  | { readonly id: string }
  | { readonly connection?: ConnectionId | undefined; readonly parkedBefore: number };

export interface DeadLetterStore {
  park(letters: readonly (DeadLetter & { readonly message: unknown })[]): Promise<void>;
  list(connection: ConnectionId | undefined, limit: number): Promise<readonly DeadLetter[]>;
  /** The messages themselves, oldest first. */
  take(
    which: Replayed,
    limit: number,
  ): Promise<readonly { readonly id: string; readonly queue: QueueName; readonly message: unknown }[]>;
  remove(ids: readonly string[]): Promise<void>;
  count(connection: ConnectionId): Promise<number>;
}

/** Where a walk through a list's pages stands. */
export interface PageRun {
  /** What it asks from: upstream's clock, ms. Absent for a rebuild, which asks for everything. */
  readonly since?: number | undefined;
  /** The upstream's clock when it began; 0 before its first page. */
  readonly startedAt: number;
  /** The upstream's clock when the present pass began. Absent before its first page. */
  readonly passStartedAt?: number | undefined;
  readonly nextUrl?: string | undefined;
  /** A `nextUrl` met before in this pass: meeting it again is a circle. */
  readonly landmark?: string | undefined;
  readonly pages: number;
  readonly seen: number;
  readonly drifted: number;
  /** Passes over the same span, begun again because records moved between pages meanwhile. */
  readonly passes: number;
  /** Something changed upstream while this pass was under way. */
  readonly moved: boolean;
  /** When it began, by the earlier of both clocks, ms. */
  readonly asOf?: number | undefined;
  /** A record came that the mirror does not believe yet. */
  readonly doubted?: true | undefined;
  /** Something may have been passed over: rows nobody could read, or records that kept moving. */
  readonly mayMiss?: true | undefined;
}

export interface ApiKey {
  readonly id: string;
  readonly connection: ConnectionId;
  readonly name: string;
  /** Undefined: all. */
  readonly organizations?: readonly string[];
  readonly kinds?: readonly Kind[];
  readonly createdAt: number;
  readonly expiresAt?: number;
}

export interface KeyStore {
  add(key: ApiKey, keyHash: string): Promise<void>;
  find(keyHash: string): Promise<ApiKey | undefined>;
  list(): Promise<readonly ApiKey[]>;
  /** @returns false when there is none */
  remove(id: string): Promise<boolean>;
}
