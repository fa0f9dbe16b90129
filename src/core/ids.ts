// Names of things. Ids of the upstream are opaque text; they enter paths, keys and SQL parameters, so each is
// checked once, here, and branded.

declare const brand: unique symbol;
type Branded<T, B extends string> = T & { readonly [brand]: B };

export type ConnectionId = Branded<string, "ConnectionId">;
export type RecordId = Branded<string, "RecordId">;
export type EventId = Branded<string, "EventId">;

/** Every kind the mirror knows, of whatever source. The order is the order of sweeps: parents first. */
export const KINDS = ["organizations", "staff", "clients", "assessment-status", "reminders"] as const;
export type Kind = (typeof KINDS)[number];

/** What identifies one record within a connection. */
export interface Ref {
  readonly kind: Kind;
  readonly id: RecordId;
}

export const CONNECTION_ID = /^[a-z0-9][a-z0-9-]{0,31}$/;
// RCMS shows `260`, `client_01J…` and uuids; nothing in here can climb a path or end a JSON string.
export const RECORD_ID = /^[A-Za-z0-9_-]{1,64}$/;
const EVENT_ID = /^[A-Za-z0-9_.:-]{1,128}$/;

export function connectionId(value: unknown): ConnectionId | undefined {
  return typeof value === "string" && CONNECTION_ID.test(value) ? (value as ConnectionId) : undefined;
}

/** @param value text, or a JSON number (turned into its decimal text, as RCMS shows both) */
export function recordId(value: unknown): RecordId | undefined {
  const text = typeof value === "number" && Number.isSafeInteger(value) ? String(value) : value;
  return typeof text === "string" && RECORD_ID.test(text) ? (text as RecordId) : undefined;
}

export function eventId(value: unknown): EventId | undefined {
  return typeof value === "string" && EVENT_ID.test(value) ? (value as EventId) : undefined;
}

/** One text per ref, for maps. Neither part can contain a slash. */
export function refKey(ref: Ref): string {
  return `${ref.kind}/${ref.id}`;
}
