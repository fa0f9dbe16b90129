// RCMS's kinds as data: where each is read, how it is swept, when it is terminal.

import type { Kind } from "../../core/ids.ts";
import { isJsonObject, type JsonObject, property } from "../../core/json.ts";
import type { KindSpec } from "../source.ts";

const hasStatus =
  (...names: string[]) =>
  (record: JsonObject) =>
    names.includes(String(property(record, "status")).toLowerCase());

/** Locked, and no further assessment waits to be taken. */
function assessmentIsTerminal(record: JsonObject): boolean {
  const scheduled = ["scheduled_at", "next_assessment_at", "next_scheduled_at"].some((field) => {
    const value = property(record, field);
    return value !== undefined && value !== null;
  });
  const latest = property(record, "latest_assessment");
  const locked = hasStatus("locked")(record) || (isJsonObject(latest) && hasStatus("locked")(latest));
  return locked && !scheduled;
}

export const kinds: Readonly<Record<Kind, KindSpec>> = {
  organizations: {
    payload: "thin",
    list: { path: "/organizations" },
    single: (id) => `/organizations/${id}`,
    singleRoute: "assumed",
    isTerminal: () => false,
    idFromRef: false,
    upkeep: {},
  },
  staff: {
    payload: "thin",
    list: { path: "/staff" },
    single: (id) => `/staff/${id}`,
    singleRoute: "assumed",
    isTerminal: hasStatus("deactivated", "inactive"),
    idFromRef: false,
    upkeep: {},
  },
  clients: {
    payload: "thin",
    list: { path: "/clients" },
    single: (id) => `/clients/${id}`,
    singleRoute: "documented",
    isTerminal: hasStatus("discharged"),
    idFromRef: false,
    upkeep: {},
  },
  "assessment-status": {
    payload: "thin",
    single: (id) => `/clients/${id}/assessment-status`,
    singleRoute: "documented",
    isTerminal: assessmentIsTerminal,
    idFromRef: true,
    // No since-filter: read one by one, so the slice is what one sweep may cost (SW5).
    upkeep: { rowsPerRun: 200 },
  },
  reminders: {
    payload: "full",
    singleRoute: "documented",
    isTerminal: () => false,
    idFromRef: true,
    upkeep: {},
  },
};
