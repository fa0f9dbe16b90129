// Reminders (RM1): RCMS sends none itself for clients created by the partner's own key, so the event is the
// record and losing one means nobody reminds the client. They are kept from the payload, acknowledged once,
// and closed when the client takes the assessment. Never fetched, never reconciled.

import type { ConnectionId, RecordId } from "../core/ids.ts";
import { isoInstant, parseInstant } from "../core/instant.ts";
import { canonicalJson, isJsonObject, type JsonObject, parseJson, property } from "../core/json.ts";
import { limits } from "../core/limits.ts";
import { minimise } from "../core/minimise.ts";
import type { MirrorRecord, Snapshot, Write } from "../core/record.ts";
import type { EventMessage } from "./messages.ts";
import type { AssessmentsTaken, Connection, PagePosition, RecordStore } from "./stores.ts";

export const REMINDER_STATUSES = ["open", "acknowledged", "closed"] as const;
export type ReminderStatus = (typeof REMINDER_STATUSES)[number];

export interface ReminderDeps {
  readonly now: () => number;
  readonly records: Pick<RecordStore, "one" | "page" | "commit" | "whyRefused">;
  readonly taken: AssessmentsTaken;
  readonly digest: (text: string) => string;
}

/**
 * Keeps a reminder once, however often its event arrives. The order of the two steps, here and in
 * `closeReminders`, lets neither of two simultaneous runs miss the other: each first writes its own fact and
 * then looks for the other's.
 */
export async function keepReminder(
  deps: ReminderDeps,
  connection: Connection,
  message: EventMessage,
): Promise<void> {
  const { what, createdAt, receivedAt } = message;
  if (what.is !== "record") return;
  const at = createdAt ?? receivedAt;
  const payload = minimise(what.payload, connection.fields.reminders);
  const content: JsonObject = {
    ...payload,
    id: what.ref.id,
    type: message.type,
    status: "open",
    organization_id: message.organizationId ?? property(payload, "organization_id") ?? null,
    created_at: isoInstant(at),
    updated_at: isoInstant(at),
    acknowledged_at: null,
    closed_at: null,
  };
  const clientId = String(property(what.payload, "client_id"));
  const existing = await deps.records.one(connection.id, what.ref);
  if (existing === undefined) {
    const organizationId = message.organizationId;
    const made = reminderSnapshot(deps, content, { id: what.ref.id, at, clientId, organizationId });
    const writes: Write[] = [
      { write: "put", snapshot: { ...made, fieldsVersion: connection.fieldsVersion } },
    ];
    const written = await deps.records.commit(connection.id, writes);
    const why = written.size > 0 ? new Map() : await deps.records.whyRefused(connection.id, writes);
    // Its event comes back, and is cut to the fields allowed by then.
    if ([...why.values()].includes("outdated")) throw new Error("the field list changed meanwhile");
  }
  const takenAt = await deps.taken.last(connection.id, clientId);
  if (takenAt !== undefined && takenAt >= at) await moveTo(deps, connection.id, what.ref.id, "closed");
}

/** The client took an assessment: everything it was reminded of before that is answered. */
export async function closeReminders(
  deps: ReminderDeps,
  connection: Connection,
  message: EventMessage,
): Promise<void> {
  const { what, createdAt, receivedAt } = message;
  if (what.is !== "changed") return;
  const takenAt = createdAt ?? receivedAt;
  const clientId = what.ref.id;
  await deps.taken.note(connection.id, clientId, takenAt);
  for (const status of ["open", "acknowledged"] as const) {
    let after: PagePosition | undefined;
    for (let pages = 0; pages < limits.reminderPages; pages++) {
      const reminders: readonly MirrorRecord[] = await deps.records.page(connection.id, "reminders", {
        limit: limits.remindersAtOnce,
        clientId,
        status,
        after,
      });
      for (const reminder of reminders) {
        if (remindedAt(reminder) <= takenAt) await moveTo(deps, connection.id, reminder.id, "closed");
      }
      const last = reminders.at(-1);
      if (last === undefined || reminders.length < limits.remindersAtOnce) break;
      after = { updatedAt: last.updatedAt, id: last.id };
    }
  }
}

/**
 * Acknowledges exactly once: a second call finds it acknowledged and changes nothing.
 * @returns undefined when there is no such reminder
 */
export function acknowledgeReminder(
  deps: ReminderDeps,
  connection: ConnectionId,
  id: RecordId,
): Promise<MirrorRecord | undefined> {
  return moveTo(deps, connection, id, "acknowledged");
}

/** open → acknowledged → closed, never back. Commits only over the content it read, and reads again if not. */
async function moveTo(
  deps: ReminderDeps,
  connection: ConnectionId,
  id: RecordId,
  status: "acknowledged" | "closed",
): Promise<MirrorRecord | undefined> {
  const ref = { kind: "reminders", id } as const;
  for (let attempt = 0; attempt < 5; attempt++) {
    const stored = await deps.records.one(connection, ref);
    if (stored === undefined || stored.deletedAt !== undefined) return undefined;
    if (rank(stored.status) >= rank(status)) return stored;
    // Never behind what it follows, also where the upstream's clock is ahead of ours.
    const now = Math.max(deps.now(), (stored.updatedAt ?? 0) + 1);
    const content = parseJson(stored.body, limits.jsonDepth);
    if (!isJsonObject(content)) return stored;
    const moved: JsonObject = {
      ...content,
      status,
      [status === "closed" ? "closed_at" : "acknowledged_at"]: isoInstant(now),
      updated_at: isoInstant(now),
    };
    const { clientId, organizationId } = stored;
    const snapshot = reminderSnapshot(deps, moved, { id, at: now, clientId, organizationId });
    const written = await deps.records.commit(connection, [
      { write: "put", snapshot, overHash: stored.hash },
    ]);
    if (written.size > 0) return deps.records.one(connection, ref);
  }
  throw new Error("reminder kept changing");
}

/** When the upstream asked for the reminder, ms; acknowledging moves `updated_at`, never this. */
function remindedAt(reminder: MirrorRecord): number {
  const content = parseJson(reminder.body, limits.jsonDepth);
  return (isJsonObject(content) ? parseInstant(property(content, "created_at")) : undefined) ?? 0;
}

function rank(status: string | undefined): number {
  return REMINDER_STATUSES.indexOf((status ?? "open") as ReminderStatus);
}

/** What is ours of a reminder, whatever fields of its payload may be kept. */
const OWN_FIELDS = [
  "type",
  "status",
  "organization_id",
  "created_at",
  "updated_at",
  "acknowledged_at",
  "closed_at",
];

/** A stored reminder under a narrower list. */
export function cutReminder(
  content: JsonObject,
  allowed: readonly string[] | undefined,
  digest: (text: string) => string,
): Pick<Snapshot, "hash" | "body"> {
  const kept = minimise(content, allowed && [...allowed, ...OWN_FIELDS]);
  return { hash: digest(canonicalJson(kept)), body: JSON.stringify(kept) };
}

function reminderSnapshot(
  deps: ReminderDeps,
  content: JsonObject,
  of: { id: RecordId; at: number; clientId: string | undefined; organizationId: string | undefined },
): Snapshot {
  const status = String(property(content, "status"));
  return {
    kind: "reminders",
    id: of.id,
    fetchedAt: of.at,
    updatedAt: of.at,
    status,
    terminal: status === "closed",
    ...(of.clientId === undefined ? {} : { clientId: of.clientId }),
    ...(of.organizationId === undefined ? {} : { organizationId: of.organizationId }),
    hash: deps.digest(canonicalJson(content)),
    body: JSON.stringify(content),
  };
}
