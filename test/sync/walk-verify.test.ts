// The verifier: round and round over everything held, by budget. The only way to notice deletions.

import { describe, expect, it } from "vitest";
import type { Kind } from "../../src/core/ids.ts";
import { limits } from "../../src/core/limits.ts";
import { runJob } from "../../src/sync/jobs.ts";
import type { WalkingWriters } from "../../src/sync/ports.ts";
import { verify as verifyOnce } from "../../src/sync/walk.ts";
import { idOf } from "../core/samples.ts";
import { MINUTE, sweeping } from "./sweeping.ts";
import { HERE, START } from "./world.ts";

const name = (i: number) => `r${String(i).padStart(3, "0")}`;
const KINDS = ["organizations", "staff", "clients"] as const;

/** So many records of each kind, known to the mirror as they are upstream. */
async function holding(counts: Readonly<Record<(typeof KINDS)[number], number>>) {
  const world = await sweeping();
  for (const kind of KINDS) {
    for (let i = 0; i < counts[kind]; i++) {
      world.upstream.put(name(i), "a", START - 60 * MINUTE, kind);
      await world.mirrored(name(i), "a", START - 60 * MINUTE, kind);
    }
  }
  world.clock.pass(MINUTE);
  return {
    ...world,
    /** One run. @returns the refs looked at */
    async verify(budget: number) {
      world.upstream.looks.length = 0;
      const [result] = await world.run(["verify"], budget);
      return { result, looks: [...world.upstream.looks] };
    },
  };
}

describe("the round", () => {
  it("SW9 no more than the budget in one run, every record once in a round, then from the start", async () => {
    const { verify } = await holding({ organizations: 2, staff: 5, clients: 14 });
    const seen: string[] = [];
    for (let runs = 0; runs < 3; runs++) {
      const { looks, result } = await verify(7);
      expect([looks.length, result]).toEqual([
        7,
        expect.objectContaining({ kind: "verify", finished: true, seen: 7 }),
      ]);
      seen.push(...looks);
    }
    const order = [...new Set(seen.map((ref) => ref.split("/")[0]))];
    expect([order, new Set(seen).size, seen.length]).toEqual([[...KINDS], 21, 21]);
    const rest = await verify(7);
    const next = rest.looks.length === 0 ? await verify(7) : rest;
    expect(next.looks).toEqual(seen.slice(0, 7));
  });

  it("SW9 meets what a deleted client left behind: no walk of the living does", async () => {
    const { upstream, mirrored, verify } = await holding({ organizations: 0, staff: 0, clients: 1 });
    await mirrored("gone", "a", START, "assessment-status");
    upstream.put("gone", "a", START, "assessment-status");
    expect((await verify(25)).looks).toEqual(["clients/r000", "assessment-status/gone"]);
  });

  it("SW9 goes over from one kind to the next within a run", async () => {
    const { verify } = await holding({ organizations: 1, staff: 0, clients: 3 });
    expect((await verify(25)).looks).toEqual([
      "organizations/r000",
      "clients/r000",
      "clients/r001",
      "clients/r002",
    ]);
    expect((await verify(25)).looks).toHaveLength(4);
  });

  it("SW9 a budget of nothing verifies nothing, and nothing held is verified at once", async () => {
    const { verify } = await holding({ organizations: 0, staff: 0, clients: 3 });
    expect(await verify(0)).toMatchObject({ looks: [], result: { finished: true, seen: 0 } });
    const empty = await holding({ organizations: 0, staff: 0, clients: 0 });
    expect(await empty.verify(25)).toMatchObject({ looks: [], result: { finished: true, seen: 0 } });
  });

  it("SW9 one record that keeps answering with an error does not end the round for all the others", async () => {
    const { verify, upstream } = await holding({ organizations: 0, staff: 0, clients: 40 });
    upstream.failures.set(`clients/${name(3)}`, { kind: "server_error", status: 500 });
    const seen = new Set<string>();
    for (let runs = 0; runs < 10; runs++) for (const ref of (await verify(25)).looks) seen.add(ref);
    expect(seen.size).toBe(40);
  });

  it("SW9 a run without budget left goes on next time behind what it was let look at, however little", async () => {
    const { verify, upstream, cursors } = await holding({ organizations: 0, staff: 0, clients: 40 });
    upstream.failures.set(`clients/${name(3)}`, { kind: "held", by: "budget", waitMs: 60_000 });
    const first = await verify(25);
    expect(first.result).toMatchObject({ finished: false, failure: { kind: "held" } });
    upstream.failures.clear();
    expect((await verify(25)).looks[0]).toBe("clients/r003");
    // The figures are of the slice, not of its last part.
    expect(cursors.of("verify").last).toMatchObject({ seen: 25 });
  });
});

