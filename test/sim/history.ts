// One seed, one history: a small network, everything that goes wrong drawn from the seed, then peace, then judgement.

import { type Apps, createApps } from "./apps.ts";
import { createChance } from "./chance.ts";
import { schedule } from "./deeds.ts";
import { CALM, type Faults, type Profile } from "./faults.ts";
import { judge } from "./judge.ts";
import { drawPlan, type Plan } from "./plan.ts";
import { HOUR, MINUTE, type Simulation } from "./simulation.ts";
import { begun } from "./story.ts";
import type { Witness } from "./witness.ts";

export interface Told {
  readonly seed: number;
  /** Of everything that happened: the same seed has the same. */
  readonly hash: string;
  /** Each begins with the name of what was broken. */
  readonly violations: readonly string[];
  /** How often rare things happened; a thing that never does proves nothing. */
  readonly counters: Readonly<Record<string, number>>;
  /** As drawn. */
  readonly faults: Faults;
  readonly steps: number;
}

export function tellHistory(seed: number, profile: Profile): Promise<Told> {
  return tellPlan(drawPlan(seed, profile));
}

export async function tellPlan(plan: Plan): Promise<Told> {
  const { seed, profile, shape, faults, deeds, troubledMs, peaceMs } = plan;
  const { sim, witness } = await begun({ seed, profile, ...shape, faults }, plan.whole);
  const apps = createApps(sim, witness);
  const { clock } = sim;
  const beganAt = clock.now();
  const peaceAt = beganAt + troubledMs;
  for (const deed of deeds) schedule(sim, apps, deed);
  const pauses = createChance(seed).fork("followers");
  apps.follow(beganAt + Math.min(troubledMs, HOUR), () => pauses.between(20_000, 180_000));
  await clock.runUntil(peaceAt);
  if (!sim.mirror.up) sim.mirror.back();
  sim.setFaults({ ...CALM, drop: profile === "sweep-only" ? 1 : 0 });
  apps.follow(peaceAt + Math.min(peaceMs, HOUR), () => pauses.between(4 * MINUTE, 12 * MINUTE));
  await sim.run(peaceMs);
  await drain(sim, apps);
  const violations = await judge({ sim, witness, apps, plan, peaceAt });
  return {
    seed,
    hash: witness.hash(),
    violations,
    counters: count(sim, witness, apps, plan),
    faults,
    steps: clock.steps,
  };
}

/** The followers' last word: nothing goes wrong any more. */
async function drain(sim: Simulation, apps: Apps): Promise<void> {
  await sim.run(MINUTE);
  void apps.poll();
  await sim.run(MINUTE);
}

function count(
  sim: Simulation,
  { claims, counters, outcomes }: Witness,
  apps: Apps,
  { deeds, faults }: Plan,
) {
  const of = (what: string, longerThanMs = 0) =>
    deeds.filter((deed) => deed.do === what && ("forMs" in deed ? deed.forMs : 1) > longerThanMs).length;
  return {
    ...counters,
    ...claims.counters,
    ...sim.counters,
    ...sim.mirror.counters,
    ...sim.api.counters,
    ...sim.webhooks.counters,
    ...apps.counters,
    unusable: (outcomes.unusable ?? 0) + (outcomes.unknown_type ?? 0),
    outages: of("outage"),
    outagesOverAnHour: of("outage", HOUR),
    outagesOverADay: of("outage", 20 * HOUR - 1),
    keysRevoked: of("revoke"),
    rebuilds: of("rebuild"),
    skewed: Number(faults.skewMs !== 0),
  };
}
