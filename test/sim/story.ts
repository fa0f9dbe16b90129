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

/** A mirror that holds everything, at peace. @param whole false: it holds only what it will meet */
export async function begun(shape: Partial<Shape> & Pick<Shape, "seed">, whole = true): Promise<Story> {
  const faults = shape.faults ?? CALM;
  const sim = createSimulation({ ...SMALL, ...shape, faults: { ...CALM, skewMs: faults.skewMs } });
  const witness = watch(sim);
  await sim.run(10_000);
  sim.connectedAt = sim.clock.now();
  void sim.mirror.connect();
  await sim.run(MINUTE);
  if (whole) {
    void rebuild(sim);
    await sim.run(5 * MINUTE);
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
