// What the routes need. Built in cloudflare/http.ts; a test may bring its own.

import type { Vouch } from "../core/as-of.ts";
import type { Result } from "../core/failure.ts";
import type { ConnectionId, Kind, RecordId } from "../core/ids.ts";
import type { MirrorRecord } from "../core/record.ts";
import type { Delivery } from "../sources/source.ts";
import type { RecordAccess } from "../sync/access.ts";
import type { Connected, ConnectRequest, Disconnected } from "../sync/connect.ts";
import type { FieldsChanged } from "../sync/fields.ts";
import type { Cursors, Log, Queues } from "../sync/ports.ts";
import type { AccessStore, MinimisationStore, Purged } from "../sync/privacy-stores.ts";
import type { Asked, FoundRecord, Read } from "../sync/read.ts";
import type { Received } from "../sync/receive.ts";
import type { Replica } from "../sync/replica.ts";
import type {
  ApiKey,
  Backfill,
  BackfillStore,
  Connection,
  ConnectionStore,
  DeadLetterStore,
  KeyStore,
  KindStore,
  Ledger,
  RebuildStore,
  RecordStore,
  Replayed,
} from "../sync/stores.ts";
import type { DeliveryReport } from "../sync/subscription.ts";
import type { SweptAny } from "../sync/sweeps.ts";

export interface ApiDeps {
  readonly now: () => number;
  readonly newId: () => string;
  readonly log: Log;
  /** Hex, of text. */
  readonly digest: (text: string) => string;
  readonly receive: (connection: ConnectionId, delivery: Delivery) => Promise<Received>;
  readonly isAdmin: (token: string) => boolean;
  readonly findKey: (key: string) => Promise<ApiKey | undefined>;
  /** Without a trip to the database: what this isolate knows of a key, if anything. */
  readonly heldKey: (key: string) => ApiKey | undefined;
  /** The key's ration of requests: false while it is used up. */
  readonly admit: (keyId: string) => Promise<boolean>;
  readonly sleep: (ms: number) => Promise<void>;
  /** `RecordStore.lastSeq`, at most a poll old. */
  readonly lastSeq: (connection: ConnectionId) => Promise<number>;
  /** A new key's text and what of it is stored. */
  readonly mintKey: () => { readonly key: string; readonly hash: string };
  /** This isolate forgets the keys it has cached. */
  readonly forgetKeys: () => void;
  /** This isolate forgets what it has cached of a connection. */
  readonly forgetConnection: (id: ConnectionId) => void;
  readonly records: RecordStore;
  /** @param from a bookmark; empty: any copy of the database will do */
  readonly replica: (from: string) => Replica;
  readonly readOne: (
    connection: ConnectionId,
    asked: Asked,
    keepAlive: (work: Promise<unknown>) => void,
  ) => Promise<Read>;
  /** Without a trip anywhere: a copy this isolate holds, fresh, for a reader with no wishes. */
  readonly readKept: (
    connection: ConnectionId,
    asked: Pick<Asked, "ref" | "visible">,
  ) => FoundRecord | undefined;
  readonly acknowledgeReminder: (connection: ConnectionId, id: RecordId) => Promise<MirrorRecord | undefined>;
  readonly connections: ConnectionStore;
  /** One sentence when the account cannot work, for the operator. */
  readonly accountProblem: (request: Pick<ConnectRequest, "source" | "account">) => string | undefined;
  readonly allowHttpUpstream: boolean;
  readonly connect: (request: ConnectRequest) => Promise<Connected>;
  readonly disconnect: (id: ConnectionId, force: boolean) => Promise<Disconnected>;
  readonly resume: (id: ConnectionId, apiKey?: string) => Promise<boolean>;
  readonly addSecret: (id: ConnectionId, secret: string) => Promise<boolean>;
  /** Now, within this request; undefined when there is no such connection. */
  readonly sweep: (id: ConnectionId, kinds?: readonly Kind[]) => Promise<readonly SweptAny[] | undefined>;
  readonly login: (
    connection: ConnectionId,
    userId: string,
    clientId: RecordId,
  ) => Promise<{ readonly backfill: Backfill; readonly first: boolean }>;
  /** Undefined when there is no such connection. */
  readonly changeFields: (
    id: ConnectionId,
    fields: Connection["fields"],
  ) => Promise<FieldsChanged | undefined>;
  /** Undefined: no access log is kept. */
  readonly recordAccess: RecordAccess | undefined;
  readonly access: Pick<AccessStore, "list">;
  readonly minimisations: Pick<MinimisationStore, "list">;
  /** Undefined when there is no such connection. */
  readonly purgeClient: (connection: ConnectionId, clientId: RecordId) => Promise<Purged | undefined>;
  readonly backfills: Pick<BackfillStore, "get">;
  /** Undefined when there is no such connection. */
  readonly orderRebuild: (id: ConnectionId, kinds?: readonly Kind[]) => Promise<true | undefined>;
  readonly rebuilds: Pick<RebuildStore, "list" | "cancel">;
  /** Undefined when there is no such connection. */
  readonly readDeliveries: (id: ConnectionId) => Promise<Result<DeliveryReport> | undefined>;
  /** A rebuild has read the whole kind. */
  readonly isComplete: (connection: ConnectionId, kind: Kind) => Promise<boolean>;
  /** What the sweeps of a kind vouch for. */
  readonly vouch: (connection: ConnectionId, kind: Kind) => Promise<Vouch | undefined>;
  /** How old a copy of a kind may be, ms, before a reader's ask refreshes it. */
  readonly ttlMs: (kind: Kind) => number;
  /** Within this, ms, a write may be missing from the upstream's own answers. */
  readonly visibilityLagMs: number;
  readonly cursors: Cursors;
  readonly queues: Pick<Queues, "backlog">;
  readonly kinds: KindStore;
  readonly verifyBudget: number;
  readonly sweepMinutes: number;
  readonly ledger: Ledger;
  readonly deadLetters: DeadLetterStore;
  readonly keys: KeyStore;
  readonly replay: (which: Replayed) => Promise<{ readonly replayed: number; readonly more: boolean }>;
}

export interface AppEnv {
  Bindings: object;
  Variables: {
    requestId: string;
    /** Set by the read API's authentication. */
    key: ApiKey;
    /** For answers that take their time: throws once the key is no longer valid. */
    confirmKey: () => Promise<void>;
    /** What a route says of its answer for the access log, where the path does not. */
    served: { readonly records?: number; readonly clientId?: RecordId };
  };
}
