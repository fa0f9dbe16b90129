// A batch of events before anybody is asked about it: what it names, and what is known of that already.

import { type ConnectionId, type EventId, type Ref, refKey } from "../core/ids.ts";
import type { Subject, Version } from "../core/record.ts";
import type { Changed, EventMessage, Queued } from "./messages.ts";

/** What events of one batch name. */
export interface BatchNames {
  readonly eventIds: readonly EventId[];
  /** Whose they may be. */
  readonly subjects: readonly Subject[];
  /** What they say has changed. */
  readonly refs: readonly Ref[];
}

/** What is known of them before anybody is asked. */
export interface Known {
  readonly done: ReadonlySet<EventId>;
  /** Subjects that belong to a purged client, by ref key. */
  readonly suppressed: ReadonlySet<string>;
  /** What the mirror holds, by ref key. */
  readonly versions: ReadonlyMap<string, Version>;
}

export interface BatchStore {
  /** In one trip, and of one instant. */
  known(connection: ConnectionId, names: BatchNames): Promise<Known>;
}

/** What is asked about a batch before anything else. */
export function namesIn(messages: readonly Queued<EventMessage>[]): BatchNames {
  return {
    eventIds: messages.map(({ body }) => body.eventId),
    subjects: messages.flatMap(({ body }) => subjectOf(body) ?? []),
    refs: refsIn(messages.filter(isChanged)),
  };
}

export function refsIn(messages: readonly Changed[]): readonly Ref[] {
  return [...new Map(messages.map(({ body: { what } }) => [refKey(what.ref), what.ref])).values()];
}

export function isChanged(message: Queued<EventMessage>): message is Changed {
  return message.body.what.is === "changed";
}

/** Whose a message's content is, as far as it says so. */
export function subjectOf({ what }: EventMessage): Subject | undefined {
  if (what.is === "changed") return what.ref;
  if (what.is !== "record") return undefined;
  const { client_id: clientId } = what.payload;
  return { ...what.ref, clientId: clientId === undefined ? undefined : String(clientId) };
}
