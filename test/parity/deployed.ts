// One deployed mirror as a history meets it: through the doors of the platform, and nothing else. What it keeps can be
// looked at afterwards. Two implementations: over the stores in memory, and over the platform's own.

import type { Cursor, CursorKey } from "../../src/sync/ports.ts";
import type { MinimisationStore } from "../../src/sync/privacy-stores.ts";
import type {
  ConnectionStore,
  DeadLetterStore,
  Ledger,
  RebuildStore,
  RecordStore,
} from "../../src/sync/stores.ts";
import type { Position } from "./positions.ts";
import type { Upstream } from "./upstream.ts";

/** Of both mirrors. Who read what is no part of what is compared; a short round of the verifier is a round, too. */
export const SETTINGS = { ACCESS_LOG_DAYS: "0", VERIFY_PER_SWEEP: "3" };

export const QUEUE_NAMES = ["mirror-events", "mirror-jobs", "mirror-dead-letters"] as const;
export type QueueName = (typeof QUEUE_NAMES)[number];

export interface Sent {
  readonly queue: QueueName;
  readonly body: unknown;
  readonly delaySeconds: number;
  /** ms */
  readonly sentAt: number;
}

export interface Deployed {
  readonly name: "memory" | "workerd";
  readonly upstream: Upstream;
  /** Everything put on a queue since it was last taken. */
  readonly sent: Sent[];
  fetch(path: string, init?: RequestInit): Promise<Response>;
  queue(batch: MessageBatch): Promise<void>;
  scheduled(cron: string): Promise<void>;
  /** Writers and gate lose what they had in memory. */
  evict(): Promise<void>;
  readonly kept: Kept;
}

/** What a mirror keeps of one connection, the columns of `records` as they are in the table. */
export interface Kept {
  rows(): Promise<readonly Row[]>;
  /** What has a position of the feed after this one. */
  positions(after: number): Promise<readonly Position[]>;
  cursor(name: CursorKey): Promise<Cursor>;
  /** Of each kind that has any: proven, complete and drift, as in the table. */
  kinds(): Promise<readonly Numbers[]>;
  /** When clients took their last assessments. */
  taken(clients: readonly string[]): Promise<readonly Numbers[]>;
  readonly connections: Pick<ConnectionStore, "get">;
  readonly records: Pick<RecordStore, "suppressed" | "one" | "commit" | "whyRefused">;
  readonly ledger: Pick<Ledger, "list">;
  readonly deadLetters: Pick<DeadLetterStore, "list">;
  readonly rebuilds: Pick<RebuildStore, "list">;
  readonly minimisations: Pick<MinimisationStore, "list">;
}

export type Numbers = Readonly<Record<string, string | number>>;

export interface Row {
  readonly kind: string;
  readonly id: string;
  readonly seq: number;
  readonly updated_at: number;
  readonly fetched_at: number;
  readonly hash: string;
  readonly organization_id: string | null;
  readonly client_id: string | null;
  readonly status: string | null;
  readonly terminal: number;
  readonly deleted_at: number | null;
  readonly body: string;
  readonly as_of: number | null;
}

/** The queues of one mirror: what is sent is written down. */
export function recorders(sent: Sent[]) {
  const recorder = (queue: QueueName) =>
    ({
      async send(body: unknown) {
        sent.push({ queue, body: structuredClone(body), delaySeconds: 0, sentAt: Date.now() });
      },
      async sendBatch(messages: Iterable<MessageSendRequest>) {
        for (const { body, delaySeconds = 0 } of messages) {
          sent.push({ queue, body: structuredClone(body), delaySeconds, sentAt: Date.now() });
        }
      },
      metrics: async () => ({ backlogCount: 0, backlogBytes: 0 }),
    }) as unknown as Queue;
  return {
    EVENTS: recorder("mirror-events"),
    JOBS: recorder("mirror-jobs"),
    DEAD_LETTERS: recorder("mirror-dead-letters"),
  };
}
