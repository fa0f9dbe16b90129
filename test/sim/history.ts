// One seed, one history: a small network, everything that goes wrong drawn from the seed, then peace, then judgement.

import { createChance } from "./chance.ts";
import { CALM, drawFaults, type Profile } from "./faults.ts";
import { callsMade, differences, lostEvents, lostReminders } from "./judge.ts";
import { HOUR, MINUTE, type Simulation } from "./simulation.ts";
import { begun } from "./story.ts";
import { watch } from "./witness.ts";

export interface Told {
  readonly seed: number;
  /** Of everything that happened: the same seed has the same. */
  readonly hash: string;
  readonly violations: readonly string[];
  /** How often rare things happened; a thing that never does proves nothing. */
  readonly counters: Readonly<Record<string, number>>;
  readonly steps: number;
}

export async function tellHistory(seed: number, profile: Profile): Promise<Told> {
  const chance = createChance(seed).fork("history");
  const faults = drawFaults(chance, profile);
  const { sim, rebuiltAt } = await begun({
    seed,
    profile,
    faults,
    paging: chance.pick(["time", "id", "offset"]),
    grainMs: chance.pick([1, 1_000]),
    pageSize: chance.pick([2, 3, 5]),
    organizations: 1,
    staff: 2,
    clients: chance.between(3, 6),
  });
  const witness = watch(sim);
  const troubled = chance.between(20, 50) * MINUTE;
  const until = sim.clock.now() + troubled;
  for (let i = chance.between(6, 20); i > 0; i--) {
    // Bursts of changes are where orders get mixed.
    const at = sim.clock.now() + chance.between(0, troubled);
    sim.clock.at(at, () => sim.change());
    if (chance.happens(0.3)) sim.clock.at(at + chance.between(0, 3_000), () => sim.change());
  }
  for (let i = chance.between(0, 2); i > 0; i--)
    sim.clock.at(sim.clock.now() + chance.between(0, troubled), sim.remind);
  const deletions = profile !== "hooks-only" && chance.happens(0.3);
  if (deletions) sim.clock.at(sim.clock.now() + chance.between(0, troubled), () => sim.vanish("clients"));
  if (profile !== "hooks-only") strike(sim, chance.fork("strike"), troubled);

  await sim.clock.runUntil(until);
  if (!sim.mirror.up) sim.mirror.back();
  sim.setFaults({ ...CALM, drop: profile === "sweep-only" ? 1 : 0 });
  await sim.run(profile === "hooks-only" ? 30 * HOUR : HOUR + 2 * MINUTE);

  const calls = callsMade(sim, rebuiltAt);
  const violations = [
    ...witness.violations,
    ...differences(sim, { whole: true }),
    ...(await lostEvents(sim)).map((id) => `${id} was answered 2xx and is lost`),
    ...(await lostReminders(sim)).map((id) => `nobody will be reminded by ${id}`),
    ...(calls.withinBudget ? [] : [`${calls.most} calls in one minute`]),
    ...calls.fullTables.map((path) => `${path} was asked for whole`),
  ];
  return {
    seed,
    hash: witness.hash(),
    violations,
    counters: count(sim, witness.counters),
    steps: sim.clock.steps,
  };
}

/** At most one of the great troubles, somewhere in the first half. */
function strike(sim: Simulation, chance: ReturnType<typeof createChance>, withinMs: number): void {
  const from = sim.clock.now() + chance.between(0, withinMs / 2);
  const forMs = chance.between(MINUTE, withinMs / 3);
  switch (chance.pick(["nothing", "nothing", "worker", "api", "rate", "webhook", "key"] as const)) {
    case "worker":
      sim.clock.at(from, () => sim.mirror.down());
      sim.clock.at(from + forMs, () => sim.mirror.back());
      break;
    case "api":
      sim.api.spells.push({ from, until: from + forMs, how: "down" });
      break;
    case "rate":
      sim.api.spells.push({ from, until: from + forMs, how: "rate_limited" });
      break;
    case "webhook":
      sim.clock.at(from, () => sim.webhooks.break(chance.pick(["disable", "remove"])));
      break;
    case "key":
      sim.clock.at(from, () => sim.api.keys.delete("key-1"));
      sim.clock.at(from + forMs, () => sim.api.keys.add("key-2"));
      // The operator repeats it until it is answered.
      for (let i = 1; i <= 5; i++)
        sim.clock.at(from + forMs + i * 1_000, () => void sim.mirror.resume("key-2"));
      break;
    case "nothing":
  }
}

function count(sim: Simulation, witnessed: Readonly<Record<string, number>>): Record<string, number> {
  const refused = sim.api.requests.filter(({ status }) => status === 0).length;
  return {
    ...witnessed,
    ...sim.mirror.counters,
    ...sim.webhooks.counters,
    events: sim.webhooks.events.length,
    calls: sim.api.requests.length,
    callsFailed: refused,
  };
}
