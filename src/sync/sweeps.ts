// Which kinds a sweep run takes, in which order, and what becomes of a run that could not finish.

import { afterFailure } from "../core/failure.ts";
import type { CallAsk, CallReport } from "../core/gate.ts";
import type { Lease, Leasing } from "../core/leases.ts";
import { limits } from "../core/limits.ts";
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
  const gate = handingOver(deps.gate);
  for (const name of names) {
    try {
      results.push(await runOne({ ...deps, gate }, connection, name));
    } catch (error) {
      deps.log("error", "sweep_failed", {
        kind: name,
        error: error instanceof Error ? error.name : "unknown",
      });
      results.push({ kind: name, ...NOTHING, failure: { kind: "interrupted" } });
    }
  }
  await gate.end();
  return results;
}

/**
 * The gate of a run: a lease that is over is given back in the call that takes the next one. Dying in between leaves
 * it to end by itself, as dying before it was given back always did.
 */
function handingOver(gate: SweepDeps["gate"]) {
  let over: Lease | undefined;
  return {
    acquire(ask: CallAsk, under?: Leasing) {
      if (under === undefined) return gate.acquire(ask);
      const instead = over;
      over = undefined;
      return gate.acquire(ask, { ...under, instead });
    },
    report: (call: CallReport) => gate.report(call),
    async release(name: string, holder: string) {
      if (over !== undefined) await gate.release(over.name, over.holder);
      over = { name, holder };
    },
    async end() {
      if (over !== undefined) await gate.release(over.name, over.holder).catch(() => {});
    },
  };
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

/** A run to come: these kinds, after so long. */
export interface NextRun {
  readonly kinds: readonly CursorName[];
  readonly delaySeconds: number;
  /** Runs in a row that failed for these kinds. */
  readonly failures: number;
}

/**
 * The next runs of an unfinished sweep, only of the kinds that did not finish: on at once where it reached its
 * bound, a little later where it spent the budget after getting somewhere, later each time where it failed.
 * Nothing is lost by letting go after that: the next tick goes on from the checkpoint.
 * @param failures runs in a row that failed before this one
 */
export function nextRuns(results: readonly SweptAny[], failures: number, random: number): readonly NextRun[] {
  const open = results.filter(({ finished, busy, strange }) => !finished && !busy && !strange);
  const of = (chosen: readonly SweptAny[], delaySeconds: number, failed: number): NextRun[] =>
    chosen.length === 0 ? [] : [{ kinds: chosen.map(({ kind }) => kind), delaySeconds, failures: failed }];
  const bound = open.filter(({ failure }) => failure === undefined);
  const spent = open.filter(({ failure, seen }) => failure?.kind === "held" && seen > 0);
  const failed = open.filter((one) => !bound.includes(one) && !spent.includes(one));
  const [first] = failed;
  const after =
    first?.failure && failures + 1 < limits.sweepAttempts
      ? afterFailure(first.failure, failures + 1, random)
      : undefined;
  return [
    ...of(bound, 0, 0),
    ...of(spent, limits.sweepPauseSeconds, 0),
    ...(after?.result === "retry" ? of(failed, after.delaySeconds, failures + 1) : []),
  ];
}
