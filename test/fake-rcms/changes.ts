// World operations asked for over the admin port: `{action, id?, kind?, patch?, count?}` checked field by field.

import { ApiError } from "./exchange.ts";
import type { Network } from "./network.ts";
import { shuffled } from "./random.ts";
import { type Fields, KINDS, type Kind } from "./records.ts";
import type { Change } from "./revise.ts";

const MOST = 20_000;

const CREATING = { createOrganization: true, createStaff: true, enrolClient: true } as const;

/** Each action that needs a record, and the kind its id belongs to. */
const ACTING_ON = {
  updateOrganization: "organizations",
  updateStaff: "staff",
  deactivateStaff: "staff",
  updateClient: "clients",
  dischargeClient: "clients",
  readmitClient: "clients",
  markIntakeIncomplete: "clients",
  scheduleAssessment: "clients",
  submitAssessment: "clients",
  scoreAssessment: "clients",
  lockAssessment: "clients",
  assessmentDueSoon: "clients",
  assessmentOverdue: "clients",
} as const;

const SILENT = { changeSilently: true, silentDelete: true, silentRestore: true } as const;

export const ACTIONS = [...Object.keys(CREATING), ...Object.keys(ACTING_ON), ...Object.keys(SILENT)];

const FIELDS = ["action", "id", "kind", "patch", "count"];

/** Makes one change, or `count` of them. */
export function makeChanges(network: Network, asked: unknown): Change[] {
  if (!isFields(asked)) throw new ApiError(400, "a change must be an object", "body");
  for (const name of Object.keys(asked))
    if (!FIELDS.includes(name)) throw new ApiError(400, `unknown field ${name}`, name);
  const { action, count } = asked;
  if (typeof action !== "string" || !ACTIONS.includes(action))
    throw new ApiError(400, `action must be one of ${ACTIONS.join(", ")}`, "action");
  const patch = checkedPatch(asked.patch);
  if (count === undefined) return [one(network, action, asked, patch)];
  const many = typeof count === "number" && Number.isInteger(count) && count >= 1 && count <= MOST;
  if (!many) throw new ApiError(400, `count must be a whole number from 1 to ${MOST}`, "count");
  if (asked.id !== undefined) throw new ApiError(400, "count and id exclude each other", "id");
  return bulk(network, action, asked, patch, count);
}

function bulk(
  network: Network,
  action: string,
  asked: Fields,
  patch: Fields | undefined,
  count: number,
): Change[] {
  if (isKey(CREATING, action)) return Array.from({ length: count }, () => network.world[action](patch));
  const kind = isKey(ACTING_ON, action) ? ACTING_ON[action] : checkedKind(asked.kind);
  const { records, core } = network.parts;
  const ids = records.allNewest(kind).map((fields) => String(fields.id ?? fields.client_id));
  if (ids.length < count) throw new ApiError(400, `there are only ${ids.length} ${kind}`, "count");
  return shuffled(core.worldRandom, ids)
    .slice(0, count)
    .map((id) => one(network, action, { ...asked, id }, patch));
}

function one({ world }: Network, action: string, asked: Fields, patch: Fields | undefined): Change {
  if (isKey(CREATING, action)) return world[action](patch);
  const id = checkedId(asked.id);
  if (isKey(ACTING_ON, action)) return world[action](id, patch);
  const kind = checkedKind(asked.kind);
  if (action === "changeSilently") return world.changeSilently(kind, id, patch);
  return action === "silentDelete" ? world.silentDelete(kind, id) : world.silentRestore(kind, id);
}

function isKey<T extends object>(table: T, name: string): name is Extract<keyof T, string> {
  return Object.hasOwn(table, name);
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function checkedPatch(patch: unknown): Fields | undefined {
  if (patch !== undefined && !isFields(patch)) throw new ApiError(400, "patch must be an object", "patch");
  return patch;
}

function checkedId(id: unknown): string {
  if (typeof id !== "string" && typeof id !== "number")
    throw new ApiError(400, "id must be a text or a number", "id");
  return String(id);
}

function checkedKind(kind: unknown): Kind {
  const found = KINDS.find((each) => each === kind);
  if (found === undefined) throw new ApiError(400, `kind must be one of ${KINDS.join(", ")}`, "kind");
  return found;
}
