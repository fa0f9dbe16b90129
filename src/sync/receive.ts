// From a signed POST to the queue: verify, read the envelope, send, and only then say yes. Nothing here
// touches the database unless a signature does not match.

import type { ConnectionId, EventId } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import type { SignatureProblem } from "../sources/signature.ts";
import type { Delivery, ParsedEvent, Source } from "../sources/source.ts";
import type { EventMessage } from "./messages.ts";
import type { Receiver } from "./stores.ts";

export interface ReceiveDeps {
  readonly now: () => number;
  readonly receivers: Receivers;
  readonly source: (id: string) => Source;
  readonly send: (messages: readonly EventMessage[]) => Promise<void>;
  readonly digest: (bytes: Uint8Array) => string;
}

/** Who takes deliveries, remembered per isolate. What a flood of forged ones asks makes no promise. */
export interface Receivers {
  /** Of what is remembered. */
  readonly held: (id: ConnectionId) => Receiver | undefined;
  /** Remembered or read. */
  readonly get: (id: ConnectionId) => Promise<Receiver | undefined>;
  /** Whether the ration for reading past what is remembered is not spent; asking spends of it. */
  readonly mayReread: (id: ConnectionId) => boolean;
  readonly reread: (id: ConnectionId) => Promise<Receiver | undefined>;
}

export type Received =
  | { readonly result: "queued" }
  | { readonly result: "unknown_connection" }
  | { readonly result: "rejected"; readonly why: SignatureProblem }
  | { readonly result: "queue_refused" };

/**
 * Guarantee (IN6): `queued` is returned only after the queue accepted every event of the delivery. Whatever
 * dies before that gave no 2xx, and RCMS sends again.
 */
export async function receive(deps: ReceiveDeps, id: ConnectionId, delivery: Delivery): Promise<Received> {
  const { receivers } = deps;
  const receiver = receivers.held(id) ?? (await receivers.get(id));
  if (receiver === undefined) return { result: "unknown_connection" };
  const source = deps.source(receiver.source);

  let verdict = await source.verify(delivery, receiver.signingSecrets, deps.now());
  if (!verdict.authentic && verdict.why === "wrong" && receivers.mayReread(id)) {
    // A secret may have been added since this isolate last read the connection: look once more before refusing.
    const fresh = await receivers.reread(id);
    if (fresh !== undefined) verdict = await source.verify(delivery, fresh.signingSecrets, deps.now());
  }
  if (!verdict.authentic) return { result: "rejected", why: verdict.why };

  const receivedAt = deps.now();
  const messages = source.parse(delivery).map((event) => toMessage(deps, id, event, delivery, receivedAt));
  try {
    await deps.send(messages);
  } catch {
    return { result: "queue_refused" };
  }
  return { result: "queued" };
}

function toMessage(
  deps: ReceiveDeps,
  connection: ConnectionId,
  event: ParsedEvent,
  delivery: Delivery,
  receivedAt: number,
): EventMessage {
  return {
    connection,
    // Without an id of its own a delivery is known by its bytes: the same bytes are the same event.
    eventId: event.id ?? (`bytes:${deps.digest(delivery.body)}` as EventId),
    type: event.type,
    receivedAt,
    ...(event.createdAt === undefined ? {} : { createdAt: event.createdAt }),
    ...(event.organizationId === undefined ? {} : { organizationId: event.organizationId }),
    what: subject(event),
  };
}

function subject(event: ParsedEvent): EventMessage["what"] {
  switch (event.what) {
    case "changed":
      return {
        is: "changed",
        ref: event.ref,
        ...(event.assessmentTaken ? { assessmentTaken: true as const } : {}),
        ...(event.readmitted ? { readmitted: true as const } : {}),
      };
    case "record":
      // A payload the queue cannot carry is cut to what is needed to act on it; losing it whole would be worse.
      return { is: "record", ref: event.ref, payload: carried(event.payload) };
    case "test":
      return { is: "test" };
    case "unknown":
      return { is: "unknown", why: event.why };
  }
}

type Payload = Extract<ParsedEvent, { what: "record" }>["payload"];

function carried(payload: Payload): Payload {
  if (bytesOf(payload) <= limits.fullPayloadBytes) return payload;
  // Its client comes first: without it nobody can be reminded, and nothing closes the reminder.
  const { client_id, ...rest } = payload;
  const short = Object.entries(rest).filter((entry) => bytesOf(entry) <= 256);
  return { ...(client_id === undefined ? {} : { client_id }), ...Object.fromEntries(short.slice(0, 32)) };
}

function bytesOf(value: unknown): number {
  return new TextEncoder().encode(JSON.stringify(value)).length;
}
