// RCMS's webhook envelope, and which record each of its event types speaks of.

import { eventId, type Kind, type RecordId, recordId } from "../../core/ids.ts";
import { parseInstant } from "../../core/instant.ts";
import { isJsonObject, type JsonObject, parseJson, property } from "../../core/json.ts";
import { limits } from "../../core/limits.ts";
import type { Delivery, EventHead, ParsedEvent } from "../source.ts";

interface EventType {
  /** The kind the event changes. */
  readonly kind: Kind;
  /** Fields of `data` that may hold its id, in order; RCMS shows the first, the others are tolerated. */
  readonly idFrom: readonly string[];
  /** The envelope's `organization_id` is the record itself. */
  readonly orEnvelope?: true;
  /** What the event says beside "changed". */
  readonly also?: { readonly assessmentTaken?: true; readonly readmitted?: true };
}

const client: EventType = { kind: "clients", idFrom: ["client_id", "id"] };
const staff: EventType = { kind: "staff", idFrom: ["staff_id", "id"] };
const organization: EventType = {
  kind: "organizations",
  idFrom: ["organization_id", "id"],
  orEnvelope: true,
};
// An assessment's own id (`data.id`) names no record of ours: scores are kept per client.
const assessment: EventType = { kind: "assessment-status", idFrom: ["client_id"] };
const taken: EventType = { ...assessment, also: { assessmentTaken: true } };
const reminder: EventType = { kind: "reminders", idFrom: ["client_id"] };

export const EVENT_TYPES: Readonly<Record<string, EventType>> = {
  "client.enrolled": client,
  "client.updated": client,
  "client.discharged": client,
  "client.readmitted": { ...client, also: { readmitted: true } },
  "client.intake_incomplete": client,
  "assessment.scheduled": assessment,
  "assessment.submitted": taken,
  "assessment.scored": taken,
  "assessment.locked": assessment,
  "assessment.due_soon": reminder,
  "assessment.overdue": reminder,
  "staff.created": staff,
  "staff.updated": staff,
  "staff.deactivated": staff,
  "organization.created": organization,
  "organization.updated": organization,
};

export const TEST_EVENT = "webhook.test";

const TYPE = /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){1,3}$/;

/** RCMS sends one event per delivery. */
export function parseRcmsDelivery(delivery: Delivery): readonly ParsedEvent[] {
  const envelope = readEnvelope(delivery.body);
  if (envelope === undefined) return [{ what: "unknown", why: "envelope", type: "unreadable" }];
  const head = readHead(envelope);
  if (head.id === undefined) return [{ ...head, what: "unknown", why: "envelope" }];
  if (head.type === TEST_EVENT) return [{ ...head, what: "test" }];
  const type = Object.hasOwn(EVENT_TYPES, head.type) ? EVENT_TYPES[head.type] : undefined;
  if (type === undefined) return [{ ...head, what: "unknown", why: "type" }];

  const data = property(envelope, "data");
  const id = isJsonObject(data) ? subjectId(type, data, head) : subjectId(type, {}, head);
  if (id === undefined) return [{ ...head, what: "unknown", why: "envelope" }];
  if (type.kind !== "reminders") {
    return [{ ...head, what: "changed", ref: { kind: type.kind, id }, ...type.also }];
  }

  // A reminder is known by its event: RCMS may remind of one assessment more than once, each to be answered.
  const reminderId = recordId(head.id.replace(/[.:]/g, "_").slice(0, 64));
  if (reminderId === undefined || !isJsonObject(data)) return [{ ...head, what: "unknown", why: "envelope" }];
  const ref = { kind: "reminders", id: reminderId } as const;
  return [{ ...head, what: "record", ref, payload: { ...data, client_id: id } }];
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function readEnvelope(body: Uint8Array): JsonObject | undefined {
  let text: string;
  try {
    text = decoder.decode(body);
  } catch {
    return undefined;
  }
  const json = parseJson(text, limits.jsonDepth);
  return isJsonObject(json) ? json : undefined;
}

function readHead(envelope: JsonObject): EventHead {
  const id = eventId(property(envelope, "id"));
  const type = property(envelope, "type");
  const createdAt = parseInstant(property(envelope, "created_at"));
  const organizationId = recordId(property(envelope, "organization_id"));
  return {
    // A type outside the grammar is not repeated anywhere: it could hold anything.
    type: typeof type === "string" && type.length <= 64 && TYPE.test(type) ? type : "unreadable",
    ...(id === undefined ? {} : { id }),
    ...(createdAt === undefined ? {} : { createdAt }),
    ...(organizationId === undefined ? {} : { organizationId }),
  };
}

function subjectId(type: EventType, data: JsonObject, head: EventHead): RecordId | undefined {
  for (const field of type.idFrom) {
    const id = recordId(property(data, field));
    if (id !== undefined) return id;
  }
  return type.orEnvelope ? head.organizationId : undefined;
}