describe("what it finds", () => {
  const lookJob = (world: Awaited<ReturnType<typeof holding>>, kind: Kind, id: string) => {
    const { deps, clock, connection } = world;
    const used = { ...deps, now: clock.now, random: () => 0 };
    const body = { job: "look", connection: HERE, ref: { kind, id: idOf(id) } } as const;
    // A look needs no more than this.
    return runJob(used as never, connection, { body, attempts: 1 });
  };

  it("SW9 a deletion: a doubt at first, a job at least 60 s later, then a tombstone counted as deleted", async () => {
    const world = await holding({ organizations: 1, staff: 2, clients: 3 });
    const { verify, upstream, clock, sent, drift, memory } = world;
    upstream.held.delete("staff/r001");
    expect((await verify(25)).result).toMatchObject({ seen: 6, drifted: 0 });
    const ref = { kind: "staff", id: idOf("r001") } as const;
    expect(sent).toEqual([{ job: { job: "look", connection: HERE, ref }, delaySeconds: 61 }]);
    expect((await memory.records.one(HERE, ref))?.deletedAt).toBeUndefined();

    clock.pass(59_000);
    expect(await lookJob(world, "staff", "r001")).toEqual({ result: "retry", delaySeconds: 1 });
    expect((await memory.records.one(HERE, ref))?.deletedAt).toBeUndefined();
    clock.pass(1_000);
    expect(await lookJob(world, "staff", "r001")).toEqual({ result: "ack" });
    expect((await memory.records.one(HERE, ref))?.deletedAt).toBe(clock.now());
    expect(await drift("staff")).toMatchObject({ deleted: 1, missed: 0 });
    expect((await verify(25)).looks).not.toContain("staff/r001");
  });

  it("SW9 a deletion confirmed by the next round is counted as deleted, once", async () => {
    const { verify, upstream, clock, drift } = await holding({ organizations: 0, staff: 2, clients: 0 });
    upstream.held.delete("staff/r000");
    await verify(25);
    clock.pass(limits.confirmAfterMs);
    expect((await verify(25)).result).toMatchObject({ drifted: 1 });
    expect(await drift("staff")).toMatchObject({ deleted: 1, missed: 0 });
    await verify(25);
    expect(await drift("staff")).toMatchObject({ deleted: 1 });
  });

  it("SW9 a record that is there again at the second look was never deleted", async () => {
    const world = await holding({ organizations: 0, staff: 2, clients: 0 });
    const { verify, upstream, clock, drift } = world;
    upstream.held.delete("staff/r000");
    await verify(25);
    clock.pass(61_000);
    upstream.put("r000", "a", START - 60 * MINUTE, "staff");
    expect(await lookJob(world, "staff", "r000")).toEqual({ result: "ack" });
    expect(await drift("staff")).toMatchObject({ deleted: 0, missed: 0 });
  });

  it("SW9 a record that changed unheard is brought and counted, and the rest of the run goes on", async () => {
    const { verify, upstream, drift, shown } = await holding({ organizations: 0, staff: 0, clients: 12 });
    upstream.put(name(2), "changed", START - 30 * MINUTE);
    expect((await verify(25)).result).toMatchObject({ seen: 12, drifted: 1 });
    expect((await shown())[name(2)]).toBe("changed");
    expect(await drift()).toMatchObject({ missed: 1, deleted: 0 });
  });

  it("SW10 a change whose webhook is still due is late, also where the verifier comes across it", async () => {
    const { verify, upstream, drift, clock } = await holding({ organizations: 0, staff: 0, clients: 3 });
    upstream.put(name(2), "just now", clock.now() - 5_000);
    await verify(25);
    expect(await drift()).toMatchObject({ missed: 0, late: 1 });
  });

  it("SW9 nothing differs: nothing is written and nothing counted, and all calls are the verifier's class", async () => {
    const world = await holding({ organizations: 1, staff: 3, clients: 3 });
    const { memory, drift, deps, connection } = world;
    const before = memory.records.all(HERE);
    const classes = new Set<string>();
    const writers: WalkingWriters = {
      ...deps.writers,
      walk: (asks, permits) => {
        for (const ask of asks) classes.add(ask.class);
        return deps.writers.walk(asks, permits);
      },
    };

    await verifyOnce({ ...deps, writers }, connection, 25);
    expect(memory.records.all(HERE)).toEqual(before);
    expect(await drift()).toMatchObject({ missed: 0, late: 0, rewritten: 0, deleted: 0 });
    expect([...classes]).toEqual(["verify"]);
  });
});
