// One core's share of a simulation run: seeds in, histories out.

import { parentPort } from "node:worker_threads";
import type { Profile } from "./faults.ts";
import { type Told, tellHistory } from "./history.ts";

parentPort?.on("message", async ({ from, to, profile }: { from: number; to: number; profile: Profile }) => {
  const told: Told[] = [];
  for (let seed = from; seed < to; seed++) told.push(await tellHistory(seed, profile));
  parentPort?.postMessage(told);
});
