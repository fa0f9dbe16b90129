// A rebuild put together over a mirror in memory, its jobs run by hand.

import type { Kind } from "../../src/core/ids.ts";
import type { Settlement } from "../../src/sync/messages.ts";
import { orderRebuild, type RebuildDeps, runRebuild } from "../../src/sync/rebuild.ts";
import { rebuildMemory } from "./memory-work.ts";
import { sweeping } from "./sweeping.ts";
import { HERE, START } from "./world.ts";

export const ALL = ["organizations", "staff", "clients", "assessment-status"] as const;
export const name = (i: number) => `r${String(i).padStart(3, "0")}`;
export const names = (count: number) => Array.from({ length: count }, (_, i) => name(i));

/** An upstream with so many records of each kind, changed long ago; each client has a status. */
export async function rebuilding(counts: Partial<Record<Kind, number>>) {
  const world = await sweeping();
  const rebuilds = rebuildMemory();
  const { deps: sweepDeps, connection, upstream, gate, sent, memory } = world;
  for (const kind of ["organizations", "staff", "clients"] as const) {
    for (const id of names(counts[kind] ?? 0)) {
      upstream.put(id, "a", START - 1_000_000_000, kind);
      if (kind === "clients") upstream.put(id, "scored", undefined, "assessment-status");
    }
  }
  const { listChanged } = upstream;
  const deps: RebuildDeps = {
    ...{ ...sweepDeps, gate, listChanged, rebuilds },
    ...{ random: () => 0, records: memory.records },
  };
  return {
    ...world,
    rebuilds,
    deps,
    order: (kinds: readonly Kind[] = ALL) => orderRebuild(deps, connection, kinds),
    job: (attempts = 1, more: Partial<RebuildDeps> = {}) =>
      runRebuild({ ...deps, ...more }, connection, attempts),
    /** Runs the queued jobs until none is left. @returns what was said of each */
    async drain(most = 200): Promise<readonly Settlement[]> {
      const said: Settlement[] = [];
      while (sent.length > 0 && said.length < most) {
        sent.shift();
        said.push(await runRebuild(deps, connection, 1));
      }
      return said;
    },
    /** kind → status. */
    async standing() {
      return Object.fromEntries((await rebuilds.list(HERE)).map(({ kind, status }) => [kind, status]));
    },
    async complete() {
      const marked = await Promise.all(ALL.map((kind) => memory.kinds.isComplete(HERE, kind)));
      return ALL.filter((_, i) => marked[i]);
    },
  };
}
