// Which kinds a sweep run takes, in which order, and what becomes of a run that could not finish.

import { afterFailure } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import { ACK, type Settlement } from "./messages.ts";
import type { CursorName, Cursors } from "./ports.ts";
import type { Connection } from "./stores.ts";
import { type SweepDeps, type Swept, sweepList, sweptKinds } from "./sweep.ts";
import { verify, walkClients } from "./walk.ts";

export type SweptAny = Omit<Swept, "kind"> & { readonly kind: CursorName };

/** One after the other, parents first; a failure of one kind leaves the others their turn. */
export async function runSweeps(
  deps: SweepDeps & { readonly verifyBudget: number },
  connection: Connection,
  names: readonly CursorName[],
): Promise<readonly SweptAny[]> {
  const results: SweptAny[] = [];
  for (const name of names) {
    try {
      results.push(await runOne(deps, connection, name));
    } catch (error) {
      deps.log("error", "sweep_failed", {
        kind: name,
        error: error instanceof Error ? error.name : "unknown",
      });
      results.push({ kind: name, ...NOTHING, failure: { kind: "interrupted" } });
    }
  }
  return results;
}

const NOTHING = { pages: 0, seen: 0, drifted: 0, watermark: undefined, finished: false } as const;

async function runOne(
  deps: SweepDeps & { readonly verifyBudget: number },
  connection: Connection,
  name: CursorName,
): Promise<SweptAny> {
  if (name === "verify") return { ...(await verify(deps, connection, deps.verifyBudget)), kind: name };
  return deps.source.kinds[name].list
    ? sweepList(deps, connection, name)
    : walkClients(deps, connection, name);
}

/**
 * What is due at a tick of the clock. The tick itself comes every quarter of an hour, so a kind is due when the
 * next tick would be too late.
 */
export async function dueSweeps(
  deps: Pick<SweepDeps, "source" | "now"> & { readonly cursors: Cursors; readonly intervalMinutes: number },
  connection: Pick<Connection, "id">,
): Promise<readonly CursorName[]> {
  const due: CursorName[] = [];
  for (const kind of sweptKinds(deps.source)) {
    const everyMs = (deps.source.kinds[kind].upkeep.sweepEveryMinutes ?? deps.intervalMinutes) * 60_000;
    const { last, run } = await deps.cursors.read(connection.id, kind);
    const underWay = last === undefined || run !== undefined;
    if (underWay || deps.now() - last.at > everyMs - limits.tickMs) due.push(kind);
  }
  return [...due, "verify"];
}

/**
 * The next run of an unfinished sweep: on through the queue where it reached its bound or spent the budget after
 * getting somewhere, later where it failed.
 */
export function settleSweep(
  results: readonly SweptAny[],
  attempts: number,
  random: number,
): {
  readonly settlement: Settlement;
  readonly continueWith: readonly CursorName[];
  readonly delaySeconds: number;
} {
  const unfinished = results.filter(({ finished, busy, strange }) => !finished && !busy && !strange);
  const goesOn = (one: SweptAny) =>
    one.failure === undefined || (one.failure.kind === "held" && one.seen > 0);
  const continueWith = unfinished.filter(goesOn).map(({ kind }) => kind);
  const delaySeconds = unfinished.some(({ failure }) => failure !== undefined) ? limits.sweepPauseSeconds : 0;
  const failed = unfinished.find((one) => !goesOn(one))?.failure;
  if (failed === undefined || attempts >= limits.sweepAttempts)
    return { settlement: ACK, continueWith, delaySeconds };
  const after = afterFailure(failed, attempts, random);
  // Nothing is lost by letting go: the next tick goes on from the checkpoint.
  return { settlement: after.result === "retry" ? after : ACK, continueWith, delaySeconds };
}
