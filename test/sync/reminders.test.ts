// Reminders: kept from their event, acknowledged once, closed by an assessment.

import { describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import type { Write } from "../../src/core/record.ts";
import { keepReminder } from "../../src/sync/reminders.ts";
import { idOf } from "../core/samples.ts";
import { digest } from "./consumer.ts";
import { MINUTE, setUp } from "./reminding.ts";
import { connectedMemory, HERE, otherEvent, START } from "./world.ts";

describe("keeping", () => {
  it("RM1 a reminder is kept open, with its payload and what it is known by", async () => {
    const { due, row } = await setUp();
    await due("r1", START, { assessment_id: "a1", due_at: "2030-01-01" });
    const kept = await row("r1");
    expect(kept).toMatchObject({ status: "open", clientId: "c1", terminal: false, updatedAt: START, seq: 1 });
    expect(JSON.parse(kept?.body ?? "")).toEqual({
      client_id: "c1",
      assessment_id: "a1",
      due_at: "2030-01-01",
      id: "r1",
      type: "assessment.due_soon",
      status: "open",
      organization_id: null,
      created_at: new Date(START).toISOString(),
      updated_at: new Date(START).toISOString(),
      acknowledged_at: null,
      closed_at: null,
    });
  });

  it("RM1 its event repeated changes nothing, whatever became of it meanwhile", async () => {
    const { due, ack, taken, status, memory } = await setUp();
    await due("r1");
    await due("r1");
    expect(memory.records.all(HERE)).toMatchObject([{ seq: 1 }]);
    await ack("r1");
    await due("r1");
    expect(await status("r1")).toBe("acknowledged");
    await taken(START);
    await due("r1");
    expect(await status("r1")).toBe("closed");
  });

  it("RM1 without an instant of its own it counts from its receipt", async () => {
    const { memory, row } = await setUp();
    const { connection } = await connectedMemory();
    const { body } = otherEvent(
      { is: "record", ref: { kind: "reminders", id: idOf("r1") }, payload: { client_id: "c1" } },
      { type: "assessment.overdue" },
    );
    await keepReminder(
      { now: () => START, records: memory.records, taken: memory.taken, digest },
      connection,
      body,
    );
    expect(await row("r1")).toMatchObject({ updatedAt: START });
  });

  it("PR3 fields that are not allowed are not kept, and it still closes", async () => {
    const { due, row, taken, status } = await setUp(() => ({}), { reminders: ["due_at"] });
    await due("r1", START, { due_at: "2030-01-01", first_name: "CANARY" });
    expect((await row("r1"))?.body).not.toContain("CANARY");
    expect((await row("r1"))?.body).toContain("2030-01-01");
    await taken(START);
    expect(await status("r1")).toBe("closed");
  });
});

describe("acknowledging", () => {
  it("RM1 happens once: the second time nothing changes and the same is answered", async () => {
    const { due, ack, clock, memory } = await setUp();
    await due("r1");
    clock.pass(MINUTE);
    const first = await ack("r1");
    expect(first).toMatchObject({ status: "acknowledged", seq: 2 });
    expect(JSON.parse(first?.body ?? "").acknowledged_at).toBe(new Date(START + MINUTE).toISOString());
    clock.pass(MINUTE);
    expect(await ack("r1")).toEqual(first);
    expect(memory.records.all(HERE)).toHaveLength(1);
  });

  it("RM1 leaves a closed reminder closed, and one that is not there is not made", async () => {
    const { due, ack, taken, status } = await setUp();
    await due("r1");
    await taken(START);
    expect((await ack("r1"))?.status).toBe("closed");
    expect(await status("r1")).toBe("closed");
    expect(await ack("r2")).toBeUndefined();
    expect(await status("r2")).toBeUndefined();
  });

  it("RM1 by two at the same moment is done by one, and both are answered with it", async () => {
    const { due, ack, memory } = await setUp();
    await due("r1");
    const [one, two] = await Promise.all([ack("r1"), ack("r1")]);
    expect([one?.status, two?.status]).toEqual(["acknowledged", "acknowledged"]);
    expect(memory.records.all(HERE)).toMatchObject([{ seq: 2 }]);
  });

  it("RM1 on what changes under it is tried again, and gives up loudly rather than for ever", async () => {
    const { due, ack } = await setUp((own) => ({
      records: {
        ...own.records,
        commit: async (connection, writes: readonly Write[]) =>
          writes.some((write) => write.write === "put" && write.overHash !== undefined)
            ? new Set<string>()
            : own.records.commit(connection, writes),
      },
    }));
    await due("r1");
    await expect(ack("r1")).rejects.toThrow("kept changing");
  });
});

describe("closing", () => {
  it("RM1 an assessment taken closes what was asked for before it, open or acknowledged, of that client only", async () => {
    const { due, ack, taken, status } = await setUp();
    await due("r1", START);
    await due("r2", START + 1);
    await due("r3", START + MINUTE);
    await due("r4", START, { client_id: "c2" });
    await ack("r2");
    await taken(START + 1);
    expect([await status("r1"), await status("r2"), await status("r3"), await status("r4")]).toEqual([
      "closed",
      "closed",
      "open",
      "open",
    ]);
  });

  it("RM1 a reminder that comes after the assessment it is about is closed on arrival", async () => {
    const { due, taken, status } = await setUp();
    await taken(START);
    await due("r1", START - MINUTE);
    await due("r2", START + MINUTE);
    expect([await status("r1"), await status("r2")]).toEqual(["closed", "open"]);
  });

  it("RM1 an older assessment told of late does not reopen or forget the newer", async () => {
    const { due, taken, status } = await setUp();
    await taken(START);
    await taken(START - 10 * MINUTE);
    await due("r1", START - MINUTE);
    expect(await status("r1")).toBe("closed");
  });

  it("RM1 acknowledging late does not save a reminder from being closed", async () => {
    const { due, ack, taken, status, clock } = await setUp();
    await due("r1", START);
    clock.pass(60 * MINUTE);
    await ack("r1");
    await taken(START + MINUTE);
    expect(await status("r1")).toBe("closed");
  });

  it("RM1 all of a client's reminders are closed, however many", async () => {
    const { due, taken, memory } = await setUp();
    const count = limits.remindersAtOnce + 5;
    for (let i = 0; i < count; i++) await due(`r${i}`, START + i);
    await taken(START + count);
    const left = memory.records.all(HERE).filter(({ status }) => status !== "closed");
    expect(left.map(({ id }) => id)).toEqual([]);
  });
});
