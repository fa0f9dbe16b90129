// What the upstream has announced: every webhook event it sent, with the record as it was at that moment. Read off
// the local RCMS itself, so that changes made by hand over its admin port are seen like any other.

import type { EventType, WebhookEvent } from "../fake-rcms/events.ts";
import type { Network } from "../fake-rcms/network.ts";
import type { Fields, Kind } from "../fake-rcms/records.ts";

/** A reminder changes no record upstream: the event is the record. */
export type MirroredKind = Kind | "reminders";

export interface Announced {
  readonly eventId: string;
  readonly type: EventType;
  readonly kind: MirroredKind;
  readonly id: string;
  /** The record right after the change; of a reminder, the event's payload. */
  readonly record: Fields;
  readonly organizationId: string;
  /** ISO-8601, the event's own. */
  readonly createdAt: string;
  /** Milliseconds since 1970: when the webhook was sent. */
  readonly sentAtMs: number;
}

/** @returns a function giving what was announced since it was last asked, oldest first */
export function announcements(network: Network): () => Announced[] {
  const { courier } = network.parts;
  let last = courier.deliveries().at(-1);
  // An event is delivered once per webhook, and again when asked to be.
  const seen = new WeakSet<WebhookEvent>();
  return () => {
    // From the end, because the courier forgets its oldest ones.
    const all = courier.deliveries();
    const from = last === undefined ? 0 : all.lastIndexOf(last) + 1;
    last = all.at(-1);
    return all.slice(from).flatMap(({ event, createdAtMs }) => {
      const { kind, fields } = event.about ?? {};
      // Made by hand, about no record.
      if (kind === undefined || fields === undefined || seen.has(event)) return [];
      seen.add(event);
      const { type, created_at, organization_id, data } = JSON.parse(event.body);
      const reminds = type === "assessment.due_soon" || type === "assessment.overdue";
      return {
        eventId: event.id,
        type,
        kind: reminds ? ("reminders" as const) : kind,
        id: reminds ? event.id : String(fields.id ?? fields.client_id),
        record: reminds ? data : fields,
        organizationId: organization_id,
        createdAt: created_at,
        sentAtMs: createdAtMs,
      };
    });
  };
}
