// How old what the mirror holds gets, from the change upstream until an app can read it, over many changes of one
// long history. RCMS's own time to send an event, up to 30 s, is in it.

import { describe, expect, it } from "vitest";
import { CALM } from "./faults.ts";
import { type NetworkKind, truth } from "./network.ts";
import { HOUR, MINUTE } from "./simulation.ts";
import { begun, type Story } from "./story.ts";

/** Kinds whose events are sent within 30 s, each record now and then. */
const NETWORK = { organizations: 6, staff: 24, clients: 60, pageSize: 50, verifyBudget: 25 };
const CHANGED: readonly NetworkKind[] = ["clients", "clients", "clients", "staff", "organizations"];
/** What an installation has unless told otherwise. */
const BUDGET = { perMinute: 120, burst: 30 };
const INTERVAL = 15 * MINUTE;

/** ms from each change until it was held, with changes at random moments for so long. */
async function latencies({ sim, witness }: Story, forMs: number, perMinute: number): Promise<number[]> {
  const from = sim.clock.now();
  const until = from + forMs;
  const live = () => {
    const at = sim.clock.now() + Math.ceil((-Math.log(1 - sim.chance.next()) / perMinute) * MINUTE);
    if (at >= until) return;
    sim.clock.at(at, () => {
      sim.change(sim.chance.pick(CHANGED));
      live();
    });
  };
  live();
  await sim.clock.runUntil(until + 2 * INTERVAL + 2 * MINUTE);
  expect(witness.violations).toEqual([]);
  return [...sim.network.records].flatMap(([key, record]) => {
    expect(truth(record).body).toBeDefined();
    const held = witness.held.get(key) ?? [];
    const changes = record.versions.filter(({ at }) => at >= from);
    return changes.map(({ at, number }) => (held.find((one) => one.number >= number)?.at ?? Infinity) - at);
  });
}

const shareWithin = (all: readonly number[], ms: number) =>
  all.filter((one) => one <= ms).length / all.length;

describe("with a sweep every 15 minutes", () => {
  it("SW2 one webhook in a thousand lost: 99.9 % of the changes are held within a minute, all within an interval", {
    timeout: 60_000,
  }, async () => {
    const story = await begun({ seed: 4, ...NETWORK, budget: BUDGET, faults: { ...CALM, drop: 0.001 } });
    const all = await latencies(story, 30 * HOUR, 4);
    expect(story.sim.webhooks.counters.dropped).toBeGreaterThan(3);
    expect(all.length).toBeGreaterThan(7_000);
    expect(shareWithin(all, MINUTE)).toBeGreaterThanOrEqual(0.999);
    expect(Math.max(...all)).toBeLessThanOrEqual(INTERVAL + 2 * MINUTE);
  });

  it("SW2 every webhook lost: nothing is older than two intervals and two minutes", {
    timeout: 60_000,
  }, async () => {
    const faults = { ...CALM, drop: 1 };
    const story = await begun({ seed: 2, profile: "sweep-only", ...NETWORK, budget: BUDGET, faults });
    const all = await latencies(story, 12 * HOUR, 1);
    expect(all.length).toBeGreaterThan(600);
    expect(Math.max(...all)).toBeLessThanOrEqual(2 * INTERVAL + 2 * MINUTE);
  });
});
