// Sweeps, rebuilds, backfills and the guard as jobs: one message in, one settlement out.

import { describe, expect, it } from "vitest";
import type { Failure } from "../../src/core/failure.ts";
import { limits } from "../../src/core/limits.ts";
import { type JobDeps, runJob } from "../../src/sync/jobs.ts";
import type { JobMessage, Settlement } from "../../src/sync/messages.ts";
import type { CursorName } from "../../src/sync/ports.ts";
import { MINUTE, sweeping } from "./sweeping.ts";
import { HERE, START } from "./world.ts";

const ACK = { result: "ack" };
const SWEEP: JobMessage = {
  job: "sweep",
  connection: HERE,
  kinds: ["organizations", "staff", "clients", "verify"],
};

async function jobs() {
  const world = await sweeping();
  const { deps, clock, memory, connection, gate, run, sent, lines } = world;
  const calls: string[] = [];
  let guardFails = false;
  const answer = (what: string) => async (): Promise<Settlement> => {
    calls.push(what);
    return { result: "retry", delaySeconds: 7 };
  };
  const used: Partial<JobDeps> = {
    ...deps,
    queues: { ...deps.queues, sendEvents: async () => {} },
    now: clock.now,
    random: () => 0,
    connections: memory.connections,
    sweep: (_connection, names) => run(names),
    backfill: async (_connection, id, attempts) => answer(`backfill ${id} ${attempts}`)(),
    rebuild: async (_connection, attempts) => answer(`rebuild ${attempts}`)(),
    guard: async () => {
      calls.push("guard");
      return guardFails ? { kind: "held", by: "budget", waitMs: 5_000 } : undefined;
    },
    resumeGate: () => gate.resume(),
  };
  const runOne = async (body: JobMessage, attempts = 1) => {
    const now = await memory.connections.get(HERE);
    // The parts of a job's world that sweeps never touch are left out.
    return runJob(used as JobDeps, now ?? connection, { body, attempts });
  };
  /** Runs whatever was sent, in order, until nothing more is. @returns how many jobs ran */
  const drain = async (most = 50) => {
    let ran = 0;
    for (let next = sent.shift(); next !== undefined && ran < most; next = sent.shift()) {
      ran++;
      await runOne(next.job);
    }
    return ran;
  };
  const failGuard = () => {
    guardFails = true;
  };
  return { ...world, calls, used, runOne, drain, lines, failGuard };
}

describe("a sweep", () => {
  it("SW3 that reached its bound sends itself for the unfinished kinds, and ends in the end", async () => {
    const { runOne, drain, upstream, clock, sent, cursors, shown, deps } = await jobs();
    await runOne(SWEEP);
    clock.pass(14 * MINUTE);
    for (let i = 0; i < 21; i++) upstream.put(`c${i}`);
    clock.pass(MINUTE);
    Object.assign(deps, { pagesPerRun: 3 });
    expect(await runOne(SWEEP)).toEqual(ACK);
    expect(sent).toEqual([{ job: { ...SWEEP, kinds: ["clients"], failures: 0 }, delaySeconds: 0 }]);
    expect(await drain()).toBe(3);
    expect(cursors.of()).toMatchObject({ watermark: START + 15 * MINUTE, last: { pages: 11, seen: 21 } });
    expect(Object.keys(await shown())).toHaveLength(21);
  });

  it("SW3 held back by the gate goes on later, from where it was", async () => {
    const { runOne, upstream, clock, sent, cursors } = await jobs();
    await runOne(SWEEP);
    clock.pass(14 * MINUTE);
    for (let i = 0; i < 9; i++) upstream.put(`c${i}`);
    clock.pass(MINUTE);
    const held: Failure = { kind: "held", by: "budget", waitMs: 30_000 };
    upstream.state.before = ({ pageUrl }) => (pageUrl === "4" ? { ok: false, failure: held } : undefined);
    expect(await runOne({ ...SWEEP, kinds: ["clients"] })).toEqual(ACK);
    expect(sent).toEqual([
      { job: { ...SWEEP, kinds: ["clients"], failures: 0 }, delaySeconds: limits.sweepPauseSeconds },
    ]);
    upstream.state.before = () => undefined;
    upstream.lists.length = 0;
    await runOne({ ...SWEEP, kinds: ["clients"] });
    expect(upstream.lists.map(({ pageUrl }) => pageUrl)).toEqual(["4", "6", "8"]);
    expect(cursors.of().run).toBeUndefined();
  });

  it("SW3 failing comes back alone and later each time, then is let go", async () => {
    const { runOne, upstream, sent } = await jobs();
    upstream.failures.set("clients", { kind: "unreachable", why: "timeout" });
    const delays: number[] = [];
    let job: JobMessage | undefined = SWEEP;
    while (job !== undefined) {
      expect(await runOne(job)).toEqual(ACK);
      const next = sent.shift();
      job = next?.job;
      if (next === undefined) break;
      expect(next.job).toMatchObject({ kinds: ["clients"] });
      delays.push(next.delaySeconds);
    }
    expect(delays).toEqual([1, 2, 4, 8]);
    expect(upstream.lists.filter(({ kind }) => kind === "staff")).toHaveLength(1);
  });
});

