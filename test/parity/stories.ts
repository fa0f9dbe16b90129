// What is killed: one act of the mirror each, with what was before it. What the platform, RCMS or the asker does about
// a death is the same for all of them (kill.workerd.test.ts).

import type { JobMessage } from "../../src/sync/messages.ts";
import type { NetworkKind } from "../sim/network.ts";
import { DAILY, type Operation, QUARTER } from "./operations.ts";
import type { Trouble } from "./upstream.ts";

export interface Story {
  readonly name: string;
  readonly before: readonly Operation[];
  readonly act: Operation;
  /** The first sweep, which takes the baseline, is done before it. */
  readonly swept?: true;
  /** What is forgotten is found by the clock. */
  readonly clock?: true;
  /** Long stories are struck where each call is first made; elsewhere others strike them. */
  readonly firstOnly?: true;
  /** What is kept is not what is upstream: it is cut, or waits for the operator. */
  readonly differs?: true;
}

const change = (kind: NetworkKind, number: number, event = true): Operation => ({
  op: "change",
  kind,
  number,
  lagMs: 0,
  event,
});
const pass = (seconds: number): Operation => ({ op: "pass", seconds });
const deliver: Operation = { op: "deliver", most: 99, order: 1, twice: 0 };
const drain: Operation = { op: "drain", order: 1 };
const tick: Operation = { op: "tick", times: 1, cron: QUARTER };
const events: Operation = { op: "consume", queue: "mirror-events", most: 99, order: 1, again: false };
const job = (name: JobMessage["job"]): Operation => ({
  op: "consume",
  queue: "mirror-jobs",
  most: 1,
  order: 1,
  again: false,
  job: name,
});
const tell = (type: string, number: number): Operation => ({ op: "tell", type, number });
const remind: Operation = { op: "remind", number: 1 };
const login: Operation = { op: "login", user: 1, number: 1 };
const rebuild = (...kinds: NetworkKind[]): Operation => ({ op: "rebuild", kinds });
/** For good: whoever is killed meets it again. */
const fault = (path: string, how: Trouble): Operation => ({ op: "fault", fault: { path, how, times: 999 } });
const heal: Operation = { op: "heal" };

/** Client 1 is held, with its document. */
const held = [change("clients", 1), change("assessment-status", 1), deliver, drain, pass(10)];

/** Of events: received, fetched, kept, parked, sent again. */
export const EVENT_STORIES: readonly Story[] = [
  { name: "a delivery is received", before: [change("clients", 1)], act: deliver },
  { name: "a new record is fetched for its event", before: [change("clients", 1), deliver], act: events },
  {
    name: "a client moves, its document follows it",
    before: [...held, { op: "move", number: 1, to: 1, event: true }, deliver],
    act: events,
  },
  {
    name: "several events come at once",
    before: [...held, change("clients", 2), change("staff", 1), change("assessment-status", 1), deliver],
    act: events,
    firstOnly: true,
  },
  {
    name: "staff that its own route does not show is read by the list",
    before: [change("staff", 1), deliver, fault("/staff/staff_1", "404")],
    act: events,
  },
  {
    name: "a disappearance is confirmed",
    before: [
      ...held,
      { op: "vanish", kind: "clients", number: 1 },
      tell("client.updated", 1),
      deliver,
      events,
      pass(61),
    ],
    act: events,
  },
  { name: "a reminder is kept", before: [...held, remind, deliver], act: events },
  {
    name: "an assessment taken closes a reminder",
    before: [
      ...held,
      remind,
      deliver,
      events,
      pass(1),
      change("assessment-status", 1, false),
      tell("assessment.submitted", 1),
      deliver,
    ],
    act: events,
  },
  {
    name: "a reminder comes after its assessment was taken",
    before: [
      ...held,
      remind,
      change("assessment-status", 1, false),
      tell("assessment.submitted", 1),
      { op: "deliver", most: 1, order: 3, twice: 0 },
      events,
      deliver,
    ],
    act: events,
    firstOnly: true,
  },
  {
    name: "a reminder is acknowledged",
    before: [...held, remind, deliver, events],
    act: { op: "acknowledge", order: 0 },
  },
  {
    name: "a client is readmitted",
    before: [
      ...held,
      login,
      drain,
      pass(1),
      change("clients", 1, false),
      tell("client.readmitted", 1),
      deliver,
    ],
    act: events,
  },
  {
    name: "an event is parked",
    before: [...held, change("clients", 1), deliver, fault("/clients/client_1", "403")],
    act: events,
    differs: true,
  },
  {
    name: "a rejected key pauses the connection",
    before: [...held, change("clients", 1), deliver, fault("/clients/client_1", "401")],
    act: events,
    swept: true,
    firstOnly: true,
    differs: true,
  },
  {
    name: "the platform gives up on a message",
    before: [change("clients", 1), deliver],
    act: { op: "give up", order: 0 },
  },
  {
    name: "what was parked is sent again",
    before: [change("clients", 1), deliver, { op: "give up", order: 0 }],
    act: { op: "replay" },
  },
];

