// The three ways a record is written by the world: added, revised, and looked up first. Every write of a living
// record goes through here, so updated_at always moves.

import type { Core } from "./core.ts";
import type { EventType } from "./events.ts";
import { ApiError } from "./exchange.ts";
import type { RecordId } from "./random.ts";
import type { Fields, Kind, Records } from "./records.ts";
import { render } from "./render.ts";

export interface Change {
  id: string;
  /** As the API will return it once visible; null when it is gone. */
  record: Fields | null;
  /** null: nothing was announced. */
  event_id: string | null;
}

export interface WorldDeps {
  core: Core;
  records: Records;
  announce(type: EventType, kind: Kind, fields: Fields, data: Fields): string;
}

export function add({ core, records }: WorldDeps, kind: Kind, fields: Fields): Fields {
  const id = String(kind === "assessment-status" ? fields.client_id : fields.id);
  if (records.newest(kind, id) !== null) throw new ApiError(409, `${kind} ${id} exists already`, "id");
  const now = new Date(core.now()).toISOString();
  const record: Fields = { ...fields, updated_at: fields.updated_at ?? now };
  if (kind !== "assessment-status") record.created_at = fields.created_at ?? now;
  records.write(kind, id, record);
  return record;
}

export function revise(deps: WorldDeps, kind: Kind, id: RecordId, patch: Fields): Fields {
  const before = existing(deps, kind, id);
  const now = new Date(deps.core.now()).toISOString();
  const key = kind === "assessment-status" ? "client_id" : "id";
  // The patch comes after the new time, so a test can state any updated_at, even an older one; the id stays.
  const record = { ...before, updated_at: now, ...patch, [key]: before[key] };
  deps.records.write(kind, String(id), record);
  return record;
}

export function existing({ records }: WorldDeps, kind: Kind, id: RecordId): Fields {
  const fields = records.newest(kind, String(id));
  if (fields === null) throw new ApiError(404, `no ${kind} record has the id ${id}`, "id");
  return fields;
}

export function quiet({ core }: WorldDeps, kind: Kind, id: RecordId, fields: Fields): Change {
  return { id: String(id), record: render(kind, fields, core.settings), event_id: null };
}