describe("a paused connection", () => {
  async function paused() {
    const world = await jobs();
    await world.memory.connections.pause(HERE, "RCMS no longer accepts the API key (401).");
    const { upstream, memory } = world;
    let calls = 0;
    let keyIsGood = false;
    let gateOpen = false;
    Object.assign(world.used, {
      resumeGate: async () => {
        gateOpen = true;
      },
    });
    // As the gate does it: after a rejected key nothing more goes out until it is resumed.
    upstream.state.before = () => {
      if (!gateOpen) return { ok: false, failure: { kind: "paused" } };
      calls++;
      if (keyIsGood) return undefined;
      gateOpen = false;
      void memory.connections.pause(HERE, "RCMS no longer accepts the API key (401).");
      return { ok: false, failure: { kind: "key_rejected" } };
    };
    return {
      ...world,
      calls: () => calls,
      giveBack: () => {
        keyIsGood = true;
      },
    };
  }

  it("SW3 is probed by one call of its sweep, and stays paused while the key is not good", async () => {
    const { runOne, calls, status, sent, clock } = await paused();
    for (let ticks = 1; ticks <= 3; ticks++) {
      expect(await runOne(SWEEP)).toEqual(ACK);
      expect([calls(), (await status()).status, sent]).toEqual([ticks, "paused", []]);
      clock.pass(15 * MINUTE);
    }
  });

  it("SW3 whose key is good again resumes by itself and replays what was parked", async () => {
    const { runOne, giveBack, status, sent, clock, lines, cursors } = await paused();
    await runOne(SWEEP);
    giveBack();
    clock.pass(15 * MINUTE);
    expect(await runOne(SWEEP)).toEqual(ACK);
    expect(await status()).toEqual({ status: "active", statusReason: undefined });
    expect(sent).toEqual([
      { job: { job: "replay", connection: HERE, parkedBefore: clock.now() + 1 }, delaySeconds: 0 },
    ]);
    expect(lines).toEqual([`info connection_resumed {"connection":"here"}`]);
    expect(cursors.of().watermark).toBe(clock.now());
  });

  it("SW3 is not taken for resumed by a sweep that asked nothing", async () => {
    const { runOne, status, sent } = await paused();
    await runOne({ ...SWEEP, kinds: ["verify"] });
    expect([(await status()).status, sent]).toEqual(["paused", []]);
  });

  it("SW3 a connection that is not paused leaves its gate alone", async () => {
    const { runOne, gate } = await jobs();
    await runOne(SWEEP);
    expect(gate.told).toEqual([]);
  });
});

describe("other work", () => {
  it("RB1 rebuilds and backfills get their attempts and give their own settlement; the guard is done once asked", async () => {
    const { runOne, calls } = await jobs();
    const retry = { result: "retry", delaySeconds: 7 };
    expect(await runOne({ job: "rebuild", connection: HERE }, 3)).toEqual(retry);
    expect(await runOne({ job: "backfill", connection: HERE, backfill: "b1" }, 4)).toEqual(retry);
    expect(await runOne({ job: "guard", connection: HERE })).toEqual(ACK);
    expect(calls).toEqual(["rebuild 3", "backfill b1 4", "guard"]);
  });
});

describe("the guard", () => {
  it("SUB2 left without budget comes back a few times, then with the next tick", async () => {
    const { runOne, failGuard } = await jobs();
    failGuard();
    const said: Settlement[] = [];
    for (let attempts = 1; attempts <= limits.sweepAttempts; attempts++)
      said.push(await runOne({ job: "guard", connection: HERE }, attempts));
    expect(said.map(({ result }) => result)).toEqual(["retry", "retry", "retry", "retry", "ack"]);
    expect(said[0]).toEqual({ result: "retry", delaySeconds: 5 });
  });
});

describe("names", () => {
  it("SW5 a sweep may ask for any kind that is swept, and for the verifier", async () => {
    const kinds: readonly CursorName[] = ["assessment-status", "verify"];
    const { runOne, cursors } = await jobs();
    expect(await runOne({ job: "sweep", connection: HERE, kinds })).toEqual(ACK);
    expect(kinds.map((kind) => cursors.of(kind).last)).toEqual(
      Array(2).fill(expect.objectContaining({ at: START })),
    );
  });
});
