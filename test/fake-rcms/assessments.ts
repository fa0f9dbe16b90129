// Assessments in the upstream's world. A client has one assessment status: its last assessment and, if any, the
// next one scheduled.

import { type EventType, placedId } from "./events.ts";
import { between, type RecordId } from "./random.ts";
import type { Fields } from "./records.ts";
import { render } from "./render.ts";
import { type Change, existing, revise, type WorldDeps } from "./revise.ts";

const WEEK_MS = 7 * 86_400_000;

export function createAssessments(deps: WorldDeps) {
  const { core } = deps;
  const iso = (ms: number) => new Date(ms).toISOString();
  const mint = () => core.mintId("asmt", core.settings.id_style, core.now());
  const score = () => between(core.worldRandom, [0, 100]);

  return {
    scheduleAssessment(clientId: RecordId, patch: Fields = {}): Change {
      existing(deps, "assessment-status", clientId);
      const next = {
        status: "scheduled",
        scheduled_at: iso(core.now() + WEEK_MS),
        scheduled_assessment_id: mint(),
        ...patch,
      };
      return tellStatus(deps, "assessment.scheduled", clientId, next, ["scheduled_at"]);
    },
    submitAssessment(clientId: RecordId, patch: Fields = {}): Change {
      const before = existing(deps, "assessment-status", clientId);
      const done = {
        status: "submitted",
        last_assessment_id: before.scheduled_assessment_id ?? mint(),
        assessment_number: Number(before.assessment_number) + 1,
        submitted_at: iso(core.now()),
        scheduled_at: null,
        scheduled_assessment_id: null,
        locked_at: null,
        ...NO_SCORES,
        ...patch,
      };
      return tellStatus(deps, "assessment.submitted", clientId, done, ["assessment_number", "submitted_at"]);
    },
    scoreAssessment(clientId: RecordId, patch: Fields = {}): Change {
      const before = existing(deps, "assessment-status", clientId);
      const scored = {
        status: "scored",
        last_assessment_id: before.last_assessment_id ?? mint(),
        positive_score: score(),
        negative_score: score(),
        overall_score: score(),
        engagement_score: score(),
        ...patch,
      };
      const shown = ["assessment_number", "submitted_at", ...Object.keys(NO_SCORES)];
      return tellStatus(deps, "assessment.scored", clientId, scored, shown);
    },
    lockAssessment(clientId: RecordId, patch: Fields = {}): Change {
      const locked = { status: "locked", locked_at: iso(core.now()), ...patch };
      return tellStatus(deps, "assessment.locked", clientId, locked, ["assessment_number"]);
    },
    /** Changes no record: the event is all there is. */
    assessmentDueSoon: (clientId: RecordId, extra: Fields = {}) =>
      remind(deps, "assessment.due_soon", clientId, extra),
    assessmentOverdue: (clientId: RecordId, extra: Fields = {}) =>
      remind(deps, "assessment.overdue", clientId, extra),
  };
}

const NO_SCORES = { positive_score: null, negative_score: null, overall_score: null, engagement_score: null };

function tellStatus(
  deps: WorldDeps,
  type: EventType,
  clientId: RecordId,
  patch: Fields,
  shown: string[],
): Change {
  const status = revise(deps, "assessment-status", clientId, patch);
  if (deps.core.settings.assessment_touches_client) revise(deps, "clients", clientId, {});
  const extra = Object.fromEntries(shown.map((name) => [name, status[name]]));
  return announceStatus(deps, type, status, extra);
}

function remind(deps: WorldDeps, type: EventType, clientId: RecordId, extra: Fields): Change {
  const status = existing(deps, "assessment-status", clientId);
  const dueAt = status.scheduled_at ?? new Date(deps.core.now()).toISOString();
  return announceStatus(deps, type, status, { due_at: dueAt, ...extra });
}

function announceStatus(deps: WorldDeps, type: EventType, status: Fields, extra: Fields): Change {
  const { settings } = deps.core;
  const assessmentId = status.scheduled_assessment_id ?? status.last_assessment_id;
  const ofLast = type !== "assessment.scheduled" && status.last_assessment_id !== null;
  const reminds = type === "assessment.due_soon" || type === "assessment.overdue";
  const data: Fields = {
    assessment_id: ofLast && !reminds ? status.last_assessment_id : assessmentId,
    // The client is what one fetches; in the "id" style the assessment's id takes the plain name.
    client_id: placedId({ ...settings, event_id_place: "typed" }, "client_id", status.client_id).client_id,
    ...extra,
  };
  if (settings.event_id_place === "id") {
    data.id = data.assessment_id;
    delete data.assessment_id;
  }
  const eventId = deps.announce(type, "assessment-status", status, data);
  const record = render("assessment-status", status, settings);
  return { id: String(status.client_id), record, event_id: eventId };
}
