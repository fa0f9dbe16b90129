// What happens in the upstream's world: organizations, staff and clients come, change and go. Each operation writes
// the record, moves its updated_at and announces the event. Assessments are next door.

import { createAssessments } from "./assessments.ts";
import { type EventType, placedId } from "./events.ts";
import { ApiError } from "./exchange.ts";
import { LEVELS_OF_CARE, newClient, newOrganization, newPhone, newStaff, ROLES } from "./names.ts";
import { pick, type RecordId, uuid } from "./random.ts";
import type { Fields, Kind } from "./records.ts";
import { add, type Change, existing, quiet, revise, type WorldDeps } from "./revise.ts";

export type World = ReturnType<typeof createWorld>;

export function createWorld(deps: WorldDeps) {
  return {
    ...organizations(deps),
    ...staff(deps),
    ...clients(deps),
    ...createAssessments(deps),
    ...silentChanges(deps),
  };
}

function organizations(deps: WorldDeps) {
  const { core } = deps;
  return {
    createOrganization(patch: Fields = {}): Change {
      const organization = add(deps, "organizations", {
        id: core.mintId("org", core.settings.id_style, core.now()),
        ...newOrganization(core.worldRandom),
        status: "active",
        ...patch,
      });
      return tell(deps, "organization.created", "organizations", organization);
    },
    updateOrganization(id: RecordId, patch: Fields = { phone: newPhone(core.worldRandom) }): Change {
      return tell(deps, "organization.updated", "organizations", revise(deps, "organizations", id, patch));
    },
  };
}

function staff(deps: WorldDeps) {
  const { core, records } = deps;
  return {
    createStaff(patch: Fields = {}): Change {
      const staff = add(deps, "staff", {
        id: core.mintId("staff", core.settings.id_style, core.now()),
        organization_id: patch.organization_id ?? anyOrganization(deps),
        ...newStaff(core.worldRandom),
        status: "active",
        ...patch,
      });
      return tell(deps, "staff.created", "staff", staff);
    },
    updateStaff(id: RecordId, patch?: Fields): Change {
      const role = nextOf(ROLES, records.newest("staff", String(id))?.role);
      return tell(deps, "staff.updated", "staff", revise(deps, "staff", id, patch ?? { role }));
    },
    deactivateStaff(id: RecordId, patch: Fields = {}): Change {
      const staff = revise(deps, "staff", id, { status: "deactivated", ...patch });
      return tell(deps, "staff.deactivated", "staff", staff);
    },
  };
}

function clients(deps: WorldDeps) {
  const { core, records } = deps;
  const nowIso = () => new Date(core.now()).toISOString();
  return {
    enrolClient(patch: Fields = {}): Change {
      const client = add(deps, "clients", {
        id: core.mintId("client", core.settings.id_style, core.now()),
        client_uuid: uuid(core.worldRandom),
        organization_id: patch.organization_id ?? anyOrganization(deps),
        ...newClient(core.worldRandom),
        status: "active",
        admitted_at: nowIso(),
        discharged_at: null,
        ...patch,
      });
      add(deps, "assessment-status", noAssessmentYet(client));
      return tell(deps, "client.enrolled", "clients", client);
    },
    updateClient(id: RecordId, patch?: Fields): Change {
      const level = nextOf(LEVELS_OF_CARE, records.newest("clients", String(id))?.level_of_care);
      const client = revise(deps, "clients", id, patch ?? { level_of_care: level });
      return tell(deps, "client.updated", "clients", client);
    },
    dischargeClient(id: RecordId, patch: Fields = {}): Change {
      const left = { status: "discharged", discharged_at: nowIso(), ...patch };
      return tell(deps, "client.discharged", "clients", revise(deps, "clients", id, left));
    },
    readmitClient(id: RecordId, patch: Fields = {}): Change {
      const back = { status: "active", admitted_at: nowIso(), discharged_at: null, ...patch };
      return tell(deps, "client.readmitted", "clients", revise(deps, "clients", id, back));
    },
    markIntakeIncomplete(id: RecordId, patch: Fields = {}): Change {
      const client = revise(deps, "clients", id, { status: "intake_incomplete", ...patch });
      return tell(deps, "client.intake_incomplete", "clients", client);
    },
  };
}

function silentChanges(deps: WorldDeps) {
  const { records } = deps;
  return {
    /** A change nobody is told of: what a lost webhook looks like from outside. */
    changeSilently(kind: Kind, id: RecordId, patch: Fields = {}): Change {
      return quiet(deps, kind, id, revise(deps, kind, id, patch));
    },
    silentDelete(kind: Kind, id: RecordId): Change {
      existing(deps, kind, id);
      records.write(kind, String(id), null);
      if (kind === "clients") records.write("assessment-status", String(id), null);
      return { id: String(id), record: null, event_id: null };
    },
    /** Brings a deleted record back as it was, old updated_at included. */
    silentRestore(kind: Kind, id: RecordId): Change {
      const fields = records.lastLiving(kind, String(id));
      if (fields === null) throw new ApiError(404, `no ${kind} record ever had the id ${id}`, "id");
      records.write(kind, String(id), fields);
      const status = kind === "clients" ? records.lastLiving("assessment-status", String(id)) : null;
      if (status !== null) records.write("assessment-status", String(id), status);
      return quiet(deps, kind, id, fields);
    },
  };
}

const ID_FIELDS = { organizations: "organization_id", staff: "staff_id", clients: "client_id" } as const;

function tell(deps: WorldDeps, type: EventType, kind: keyof typeof ID_FIELDS, fields: Fields): Change {
  const data = { ...placedId(deps.core.settings, ID_FIELDS[kind], fields.id), ...hint(kind, fields) };
  const eventId = deps.announce(type, kind, fields, data);
  return { ...quiet(deps, kind, String(fields.id), fields), event_id: eventId };
}

// Events are thin: they say what to fetch, not what it now says.
function hint(kind: Kind, fields: Fields): Fields {
  return kind === "clients"
    ? { client_uuid: fields.client_uuid, status: fields.status }
    : { status: fields.status };
}

function anyOrganization({ core, records }: WorldDeps): unknown {
  const organizations = records.allNewest("organizations");
  if (organizations.length === 0)
    throw new ApiError(
      400,
      "the network has no organization yet; create one or give one",
      "patch.organization_id",
    );
  return pick(core.worldRandom, organizations).id;
}

function nextOf(items: readonly string[], current: unknown): string {
  return items[(items.indexOf(String(current)) + 1) % items.length] ?? "";
}

function noAssessmentYet(client: Fields): Fields {
  return {
    client_id: client.id,
    organization_id: client.organization_id,
    status: "none",
    scheduled_at: null,
    scheduled_assessment_id: null,
    last_assessment_id: null,
    assessment_number: 0,
    submitted_at: null,
    locked_at: null,
    positive_score: null,
    negative_score: null,
    overall_score: null,
    engagement_score: null,
  };
}
