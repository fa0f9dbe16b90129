// The access log's way from a read to its row: off the read's path, and never silently lost. Reads of one isolate
// that come close together share one message; each read stays alive (`waitUntil`) until its own entry was sent.

import { limits } from "../core/limits.ts";
import type { Log } from "./ports.ts";
import type { AccessEntry, AccessStore } from "./privacy-stores.ts";

export interface AccessDeps {
  readonly send: (batches: readonly (readonly AccessEntry[])[]) => Promise<void>;
  readonly access: Pick<AccessStore, "add">;
  readonly sleep: (ms: number) => Promise<void>;
  /** How long entries wait for others. 0: each is sent at once. */
  readonly windowMs: number;
  readonly log: Log;
}

/** Plain data, shared by the reads of an isolate; never a promise of another read's. */
interface Waiting {
  readonly entry: AccessEntry;
  state: "waiting" | "taken" | "kept";
}

/**
 * Guarantee: the promise resolves after the entry is on the queue or in the table, or after a line says that it was
 * lost. Whoever's wait is over first sends everything that waits. The others see that theirs was kept; if the one who
 * took it died on the way, they send it themselves: twice sent is told once.
 */
export function accessRecorder(deps: AccessDeps): (entry: AccessEntry) => Promise<void> {
  const waiting = new Set<Waiting>();

  /** What another one has taken is left to it, one's own excepted. */
  async function flush(own: Waiting): Promise<void> {
    const taken = [...waiting].filter((one) => one === own || one.state === "waiting");
    for (const one of taken) one.state = "taken";
    await keep(
      deps,
      taken.map(({ entry }) => entry),
    );
    for (const one of taken) {
      one.state = "kept";
      waiting.delete(one);
    }
  }

  return async (entry) => {
    const own: Waiting = { entry, state: "waiting" };
    if (waiting.size >= limits.accessWaiting) return keep(deps, [entry]);
    waiting.add(own);
    if (deps.windowMs > 0) await deps.sleep(deps.windowMs);
    for (let turns = 0; own.state === "taken" && turns < limits.accessTurns; turns++) {
      await deps.sleep(limits.accessTurnMs);
    }
    if (own.state !== "kept") await flush(own);
  };
}

/** The queue first; the table itself when the queue refuses; a line with their number when both do. */
async function keep(deps: AccessDeps, entries: readonly AccessEntry[]): Promise<void> {
  try {
    const count = Math.ceil(entries.length / limits.accessEntries);
    const batches = Array.from({ length: count }, (_, i) =>
      entries.slice(i * limits.accessEntries, (i + 1) * limits.accessEntries),
    );
    await deps.send(batches);
  } catch {
    try {
      await deps.access.add(entries);
    } catch {
      deps.log("error", "access_lost", { entries: entries.length });
    }
  }
}
