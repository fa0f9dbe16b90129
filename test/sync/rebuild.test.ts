// A rebuild: ordered once, read page by page in the order of kinds, and complete for good.

import { describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { rcms } from "../../src/sources/rcms/rcms.ts";
import { rebuiltKinds } from "../../src/sync/rebuild.ts";
import { ALL, names, rebuilding } from "./rebuilding.ts";
import { MINUTE } from "./sweeping.ts";
import { HERE } from "./world.ts";

const JOB = { job: { job: "rebuild", connection: HERE }, delaySeconds: 0 };
const ACK = { result: "ack" };

describe("an order", () => {
  it("RB1 queues every kind that can be fetched, remembers what was there, and sends one job", async () => {
    const { order, rebuilds, sent, mirrored, upstream } = await rebuilding({ clients: 4 });
    await mirrored("r000");
    expect(rebuiltKinds(rcms)).toEqual(ALL);
    await order();
    const rows = await rebuilds.list(HERE);
    expect(rows.map(({ kind, status, recordsBefore }) => [kind, status, recordsBefore])).toEqual([
      ["organizations", "queued", 0],
      ["staff", "queued", 0],
      ["clients", "queued", 1],
      ["assessment-status", "queued", 0],
    ]);
    expect([sent, upstream.lists]).toEqual([[JOB], []]);
  });

  it("RB1 repeated while one is under way changes nothing", async () => {
    const { order, job, rebuilds, clock } = await rebuilding({ clients: 60 });
    await order(["clients"]);
    await job();
    const before = await rebuilds.list(HERE);
    expect(before[0]).toMatchObject({ status: "running", run: { pages: limits.rebuildPages } });
    clock.pass(MINUTE);
    await order(["clients"]);
    expect(await rebuilds.list(HERE)).toEqual(before);
  });

  it("RB1 of kinds that were done starts them anew, and leaves the others", async () => {
    const { order, drain, standing, upstream, clock } = await rebuilding({ staff: 3, clients: 3 });
    await order();
    await drain();
    upstream.lists.length = 0;
    clock.pass(MINUTE);
    await order(["staff"]);
    expect(await standing()).toMatchObject({ staff: "queued", clients: "done" });
    await drain();
    expect(new Set(upstream.lists.map(({ kind }) => kind))).toEqual(new Set(["staff"]));
  });
});

describe("the work", () => {
  it("RB1 everything is read, kind by kind and parents first, and asked for without a since-filter", async () => {
    const { order, drain, upstream, shown, standing, complete, drift } = await rebuilding({
      organizations: 3,
      staff: 7,
      clients: 45,
    });
    await order();
    expect(new Set((await drain()).map(({ result }) => result))).toEqual(new Set(["ack"]));
    expect([...new Set(upstream.lists.map(({ kind }) => kind))]).toEqual([
      "organizations",
      "staff",
      "clients",
    ]);
    expect(new Set(upstream.lists.map(({ since }) => since))).toEqual(new Set([undefined]));
    expect(Object.keys(await shown())).toEqual(names(45));
    expect(Object.keys(await shown("staff"))).toEqual(names(7));
    expect(await standing()).toEqual(Object.fromEntries(ALL.map((kind) => [kind, "done"])));
    expect(await complete()).toEqual(ALL);
    // What a rebuild brings was never promised by a webhook.
    expect(await drift()).toMatchObject({ missed: 0, late: 0 });
  });

  it("RB1 statuses have no list: every client is looked at once, after the clients are in", async () => {
    const { order, drain, upstream, shown, rebuilds } = await rebuilding({ clients: 123 });
    await order();
    await drain();
    expect(upstream.looks).toEqual(names(123).map((id) => `assessment-status/${id}`));
    expect(Object.keys(await shown("assessment-status"))).toHaveLength(123);
    const row = (await rebuilds.list(HERE)).at(-1);
    expect(row).toMatchObject({ kind: "assessment-status", run: { seen: 123, drifted: 123, pages: 13 } });
  });

  it("RB1 one job takes few pages and sends the next before it is let go", async () => {
    const { order, job, sent, upstream, rebuilds } = await rebuilding({ clients: 45 });
    await order(["clients"]);
    sent.length = 0;
    expect(await job()).toEqual(ACK);
    expect([upstream.lists.length, sent]).toEqual([limits.rebuildPages, [JOB]]);
    expect(await rebuilds.list(HERE)).toMatchObject([
      { status: "running", run: { pages: 10, seen: 20, drifted: 20, nextUrl: "20" } },
    ]);
  });

  it("RB1 a second job at the same time does nothing", async () => {
    const { order, job, deps, upstream } = await rebuilding({ clients: 45 });
    await order(["clients"]);
    const { promise, resolve } = Promise.withResolvers<void>();
    const slow = job(1, {
      listChanged: async (...asked) => {
        await promise;
        return deps.listChanged(...asked);
      },
    });
    expect([await job(), upstream.lists]).toEqual([ACK, []]);
    resolve();
    await slow;
    expect(upstream.lists).toHaveLength(limits.rebuildPages);
  });

  it("RB1 again over a mirror that holds everything writes nothing", async () => {
    const { order, drain, memory, rebuilds, clock, written } = await rebuilding({ staff: 5, clients: 15 });
    await order();
    await drain();
    const before = memory.records.all(HERE);
    written.length = 0;
    clock.pass(MINUTE);
    await order();
    await drain();
    expect(memory.records.all(HERE)).toEqual(before);
    expect(written.filter((one) => one.startsWith("offer"))).toEqual([]);
    expect((await rebuilds.list(HERE)).map(({ run }) => run.drifted)).toEqual([0, 0, 0, 0]);
  });

  it("RB1 records that change meanwhile are in the mirror as they are at the end", async () => {
    const { order, drain, upstream, clock, shown } = await rebuilding({ clients: 45 });
    await order(["clients"]);
    upstream.state.before = (_call, n) => {
      clock.pass(1_500);
      if (n === 15) upstream.put("r001", "changed");
      return undefined;
    };
    await drain();
    expect(await shown()).toEqual({
      ...Object.fromEntries(names(45).map((id) => [id, "a"])),
      r001: "changed",
    });
  });

  it("RB1 a job with nothing to do asks nothing", async () => {
    const { job, upstream, sent } = await rebuilding({ clients: 3 });
    expect([await job(), upstream.lists, sent]).toEqual([ACK, [], []]);
  });

  it("RD7 a kind is complete only once its last page was applied, and stays so", async () => {
    const { order, job, drain, complete, upstream } = await rebuilding({ clients: 45 });
    await order(["clients"]);
    await job();
    await job();
    expect(await complete()).toEqual([]);
    await drain();
    expect(await complete()).toEqual(["clients"]);
    upstream.failures.set("clients", { kind: "forbidden" });
    await order(["clients"]);
    await drain();
    expect(await complete()).toEqual(["clients"]);
  });
});
