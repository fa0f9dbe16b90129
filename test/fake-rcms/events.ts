// Webhook events: the sixteen documented types, the envelope, and where an event carries the id it is about.

import { randomBytes } from "node:crypto";
import type { Core } from "./core.ts";
import type { RecordId } from "./random.ts";
import type { Fields, Kind } from "./records.ts";
import { stamp } from "./render.ts";
import type { Settings } from "./settings.ts";

export const EVENT_TYPES = [
  "client.enrolled",
  "client.updated",
  "client.discharged",
  "client.readmitted",
  "client.intake_incomplete",
  "assessment.scheduled",
  "assessment.submitted",
  "assessment.scored",
  "assessment.locked",
  "assessment.due_soon",
  "assessment.overdue",
  "staff.created",
  "staff.updated",
  "staff.deactivated",
  "organization.created",
  "organization.updated",
] as const;

export type EventType = (typeof EVENT_TYPES)[number];

/** One event as it will be sent, over and over, byte for byte. */
export interface WebhookEvent {
  id: string;
  type: string;
  createdAtMs: number;
  body: string;
  /** The record it is about, to decide which narrower keys' webhooks hear of it; null: everyone's. */
  about: { kind: Kind; fields: Fields } | null;
}

export interface Envelope {
  id?: string;
  type: string;
  created_at?: string;
  organization_id?: RecordId | null;
  data: Fields;
}

export function newEvent(
  core: Pick<Core, "now" | "settings">,
  envelope: Envelope,
  about: WebhookEvent["about"] = null,
): WebhookEvent {
  const now = core.now();
  const id = envelope.id ?? newEventId();
  const body = JSON.stringify({
    id,
    type: envelope.type,
    created_at: envelope.created_at ?? stamp(now, core.settings),
    organization_id: envelope.organization_id ?? null,
    data: envelope.data,
  });
  return { id, type: envelope.type, createdAtMs: now, body, about };
}

export function newEventId(): string {
  return `evt_${randomBytes(13).toString("hex")}`;
}

type IdField = "client_id" | "staff_id" | "organization_id";

/** The id of the record an event is about, placed as the settings say. */
export function placedId(settings: Settings, field: IdField, id: unknown): Fields {
  const shown = settings.alias_ids ? aliasOf(String(id)) : id;
  if (settings.event_id_place === "id") return { id: shown };
  // Only organizations have another place to be found: the envelope's organization_id.
  if (settings.event_id_place === "envelope" && field === "organization_id") return {};
  return { [field]: shown };
}

const ALIAS = "alt-";

/** A second spelling of an id, which single reads understand and answer with the first. */
export function aliasOf(id: string): string {
  return ALIAS + id;
}

export function withoutAlias(id: string): string {
  return id.startsWith(ALIAS) ? id.slice(ALIAS.length) : id;
}
