// What travels on the queues: ids and times. A payload rides along only for kinds declared `full` (IN9).

import type { ConnectionId, EventId, RecordId, Ref } from "../core/ids.ts";
import type { JsonObject } from "../core/json.ts";
import type { CursorName } from "./ports.ts";

export interface EventMessage {
  readonly connection: ConnectionId;
  readonly eventId: EventId;
  readonly type: string;
  /** The upstream's clock, ms. */
  readonly createdAt?: number | undefined;
  /** Our clock when the delivery was verified, ms. */
  readonly receivedAt: number;
  readonly organizationId?: RecordId | undefined;
  readonly what:
    | {
        readonly is: "changed";
        readonly ref: Ref;
        /** The event says that the client took an assessment: open reminders are answered by it. */
        readonly assessmentTaken?: true | undefined;
        /** The client is back: logins hydrate it anew. */
        readonly readmitted?: true | undefined;
      }
    | { readonly is: "record"; readonly ref: Ref; readonly payload: JsonObject }
    | { readonly is: "test" }
    | { readonly is: "unknown"; readonly why: "type" | "envelope" };
}

export type JobMessage =
  /** Look at one record: a disappearance to confirm, a copy that aged. */
  | {
      readonly job: "look";
      readonly connection: ConnectionId;
      readonly ref: Ref;
      readonly organizationId?: RecordId | undefined;
    }
  /** Send again what was parked before this instant (ms), so that what fails anew is not sent for ever. */
  | { readonly job: "replay"; readonly connection: ConnectionId; readonly parkedBefore: number }
  /** Hydrate what one login needs. */
  | { readonly job: "backfill"; readonly connection: ConnectionId; readonly backfill: string }
  /** Take the ordered rebuild a few pages further. */
  | { readonly job: "rebuild"; readonly connection: ConnectionId }
  /** Bring what is stored to a changed field list. */
  | { readonly job: "minimise"; readonly connection: ConnectionId }
  /** Does the upstream still deliver? */
  | { readonly job: "guard"; readonly connection: ConnectionId }
  /** Sweep these kinds; continues itself where a run reached its bound. */
  | {
      readonly job: "sweep";
      readonly connection: ConnectionId;
      readonly kinds: readonly CursorName[];
      /** Runs in a row that failed for these kinds. */
      readonly failures?: number | undefined;
    };

/** A message as the queue hands it over. */
export interface Queued<T> {
  readonly body: T;
  /** How often it was delivered, this time included. */
  readonly attempts: number;
}

/** A message that names a record to look at. */
export type Changed = Queued<EventMessage> & { readonly body: { readonly what: { readonly is: "changed" } } };

/** What becomes of a message: exactly one of these, for each. */
export type Settlement =
  | { readonly result: "ack" }
  | { readonly result: "retry"; readonly delaySeconds: number }
  | { readonly result: "park"; readonly reason: string };

export const ACK = { result: "ack" } as const satisfies Settlement;
