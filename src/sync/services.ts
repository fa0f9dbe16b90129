// The services of a mirror put together over its ports, and the same seen by one connection: its gate, its
// writers, its account opened for a class of calls. Which implementation stands behind a port is decided by
// whoever calls: cloudflare/compose.ts for the worker, a simulation for its proofs.

import type { CallClass } from "../core/gate.ts";
import type { ConnectionId } from "../core/ids.ts";
import type { Account, Send, Source, Upstream } from "../sources/source.ts";
import type { BatchStore } from "./batch.ts";
import type { ListChanged } from "./burst.ts";
import { throughGate } from "./gated.ts";
import type { EventMessage, JobMessage } from "./messages.ts";
import type { Door } from "./permits.ts";
import type { Cursors, Gate, Log, Queues, WalkingWriters } from "./ports.ts";
import type { AccessStore, MinimisationStore, PurgeStore } from "./privacy-stores.ts";
import type {
  AssessmentsTaken,
  BackfillStore,
  Connection,
  ConnectionStore,
  DeadLetterStore,
  KindStore,
  Ledger,
  RebuildStore,
  RecordStore,
  RefreshStore,
} from "./stores.ts";

/** What the spine needs of the world, whole. */
export interface World {
  readonly now: () => number;
  /** 0 ≤ random < 1 */
  readonly random: () => number;
  readonly newId: () => string;
  readonly sleep: (ms: number) => Promise<void>;
  readonly log: Log;
  /** Of content, keys and bytes: SHA-256, hex. Synchronous, so that the write path has no await of its own. */
  readonly digest: (content: string | Uint8Array) => string;
  readonly connections: ConnectionStore;
  readonly records: RecordStore;
  readonly batches: BatchStore;
  readonly ledger: Ledger;
  readonly deadLetters: DeadLetterStore;
  readonly kinds: KindStore;
  readonly taken: AssessmentsTaken;
  readonly backfills: BackfillStore;
  readonly rebuilds: RebuildStore;
  readonly refreshes: RefreshStore;
  readonly purges: PurgeStore;
  readonly minimisations: MinimisationStore;
  readonly access: AccessStore;
  readonly cursors: Cursors;
  readonly queues: Queues;
  readonly gate: (id: ConnectionId) => Gate;
  readonly writers: (id: ConnectionId) => WalkingWriters;
  /** @throws when this version has no such source */
  readonly source: (id: string) => Source;
  /** One account's HTTP, not yet through the gate. */
  readonly http: (account: Account) => Send;
  /** @throws when the message is not one of ours */
  readonly parseEvent: (message: unknown) => EventMessage;
  /** @throws when the message is not one of ours */
  readonly parseJob: (message: unknown) => JobMessage;
  readonly tuning: Tuning;
}

/** What an operator may set. */
export interface Tuning {
  readonly sweepMinutes: number;
  readonly overlapMs: number;
  readonly pagesPerRun: number;
  /** Writers of each connection. */
  readonly shards: number;
  readonly verifyBudget: number;
  readonly silenceMs: number;
  readonly ledgerMs: number;
  readonly accessKeptMs: number;
}

export type Services = ReturnType<typeof createServices>;

export function createServices<W extends World>(world: W) {
  const { connections, gate, http, log, sleep, source, tuning, writers } = world;

  /** One account, opened for one class of calls; every call passes the connection's gate. */
  function upstream(
    id: ConnectionId,
    sourceId: string,
    account: Account,
    callClass: CallClass,
    retry = false,
    door: Door = gate(id),
  ): Upstream {
    const onKeyRejected = async () => {
      log("error", "connection_paused", { connection: id, reason: "key_rejected" });
      await connections.pause(id, "RCMS no longer accepts the API key (401). Replace the key and resume.");
    };
    const ask = { class: callClass, retry };
    const send = throughGate({ gate: door, sleep, onKeyRejected }, http(account), ask);
    return source(sourceId).open(account, send, world.digest);
  }

  function of(connection: Connection, callClass: CallClass) {
    const { id } = connection;
    const opened = upstream(id, connection.source, connection, callClass);
    return {
      ...world,
      ...tuning,
      source: source(connection.source),
      gate: gate(id),
      writers: writers(id),
      upstream: opened,
      listChanged: opened.listChanged,
      listThrough: (door: Door): ListChanged =>
        upstream(id, connection.source, connection, callClass, false, door).listChanged,
    };
  }

  return { ...world, upstream, of };
}
