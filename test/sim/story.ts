// How a simulated history begins: connected, everything read once on the operator's order (or nothing), the clock's
// ticks running.

import { rcms } from "../../src/sources/rcms/rcms.ts";
import { orderRebuild, rebuiltKinds } from "../../src/sync/rebuild.ts";
import { CALM } from "./faults.ts";
import { HERE } from "./mirror.ts";
import { createSimulation, MINUTE, type Shape, type Simulation, SMALL } from "./simulation.ts";
import { type Witness, watch } from "./witness.ts";

export interface Story {
  readonly sim: Simulation;
  readonly witness: Witness;
}

const WAKING_MS = 10_000;
const CONNECTING_MS = MINUTE;
const READING_MS = 5 * MINUTE;

/** How long after the world's beginning, a tick of the clock, a history's own comes, ms. */
export const beginsAfter = (whole: boolean) => WAKING_MS + CONNECTING_MS + (whole ? READING_MS : 0);

/** A mirror that holds everything, at peace. @param whole false: it holds only what it will meet */
export async function begun(shape: Partial<Shape> & Pick<Shape, "seed">, whole = true): Promise<Story> {
  const faults = shape.faults ?? CALM;
  const sim = createSimulation({ ...SMALL, ...shape, faults: { ...CALM, skewMs: faults.skewMs } });
  const witness = watch(sim);
  await sim.run(WAKING_MS);
  sim.connectedAt = sim.clock.now();
  void sim.mirror.connect();
  await sim.run(CONNECTING_MS);
  if (whole) {
    void rebuild(sim);
    await sim.run(READING_MS);
  }
  sim.mirror.startCron();
  sim.setFaults(faults);
  return { sim, witness };
}

/** @returns undefined when the operator got no answer */
export function rebuild({ mirror }: Simulation): Promise<true | undefined> {
  return mirror.invoke(async (services) => {
    await orderRebuild(services, { id: HERE }, rebuiltKinds(rcms));
    return true as const;
  });
}
