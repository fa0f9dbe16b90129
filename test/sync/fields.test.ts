// Changing the field list over a mirror in memory: bounded slices, resumable, and nothing in flight undoes them.

import { describe, expect, it } from "vitest";
import { contentOf, fieldChange } from "../../src/core/minimise.ts";
import { rcms } from "../../src/sources/rcms/rcms.ts";
import { changeFields, runMinimise } from "../../src/sync/fields.ts";
import { acknowledgeReminder, keepReminder } from "../../src/sync/reminders.ts";
import type { Connection } from "../../src/sync/stores.ts";
import { idOf, refOf, snapshotOf } from "../core/samples.ts";
import { digest } from "./consumer.ts";
import { minimisationMemory, rebuildMemory } from "./memory-work.ts";
import { jobRecorder } from "./sweeping.ts";
import { connectedMemory, HERE, handClock, otherEvent, START } from "./world.ts";

const name = (n: number) => `c${String(n).padStart(4, "0")}`;

async function setUp(records = 3) {
  const { memory } = await connectedMemory();
  const clock = handClock();
  const { sent, queues } = jobRecorder();
  const minimisations = minimisationMemory(memory.connections.setFields);
  const rebuilds = rebuildMemory();
  const common = { now: clock.now, minimisations, queues, digest };
  await memory.records.commit(
    HERE,
    Array.from({ length: records }, (_, n) => {
      const content = { id: name(n), status: "active", note: "secret" };
      const { body, hash, status } = contentOf(content, START, digest);
      const snapshot = snapshotOf({ id: name(n), updatedAt: START, hash, fetchedAt: START });
      return { write: "put" as const, snapshot: { ...snapshot, body, ...(status ? { status } : {}) } };
    }),
  );
  const connection = async () => (await memory.connections.get(HERE)) as Connection;
  const deps = { ...common, records: memory.records, rebuilds, source: rcms };
  return {
    memory,
    clock,
    sent,
    minimisations,
    rebuilds,
    deps,
    connection,
    change: (fields: Connection["fields"]) =>
      changeFields({ ...common, connections: memory.connections, source: () => rcms }, HERE, fields),
    job: async (more: Partial<typeof deps> = {}, of?: Connection) =>
      runMinimise({ ...deps, ...more }, of ?? (await connection())),
    bodies: () => memory.records.all(HERE).map(({ body }) => body),
  };
}

describe("lists", () => {
  it("PR3 a list is narrowed, widened or the same, whatever its order, and id is always in it", () => {
    expect(fieldChange(undefined, ["a"])).toEqual({ narrowed: true, widened: false });
    expect(fieldChange(["a"], undefined)).toEqual({ narrowed: false, widened: true });
    expect(fieldChange(["a", "b"], ["b", "c"])).toEqual({ narrowed: true, widened: true });
    expect(fieldChange(["a", "b"], ["b", "id", "a"])).toEqual({ narrowed: false, widened: false });
  });
});