/** Of jobs, of the clock, and of what an operator or an app orders. */
export const WORK_STORIES: readonly Story[] = [
  { name: "the clock ticks", before: [pass(900)], act: tick, swept: true },
  {
    name: "the clock ticks on a connection that is degraded",
    before: [
      { op: "kill webhook", how: "missing" },
      fault("/webhooks", "500"),
      pass(30_000),
      tick,
      job("guard"),
    ],
    act: tick,
    swept: true,
    firstOnly: true,
  },
  { name: "the ledger is purged", before: held, act: { op: "tick", times: 1, cron: DAILY } },
  {
    name: "a list is swept, page by page",
    before: [
      change("clients", 1, false),
      change("clients", 2, false),
      change("clients", 3, false),
      pass(300),
    ],
    act: { op: "sweep", kinds: ["clients"] },
    swept: true,
  },
  {
    name: "a list shows a record as it was before",
    before: [
      ...held,
      pass(300),
      change("clients", 1, false),
      {
        op: "overtaken",
        writes: [
          {
            kind: "clients",
            number: 1,
            tombstone: false,
            fetchedBackMs: -1,
            datedByMs: 900_000,
            hash: "other",
            over: undefined,
            fieldsVersion: 0,
            organization: undefined,
          },
        ],
      },
      pass(60),
    ],
    act: { op: "sweep", kinds: ["clients"] },
    swept: true,
    firstOnly: true,
    differs: true,
  },
  {
    name: "every list is swept",
    before: [
      change("organizations", 1),
      change("staff", 1),
      deliver,
      drain,
      pass(10),
      change("organizations", 1, false),
      change("staff", 1, false),
      pass(300),
    ],
    act: { op: "sweep", kinds: ["organizations", "staff"] },
    swept: true,
    firstOnly: true,
  },
  {
    name: "documents are walked",
    before: [...held, change("assessment-status", 1, false), pass(300)],
    act: { op: "sweep", kinds: ["assessment-status"] },
    swept: true,
    firstOnly: true,
  },
  {
    name: "the verifier meets what is gone",
    before: [...held, { op: "vanish", kind: "clients", number: 1 }, pass(60), tick],
    act: job("sweep"),
    swept: true,
    firstOnly: true,
  },
  {
    name: "a disappearance is looked at again",
    before: [...held, { op: "vanish", kind: "clients", number: 1 }, pass(60), tick, job("sweep"), pass(62)],
    act: job("look"),
    swept: true,
    firstOnly: true,
  },
  {
    name: "a dead webhook is registered anew",
    before: [{ op: "kill webhook", how: "disabled" }, pass(60), tick],
    act: job("guard"),
    swept: true,
  },
  { name: "a login is answered", before: [], act: login, swept: true, clock: true },
  {
    name: "a login's client is hydrated",
    before: [login],
    act: job("backfill"),
    swept: true,
    firstOnly: true,
  },
  { name: "a rebuild is ordered", before: [], act: rebuild("clients"), swept: true },
  {
    name: "a list is rebuilt",
    before: [rebuild("clients")],
    act: job("rebuild"),
    swept: true,
    firstOnly: true,
  },
  {
    name: "documents are rebuilt",
    before: [...held, rebuild("assessment-status")],
    act: job("rebuild"),
    swept: true,
    firstOnly: true,
  },
  {
    name: "fields are taken away",
    before: held,
    act: { op: "fields", list: 2 },
    swept: true,
    clock: true,
    differs: true,
  },
  {
    name: "what is stored is cut",
    before: [...held, { op: "fields", list: 2 }],
    act: job("minimise"),
    swept: true,
    differs: true,
  },
  {
    name: "fields are given back",
    before: [...held, { op: "fields", list: 2 }, drain, { op: "fields", list: 0 }],
    act: job("minimise"),
    swept: true,
    clock: true,
  },
  { name: "a client is purged", before: [...held, remind, deliver, events], act: { op: "purge", number: 1 } },
  {
    name: "a connection is resumed",
    before: [...held, change("clients", 1), deliver, fault("/clients/client_1", "401"), events, heal],
    act: { op: "resume" },
    swept: true,
  },
  {
    name: "what a pause parked is sent again",
    before: [
      ...held,
      change("clients", 1),
      deliver,
      fault("/clients/client_1", "401"),
      events,
      heal,
      { op: "resume" },
    ],
    act: job("replay"),
    swept: true,
  },
];
