// How a simulated history begins: connected, everything read once on the operator's order, the clock's ticks running.

import { rcms } from "../../src/sources/rcms/rcms.ts";
import { orderRebuild, rebuiltKinds } from "../../src/sync/rebuild.ts";
import { CALM } from "./faults.ts";
import { HERE } from "./mirror.ts";
import { createSimulation, MINUTE, type Shape, type Simulation, SMALL } from "./simulation.ts";

export interface Story {
  readonly sim: Simulation;
  /** From when on no list may be asked for whole, our clock, ms. */
  readonly rebuiltAt: number;
}

/** A mirror that holds everything, at peace. */
export async function begun(shape: Partial<Shape> & Pick<Shape, "seed">): Promise<Story> {
  const faults = shape.faults ?? CALM;
  const sim = createSimulation({ ...SMALL, ...shape, faults: { ...CALM, skewMs: faults.skewMs } });
  await sim.run(10_000);
  sim.connectedAt = sim.clock.now();
  void sim.mirror.connect();
  await sim.run(MINUTE);
  void sim.mirror.invoke((services) => orderRebuild(services, { id: HERE }, rebuiltKinds(rcms)));
  await sim.run(5 * MINUTE);
  sim.mirror.startCron();
  sim.setFaults(faults);
  return { sim, rebuiltAt: sim.clock.now() };
}