describe("the job", () => {
  it("PR3 takes bounded slices, goes on through the queue, and ends with every row cut", async () => {
    const { change, job, sent, memory, minimisations } = await setUp(1_500);
    await change({ clients: ["status"] });
    expect(sent.splice(0)).toEqual([{ job: { job: "minimise", connection: HERE }, delaySeconds: 0 }]);
    expect(await job()).toEqual({ result: "ack" });
    const cut = () => memory.records.all(HERE).filter(({ body }) => !body.includes("secret")).length;
    expect([cut(), sent.length]).toEqual([1_000, 1]);
    await job();
    expect([cut(), await minimisations.list(HERE)]).toEqual([1_500, []]);
    const seqs = memory.records.all(HERE).map(({ seq }) => seq);
    expect([Math.min(...seqs), Math.max(...seqs)]).toEqual([1_501, 3_000]);
  });

  it("PR3 dying before its progress was saved repeats a slice and writes nothing twice", async () => {
    const { change, job, minimisations, memory, bodies } = await setUp(150);
    await change({ clients: [] });
    const dies = {
      ...minimisations,
      save: async () => {
        throw new Error("died");
      },
    };
    await expect(job({ minimisations: dies })).rejects.toThrow("died");
    const seqs = () => memory.records.all(HERE).map(({ seq }) => seq);
    const first = seqs().filter((seq) => seq > 150);
    expect(first).toHaveLength(100);
    await job();
    expect(seqs().filter((seq) => first.includes(seq))).toHaveLength(100);
    expect(bodies().join()).not.toContain("secret");
  });

  it("PR3 a row that changes between its reading and its cutting is read again, not undone", async () => {
    const { change, job, memory, connection, bodies } = await setUp(2);
    await change({ clients: ["status"] });
    const { fieldsVersion } = await connection();
    let raced = false;
    const records = {
      ...memory.records,
      async commit(...args: Parameters<typeof memory.records.commit>) {
        if (!raced) {
          raced = true;
          const content = contentOf({ id: name(0), status: "discharged" }, START + 1, digest);
          const fresh = snapshotOf({
            id: name(0),
            updatedAt: START + 1,
            hash: content.hash,
            fetchedAt: START + 1,
          });
          const snapshot = { ...fresh, body: content.body, fieldsVersion };
          expect((await memory.records.commit(HERE, [{ write: "put", snapshot }])).size).toBe(1);
        }
        return memory.records.commit(...args);
      },
    };
    expect(await job({ records })).toEqual({ result: "retry", delaySeconds: 1 });
    expect(await job({ records })).toEqual({ result: "ack" });
    expect(bodies().sort()).toEqual([
      '{"id":"c0000","status":"discharged"}',
      '{"id":"c0001","status":"active"}',
    ]);
  });

  it("PR3 a job with an older list in hand changes nothing and comes back", async () => {
    const { change, job, connection, bodies, minimisations } = await setUp(1);
    await change({ clients: ["status", "note"] });
    await job();
    const older = await connection();
    await change({ clients: ["status"] });
    expect(await job({}, older)).toEqual({ result: "retry", delaySeconds: 1 });
    expect(bodies().join()).toContain("secret");
    await job();
    expect([bodies(), await minimisations.list(HERE)]).toEqual([['{"id":"c0000","status":"active"}'], []]);
  });

  it("PR3 a list that changes between a slice's reading and its cutting refuses the cut", async () => {
    const { change, job, memory, bodies, minimisations } = await setUp(1);
    await change({ clients: ["status"] });
    const records = {
      ...memory.records,
      async slice(...args: Parameters<typeof memory.records.slice>) {
        const rows = await memory.records.slice(...args);
        await change({});
        return rows;
      },
    };
    expect(await job({ records })).toEqual({ result: "retry", delaySeconds: 1 });
    expect(bodies()[0]).toContain("secret");
    expect(await minimisations.list(HERE)).toMatchObject([{ cutFrom: "", refetch: true, version: 2 }]);
  });

  it("PR3 two operators at once: the second's change is judged against the first's", async () => {
    const { change, connection, minimisations, memory } = await setUp(1);
    const both = await Promise.all([change({ clients: ["a", "b"] }), change({ clients: ["a", "c"] })]);
    expect(both).toEqual([
      { narrowed: ["clients"], widened: [] },
      { narrowed: ["clients"], widened: ["clients"] },
    ]);
    expect(await connection()).toMatchObject({ fields: { clients: ["a", "c"] }, fieldsVersion: 2 });
    expect(await minimisations.list(HERE)).toMatchObject([{ kind: "clients", cutFrom: "", refetch: true }]);
    expect(memory.connections.setFields(HERE, {}, 1)).toBe(false);
  });
});

describe("reminders", () => {
  const due = otherEvent(
    { is: "record", ref: refOf("evt_1", "reminders"), payload: { client_id: "c1", note: "secret" } },
    { type: "assessment.due_soon" },
  ).body;

  it("PR3 one kept under an older list is refused, and its event comes back", async () => {
    const { memory, change, connection, deps } = await setUp(0);
    const older = await connection();
    await change({ reminders: ["client_id"] });
    const reminding = { ...deps, taken: memory.taken };
    await expect(keepReminder(reminding, older, due)).rejects.toThrow("field list");
    expect(memory.records.all(HERE)).toEqual([]);
    await keepReminder(reminding, await connection(), due);
    expect((await memory.records.one(HERE, refOf("evt_1", "reminders")))?.body).not.toContain("secret");
  });

  it("PR3 one acknowledged before its cut is cut all the same, and stays acknowledged", async () => {
    const { memory, change, connection, deps, job } = await setUp(0);
    const reminding = { ...deps, taken: memory.taken };
    await keepReminder(reminding, await connection(), due);
    await change({ reminders: ["client_id"] });
    expect(await acknowledgeReminder(reminding, HERE, idOf("evt_1"))).toMatchObject({
      status: "acknowledged",
    });
    await job();
    const row = await memory.records.one(HERE, refOf("evt_1", "reminders"));
    expect(row).toMatchObject({ status: "acknowledged", clientId: "c1" });
    expect(JSON.parse(row?.body ?? "")).toMatchObject({ client_id: "c1", status: "acknowledged" });
    expect(row?.body).not.toContain("secret");
  });
});
