// A rebuild that dies, waits, fails, or is no longer wanted.

import { describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { Crash } from "./memory-cursors.ts";
import { names, rebuilding } from "./rebuilding.ts";
import { HERE } from "./world.ts";

const ACK = { result: "ack" };
const goOn = (delaySeconds: number) => [{ job: { job: "rebuild", connection: HERE }, delaySeconds }];
const PAGES = 8;

describe("dying", () => {
  it.each(Array.from({ length: PAGES }, (_, i) => i + 1))(
    "RB1 at page %i repeats at most that page and leaves nothing out",
    async (at) => {
      const { order, job, deps, upstream, shown, standing, drain } = await rebuilding({ clients: 2 * PAGES });
      await order(["clients"]);
      let offers = 0;
      const offer: typeof deps.writers.offer = async (snapshots) => {
        if (++offers === at) throw new Crash();
        return deps.writers.offer(snapshots);
      };
      await expect(job(1, { writers: { ...deps.writers, offer } })).rejects.toThrow(Crash);
      expect(await standing()).toEqual({ clients: at === 1 ? "queued" : "running" });
      await drain();
      expect(upstream.lists).toHaveLength(PAGES + 1);
      expect(Object.keys(await shown())).toEqual(names(2 * PAGES));
      expect(await standing()).toEqual({ clients: "done" });
    },
  );

  it("RB1 in its checkpoint, taken or not, it goes on from the last one there is", async () => {
    for (const taken of [true, false]) {
      for (let at = 1; at < PAGES; at++) {
        const { order, job, rebuilds, upstream, shown, drain } = await rebuilding({ clients: 2 * PAGES });
        await order(["clients"]);
        let saves = 0;
        const save: typeof rebuilds.save = async (...saved) => {
          const dies = ++saves === at;
          const kept = dies && !taken ? true : await rebuilds.save(...saved);
          if (dies) throw new Crash();
          return kept;
        };
        await expect(job(1, { rebuilds: { ...rebuilds, save } })).rejects.toThrow(Crash);
        await drain();
        expect(upstream.lists).toHaveLength(PAGES + (taken ? 0 : 1));
        expect(Object.keys(await shown())).toHaveLength(2 * PAGES);
      }
    }
  });

  it("RB1 in the middle of the clients' statuses, it goes on where it was", async () => {
    const { order, job, deps, upstream, shown, drain, standing } = await rebuilding({ clients: 47 });
    await order(["clients", "assessment-status"]);
    for (let i = 0; i < 3; i++) await job();
    expect(await standing()).toMatchObject({ clients: "done", "assessment-status": "queued" });
    let looks = 0;
    const look: typeof deps.writers.look = async (asks) => {
      if (++looks === 25) throw new Crash();
      return deps.writers.look(asks);
    };
    await expect(job(1, { writers: { ...deps.writers, look } })).rejects.toThrow(Crash);
    upstream.looks.length = 0;
    await drain();
    expect(upstream.looks).toEqual(
      names(47)
        .slice(20)
        .map((id) => `assessment-status/${id}`),
    );
    expect(Object.keys(await shown("assessment-status"))).toHaveLength(47);
  });
});

describe("cancelled", () => {
  it("RB1 takes hold at the next page, and what was read stays", async () => {
    const { order, job, rebuilds, upstream, shown, standing, complete, clock } = await rebuilding({
      clients: 40,
    });
    await order(["clients"]);
    upstream.state.before = (_call, n) => {
      if (n === 3) void rebuilds.cancel(HERE, clock.now());
      return undefined;
    };
    expect(await job()).toEqual(ACK);
    expect([upstream.lists.length, await standing(), await complete()]).toEqual([
      3,
      { clients: "cancelled" },
      [],
    ]);
    expect(Object.keys(await shown())).toEqual(names(6));
    await job();
    expect(upstream.lists).toHaveLength(3);
  });

  it("RB1 ordered again afterwards it starts from the beginning", async () => {
    const { order, job, rebuilds, drain, shown, standing, clock } = await rebuilding({ clients: 40 });
    await order(["clients"]);
    await job();
    await rebuilds.cancel(HERE, clock.now());
    await order(["clients"]);
    expect(await rebuilds.list(HERE)).toMatchObject([{ status: "queued", run: { pages: 0 } }]);
    await drain();
    expect([Object.keys(await shown()).length, await standing()]).toEqual([40, { clients: "done" }]);
  });
});

describe("waiting and failing", () => {
  it.each([
    [1_000, limits.sweepPauseSeconds],
    [600_500, 601],
  ])(
    "RB1 held back for %i ms it waits in the queue and fails never, however often",
    async (waitMs, seconds) => {
      const { order, job, sent, upstream, standing, drain, shown } = await rebuilding({ clients: 9 });
      await order(["clients"]);
      upstream.state.before = (_call, n) =>
        n === 3 ? { ok: false, failure: { kind: "held", by: "budget", waitMs } } : undefined;
      sent.length = 0;
      expect(await job(limits.attemptsBeforePark)).toEqual(ACK);
      expect([sent, await standing()]).toEqual([goOn(seconds), { clients: "running" }]);
      await drain();
      expect(upstream.lists).toHaveLength(6);
      expect(Object.keys(await shown())).toHaveLength(9);
    },
  );

  it("RB1 an outage is retried by its message, from the last page", async () => {
    const { order, job, upstream, standing } = await rebuilding({ clients: 9 });
    await order(["clients"]);
    upstream.state.before = (_call, n) =>
      n === 3 ? { ok: false, failure: { kind: "server_error", status: 503 } } : undefined;
    expect(await job(1)).toEqual({ result: "retry", delaySeconds: 1 });
    expect(await standing()).toEqual({ clients: "running" });
    expect(await job(2)).toEqual(ACK);
    expect(await standing()).toEqual({ clients: "done" });
    expect(upstream.lists).toHaveLength(6);
  });

  it("RB1 what cannot be read fails with its reason, and is not complete", async () => {
    const { order, job, upstream, rebuilds, complete } = await rebuilding({ staff: 3 });
    upstream.failures.set("staff", { kind: "forbidden" });
    await order(["staff"]);
    expect(await job()).toEqual(ACK);
    expect(await rebuilds.list(HERE)).toMatchObject([
      { status: "failed", reason: "upstream answered 403: the API key may not read this" },
    ]);
    expect(await complete()).toEqual([]);
  });

  it("RB1 a kind that may not be read does not hold up the kinds after it", async () => {
    const { order, drain, upstream, standing } = await rebuilding({ staff: 3, clients: 3 });
    upstream.failures.set("staff", { kind: "forbidden" });
    await order(["staff", "clients"]);
    await drain();
    expect(await standing()).toEqual({ staff: "failed", clients: "done" });
  });

  it("RB1 something strange fails that kind, and the others go on", async () => {
    const { order, drain, upstream, rebuilds } = await rebuilding({ staff: 6, clients: 3 });
    upstream.state.tamper = (page, n) => (n === 2 ? { ...page, nextUrl: "2" } : page);
    await order(["staff", "clients"]);
    await drain();
    expect(await rebuilds.list(HERE)).toMatchObject([
      { kind: "staff", status: "failed", reason: "next_url leads back to a page already seen" },
      { kind: "clients", status: "done" },
    ]);
  });

  it("SW8 a rebuild that is led in a circle longer than one job ends, too", async () => {
    const { order, drain, upstream, standing } = await rebuilding({ staff: 50 });
    // The last page leads back to the first.
    upstream.state.tamper = (page) => (page.nextUrl === undefined ? { ...page, nextUrl: "0" } : page);
    await order(["staff"]);
    await drain(300);
    expect(await standing()).toEqual({ staff: "failed" });
  });

  it("RB1 one client whose status may not be read does not fail all the others", async () => {
    const { order, drain, upstream, standing, shown } = await rebuilding({ clients: 15 });
    upstream.failures.set("assessment-status/r004", { kind: "forbidden" });
    await order(["clients", "assessment-status"]);
    await drain();
    expect(await standing()).toEqual({ clients: "done", "assessment-status": "done" });
    expect(Object.keys(await shown("assessment-status"))).toHaveLength(14);
  });
});
