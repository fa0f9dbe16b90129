// What brings the mirror back. Each story has one fault that ends, and holds the whole system to the same promise:
// within two sweep intervals of that end the mirror equals the upstream, nothing accepted was lost, no list was asked
// for whole, and no minute had more calls than the budget.

import { describe, expect, it } from "vitest";
import { unaccounted } from "./accounts.ts";
import { CALM } from "./faults.ts";
import { differences, lostReminders, overBudget } from "./judge.ts";
import { HERE } from "./mirror.ts";
import { HOUR, MINUTE, type Simulation } from "./simulation.ts";
import { begun, type Story } from "./story.ts";

const TWO_INTERVALS = 30 * MINUTE;

const SHAPES = [
  { seed: 1, paging: "time", grainMs: 1 },
  { seed: 2, paging: "id", grainMs: 1_000 },
  { seed: 3, paging: "time", grainMs: 1_000 },
] as const;

/** The fault is over; nothing changes upstream any more, so that there is one truth to be held to. */
async function recovers({ sim, witness }: Story): Promise<void> {
  await sim.run(TWO_INTERVALS);
  expect(differences(sim, { whole: true })).toEqual([]);
  expect(witness.violations).toEqual([]);
  expect(await unaccounted(sim)).toEqual([]);
  expect(await lostReminders(sim)).toEqual([]);
  expect(overBudget(sim)).toEqual([]);
}

/** Life goes on upstream for this long, changes now and then. */
async function meanwhile(sim: Simulation, ms: number, perMinute = 0.5): Promise<void> {
  sim.live(sim.clock.now() + ms, perMinute);
  for (let i = 1; i <= 5; i++) sim.clock.at(sim.clock.now() + (i * ms) / 6, sim.remind);
  await sim.run(ms);
}

const view = async (sim: Simulation) => sim.mirror.memory.connections.get(HERE);

describe.each(SHAPES)("with pages by $paging and instants to $grainMs ms", (shape) => {
  it("SW2 the worker was down for two hours", async () => {
    const story = await begun(shape);
    const { sim } = story;
    await meanwhile(sim, 20 * MINUTE);
    sim.mirror.down();
    await meanwhile(sim, 2 * HOUR);
    expect(differences(sim, { whole: true })).not.toEqual([]);
    sim.mirror.back();
    await recovers(story);
  });

  it("SUB2 the worker was down for thirty hours: RCMS has given up, and disabled the webhook", async () => {
    const story = await begun(shape);
    const { sim } = story;
    await meanwhile(sim, 20 * MINUTE);
    sim.mirror.down();
    await meanwhile(sim, 30 * HOUR, 0.1);
    expect(sim.webhooks.active()).toEqual([]);
    sim.mirror.back();
    await recovers(story);
    expect(sim.webhooks.active()).toHaveLength(1);
    expect(await view(sim)).toMatchObject({ status: "active" });
    // Fresh by webhook again: no tick in between.
    sim.change("clients");
    await sim.run(MINUTE);
    expect(differences(sim, { whole: true })).toEqual([]);
  });

  it("GT1 RCMS's API was away for two hours while its webhooks went on", async () => {
    const story = await begun(shape);
    const { sim } = story;
    const until = sim.clock.now() + 2 * HOUR;
    sim.api.spells.push({ from: sim.clock.now(), until, how: "down" });
    await meanwhile(sim, 2 * HOUR);
    await recovers(story);
    expect(await sim.mirror.memory.deadLetters.count(HERE)).toBe(0);
  });

  it("GT1 RCMS answered 429 for an hour", async () => {
    const story = await begun(shape);
    const { sim } = story;
    const from = sim.clock.now();
    sim.api.spells.push({ from, until: from + HOUR, how: "rate_limited" });
    await meanwhile(sim, HOUR);
    const refused = sim.api.requests.filter(({ at }) => at >= from).length;
    // It was left alone meanwhile, not hammered within the budget.
    expect(refused).toBeLessThan(60 * 12);
    await recovers(story);
    expect(await sim.mirror.memory.deadLetters.count(HERE)).toBe(0);
  });

  it.each(["disable", "remove"] as const)("SUB2 somebody made RCMS %s the webhook", async (how) => {
    const story = await begun(shape);
    const { sim } = story;
    await meanwhile(sim, 20 * MINUTE);
    sim.webhooks.break(how);
    await meanwhile(sim, 10 * MINUTE);
    await recovers(story);
    expect(sim.webhooks.active()).toHaveLength(1);
    expect(await view(sim)).toMatchObject({ status: "active" });
  });

  it("WR8 the API key was revoked, and replaced two hours later", async () => {
    const story = await begun(shape);
    const { sim } = story;
    await meanwhile(sim, 20 * MINUTE);
    sim.api.keys.delete("key-1");
    const from = sim.clock.now();
    await meanwhile(sim, 2 * HOUR);
    expect(await view(sim)).toMatchObject({ status: "paused" });
    // A paused connection probes with its sweeps; it does not burn retries.
    expect(sim.api.requests.filter(({ at }) => at > from + 15 * MINUTE).length).toBeLessThan(4 * 8);
    sim.api.keys.add("key-2");
    void sim.mirror.resume("key-2");
    await recovers(story);
    expect(await view(sim)).toMatchObject({ status: "active" });
    expect(await sim.mirror.memory.deadLetters.count(HERE)).toBe(0);
  });

  it("SW4 KV answers with cursors up to a minute old, and every tick comes twice", async () => {
    const story = await begun({ ...shape, faults: { ...CALM, drop: 0.5, staleKv: 1, doubleTick: 1 } });
    const { sim } = story;
    await meanwhile(sim, 3 * HOUR, 2);
    expect(sim.mirror.counters.staleReads).toBeGreaterThan(0);
    await recovers(story);
  });

  it("SW2 every webhook was lost for three hours", async () => {
    const story = await begun({ ...shape, faults: { ...CALM, drop: 1 } });
    const { sim } = story;
    await meanwhile(sim, 3 * HOUR, 2);
    await recovers(story);
  });

  it("WR5 invocations, writers and database calls died all the time for three hours", async () => {
    const faults = {
      ...CALM,
      crash: 0.4,
      database: 0.02,
      ambiguous: 0.1,
      queueRefuses: 0.2,
      redelivery: 0.1,
      lostAnswer: 0.2,
    };
    const story = await begun({ ...shape, faults });
    const { sim } = story;
    await meanwhile(sim, 3 * HOUR, 2);
    sim.setFaults(CALM);
    expect(sim.mirror.counters.invocationsDied).toBeGreaterThan(50);
    await recovers(story);
  });
});
