// The script of life: what happens in the upstream's world, and to whom. It only makes changes; who hears of them
// and when is not its business.

import { EVENT_TYPES, type EventType } from "../fake-rcms/events.ts";
import type { Network } from "../fake-rcms/network.ts";
import { pick, type Random, seededRandom } from "../fake-rcms/random.ts";
import type { Fields, Kind } from "../fake-rcms/records.ts";
import type { Change } from "../fake-rcms/revise.ts";
import type { World } from "../fake-rcms/world.ts";

/** How one event type comes about: in which records' life, in what state, and by what. */
interface Cause {
  /** Absent: it makes a new record. */
  readonly on?: Kind;
  readonly when?: readonly string[];
  readonly happens: (world: World, id: string) => Change;
  /** How often in ordinary life, next to the others. */
  readonly weight: number;
}

const CAUSES: Readonly<Record<EventType, Cause>> = {
  "organization.created": { happens: (w) => w.createOrganization(), weight: 1 },
  "organization.updated": { on: "organizations", happens: (w, id) => w.updateOrganization(id), weight: 2 },
  "staff.created": { happens: (w) => w.createStaff(), weight: 2 },
  "staff.updated": { on: "staff", when: ["active"], happens: (w, id) => w.updateStaff(id), weight: 4 },
  "staff.deactivated": {
    on: "staff",
    when: ["active"],
    happens: (w, id) => w.deactivateStaff(id),
    weight: 1,
  },
  "client.enrolled": { happens: (w) => w.enrolClient(), weight: 5 },
  "client.updated": { on: "clients", when: ["active"], happens: (w, id) => w.updateClient(id), weight: 10 },
  "client.discharged": {
    on: "clients",
    when: ["active"],
    happens: (w, id) => w.dischargeClient(id),
    weight: 3,
  },
  "client.readmitted": {
    on: "clients",
    when: ["discharged"],
    happens: (w, id) => w.readmitClient(id),
    weight: 2,
  },
  "client.intake_incomplete": {
    on: "clients",
    when: ["active"],
    happens: (w, id) => w.markIntakeIncomplete(id),
    weight: 1,
  },
  "assessment.scheduled": status(["none", "locked"], (w, id) => w.scheduleAssessment(id), 6),
  "assessment.due_soon": status(["scheduled"], (w, id) => w.assessmentDueSoon(id), 3),
  "assessment.overdue": status(["scheduled"], (w, id) => w.assessmentOverdue(id), 2),
  "assessment.submitted": status(["scheduled"], (w, id) => w.submitAssessment(id), 6),
  "assessment.scored": status(["submitted"], (w, id) => w.scoreAssessment(id), 6),
  "assessment.locked": status(["scored"], (w, id) => w.lockAssessment(id), 5),
};

function status(when: readonly string[], happens: Cause["happens"], weight: number): Cause {
  return { on: "assessment-status", when, happens, weight };
}

/** One client's way through care, with everything around it: all sixteen types, in an order that makes sense. */
export const OPENING: readonly EventType[] = [
  "organization.created",
  "staff.created",
  "client.enrolled",
  "assessment.scheduled",
  "assessment.due_soon",
  "client.updated",
  "assessment.overdue",
  "assessment.submitted",
  "staff.updated",
  "assessment.scored",
  "assessment.locked",
  "client.discharged",
  "client.readmitted",
  "organization.updated",
  "client.intake_incomplete",
  "staff.deactivated",
];

export interface Life {
  /** Makes this happen to whoever was touched last and can have it happen; to a stranger if there is none. */
  next(type: EventType): void;
  /** Makes it happen this often to one and the same record. */
  again(type: EventType, times: number, pause: () => Promise<unknown>): Promise<void>;
  /** Makes it happen at once to that many different records. */
  toMany(type: EventType, count: number): void;
  /** Makes anything happen to anyone. */
  anything(): void;
}

/** @param seed the same seed makes the same things happen */
export function createLife(network: Network, seed: number): Life {
  const random = seededRandom(seed);
  /** Ids by when they were last touched; a client and its assessment status share one. */
  const touched = new Map<string, number>();
  let made = 0;

  function make(type: EventType, id = ""): void {
    const change = CAUSES[type].happens(network.world, id);
    made += 1;
    touched.set(change.id, made);
  }

  function candidates(type: EventType): string[] {
    const { on, when } = CAUSES[type];
    if (on === undefined) return [""];
    return network.parts.records
      .allNewest(on)
      .filter((fields) => when?.includes(String(fields.status)) ?? true)
      .map(idOf);
  }

  function latest(type: EventType): string | undefined {
    const ids = candidates(type);
    return ids.toSorted((a, b) => (touched.get(b) ?? 0) - (touched.get(a) ?? 0))[0];
  }

  return {
    next(type) {
      const id = latest(type);
      if (id !== undefined) make(type, id);
    },
    async again(type, times, pause) {
      const id = pick(random, candidates(type));
      for (let i = 0; i < times; i++) {
        make(type, id);
        await pause();
      }
    },
    toMany(type, count) {
      for (const id of candidates(type).slice(0, count)) make(type, id);
    },
    anything() {
      const possible = EVENT_TYPES.filter((type) => candidates(type).length > 0);
      const type = weighed(random, possible);
      make(type, pick(random, candidates(type)));
    },
  };
}

function weighed(random: Random, types: readonly EventType[]): EventType {
  return pick(
    random,
    types.flatMap((type) => Array.from({ length: CAUSES[type].weight }, () => type)),
  );
}

function idOf(fields: Fields): string {
  return String(fields.id ?? fields.client_id);
}
