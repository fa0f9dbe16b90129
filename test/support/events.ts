// RCMS's sixteen event types, as deliveries.

import { ago } from "./each-test.ts";
import { CANARY } from "./outlets.ts";

/** Type → the kind it changes and the field of `data` that names the record. */
export const EVENT_TYPES = [
  ["client.enrolled", "clients", "client_id"],
  ["client.updated", "clients", "client_id"],
  ["client.discharged", "clients", "client_id"],
  ["client.readmitted", "clients", "client_id"],
  ["client.intake_incomplete", "clients", "client_id"],
  ["assessment.scheduled", "assessment-status", "client_id"],
  ["assessment.submitted", "assessment-status", "client_id"],
  ["assessment.scored", "assessment-status", "client_id"],
  ["assessment.locked", "assessment-status", "client_id"],
  ["assessment.due_soon", "reminders", "client_id"],
  ["assessment.overdue", "reminders", "client_id"],
  ["staff.created", "staff", "staff_id"],
  ["staff.updated", "staff", "staff_id"],
  ["staff.deactivated", "staff", "staff_id"],
  ["organization.created", "organizations", "organization_id"],
  ["organization.updated", "organizations", "organization_id"],
] as const;

let sent = 0;

export function event(type: string, data: Record<string, unknown>, more: Record<string, unknown> = {}) {
  return {
    id: `evt_${++sent}`,
    type,
    created_at: ago(5),
    organization_id: "org_1",
    data,
    note: CANARY,
    ...more,
  };
}
