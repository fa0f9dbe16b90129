// Reminders over a mirror in memory, told as events.

import {
  acknowledgeReminder,
  closeReminders,
  keepReminder,
  type ReminderDeps,
} from "../../src/sync/reminders.ts";
import { idOf, refOf } from "../core/samples.ts";
import { digest } from "./consumer.ts";
import { changedEvent, connectedMemory, HERE, handClock, otherEvent, START } from "./world.ts";

export const MINUTE = 60_000;

export async function setUp(
  replaced: (deps: ReminderDeps) => Partial<ReminderDeps> = () => ({}),
  fields = {},
) {
  const clock = handClock();
  const { memory, connection } = await connectedMemory(fields);
  const own: ReminderDeps = { now: clock.now, records: memory.records, taken: memory.taken, digest };
  const deps = { ...own, ...replaced(own) };
  const dueMessage = (id: string, createdAt: number | undefined, payload: object = {}) =>
    otherEvent(
      { is: "record", ref: { kind: "reminders", id: idOf(id) }, payload: { client_id: "c1", ...payload } },
      { id, type: "assessment.due_soon", createdAt },
    ).body;
  return {
    clock,
    memory,
    due: (id: string, createdAt: number | undefined = START, payload?: object) =>
      keepReminder(deps, connection, dueMessage(id, createdAt, payload)),
    taken: (createdAt: number | undefined, client = "c1") =>
      closeReminders(
        deps,
        connection,
        changedEvent({ kind: "assessment-status", record: client, createdAt }).body,
      ),
    ack: (id: string) => acknowledgeReminder(deps, HERE, idOf(id)),
    row: (id: string) => memory.records.one(HERE, refOf(id, "reminders")),
    status: async (id: string) => (await memory.records.one(HERE, refOf(id, "reminders")))?.status,
  };
}
