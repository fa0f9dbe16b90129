// Rebuild (RB1): an operator's order to read everything, page by page through the queue, below every other
// class at the gate. It is the only thing that asks a list without a since-filter.

import { afterFailure, describeFailure, type Failure } from "../core/failure.ts";
import { KINDS, type Kind } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import type { Source } from "../sources/source.ts";
import type { ListChanged } from "./burst.ts";
import { lookInOrder } from "./in-order.ts";
import { ACK, type Settlement } from "./messages.ts";
import { type ApplyDeps, applyPage, newRun, type PagesEnd, runPages } from "./paging.ts";
import type { Gate, Queues } from "./ports.ts";
import type { Connection, KindStore, PageRun, Rebuild, RebuildStore, RecordStore } from "./stores.ts";

export interface RebuildDeps extends ApplyDeps {
  readonly now: () => number;
  readonly random: () => number;
  readonly newId: () => string;
  readonly source: Source;
  readonly gate: Pick<Gate, "lease" | "release">;
  readonly rebuilds: RebuildStore;
  readonly records: Pick<RecordStore, "versions" | "suppressed" | "ids" | "counts">;
  readonly kinds: Pick<KindStore, "addDrift" | "markComplete">;
  readonly queues: Pick<Queues, "sendJobs">;
  /** Through the gate, as class `rebuild`. */
  readonly listChanged: ListChanged;
}

export const rebuiltKinds = (source: Source) => KINDS.filter((kind) => source.kinds[kind].payload === "thin");

/** Ordering again while one runs changes nothing; kinds that were done start anew. */
export async function orderRebuild(
  deps: Pick<RebuildDeps, "now" | "rebuilds" | "queues"> & {
    readonly records: Pick<RecordStore, "counts">;
  },
  connection: Pick<Connection, "id">,
  kinds: readonly Kind[],
): Promise<void> {
  const counts = await deps.records.counts(connection.id);
  for (const kind of kinds) {
    await deps.rebuilds.order(connection.id, kind, newRun(), counts[kind] ?? 0, deps.now());
  }
  await deps.queues.sendJobs([{ job: "rebuild", connection: connection.id }]);
}

/**
 * Takes the first unfinished kind a few pages further, then queues itself again. The checkpoint is written only
 * while the rebuild is still wanted, so cancelling takes hold at the next page; one runs at a time, by lease.
 */
export async function runRebuild(
  deps: RebuildDeps,
  connection: Connection,
  attempts: number,
): Promise<Settlement> {
  const holder = deps.newId();
  if (!(await deps.gate.lease("rebuild", holder, limits.sweepLeaseMs))) return ACK;
  try {
    const rebuild = (await deps.rebuilds.list(connection.id)).find(isWanted);
    if (rebuild === undefined) return ACK;
    const ended = await takeFurther(deps, connection, rebuild, holder);
    return await settle(deps, connection, rebuild.kind, ended, attempts);
  } finally {
    await deps.gate.release("rebuild", holder);
  }
}

export function isWanted({ status }: Rebuild): boolean {
  return status === "queued" || status === "running";
}

class Cancelled extends Error {}

async function takeFurther(
  deps: RebuildDeps,
  connection: Connection,
  rebuild: Rebuild,
  holder: string,
): Promise<PagesEnd | "cancelled"> {
  const { kind } = rebuild;
  const save = async (run: PageRun) => {
    if (!(await deps.rebuilds.save(connection.id, kind, run, deps.now()))) throw new Cancelled();
    await deps.gate.lease("rebuild", holder, limits.sweepLeaseMs);
  };
  try {
    if (deps.source.kinds[kind].list === undefined)
      return await walkAll(deps, connection, kind, rebuild.run, save);
    return await runPages(
      {
        now: deps.now,
        maxPages: limits.rebuildPages,
        visibilityLagMs: deps.source.visibilityLagMs,
        list: (pageUrl) => deps.listChanged(kind, undefined, pageUrl),
        apply: (page) => applyPage(deps, connection, kind, page, { countDrift: false }),
        save,
      },
      rebuild.run,
    );
  } catch (error) {
    if (error instanceof Cancelled) return "cancelled";
    throw error;
  }
}

/** A kind without a list is read client by client; `nextUrl` holds the last id read. */
async function walkAll(
  deps: RebuildDeps,
  connection: Connection,
  kind: Kind,
  from: PageRun,
  save: (run: PageRun) => Promise<void>,
): Promise<PagesEnd> {
  let run = from;
  for (let pages = 0; pages < limits.rebuildPages; pages++) {
    const ids = await deps.records.ids(connection.id, "clients", run.nextUrl ?? "", limits.walkAtOnce);
    const asks = ids.map(({ id, organizationId }) => ({
      ref: { kind, id },
      class: "rebuild" as const,
      organizationId,
    }));
    const looked = await lookInOrder((some) => deps.writers.look(some), asks);
    const at = looked.findIndex((one) => !one.ok && !isOfRecord(one.failure));
    const done = at < 0 ? looked : looked.slice(0, at);
    const written = done.filter((one) => one.ok && one.decision !== "unchanged" && one.decision !== "older");
    const last = ids[done.length - 1];
    run = {
      ...run,
      pages: run.pages + 1,
      seen: run.seen + done.length,
      drifted: run.drifted + written.length,
      ...(last === undefined ? {} : { nextUrl: last.id }),
    };
    const failed = looked[at];
    if (failed !== undefined && !failed.ok) {
      // What was let through counts, however little: a small budget is slow, never stuck.
      if (done.length > 0) await save(run);
      return { end: "failed", run, failure: failed.failure };
    }
    if (ids.length < limits.walkAtOnce) return { end: "finished", run };
    await save(run);
  }
  return { end: "bound", run };
}

/** One client's document that may not or cannot be read says nothing about the others'. */
function isOfRecord({ kind }: Failure): boolean {
  return kind === "forbidden" || kind === "refused" || kind === "bad_answer";
}

async function settle(
  deps: RebuildDeps,
  connection: Connection,
  kind: Kind,
  ended: PagesEnd | "cancelled",
  attempts: number,
): Promise<Settlement> {
  const { id } = connection;
  const goOn = () => deps.queues.sendJobs([{ job: "rebuild", connection: id }]);
  // Cancelling one kind leaves the others wanted.
  if (ended === "cancelled") {
    await goOn();
    return ACK;
  }
  switch (ended.end) {
    case "finished":
      await deps.kinds.markComplete(id, kind);
      await deps.rebuilds.finish(id, kind, "done", ended.run, undefined, deps.now());
      await goOn();
      return ACK;
    case "bound":
      await goOn();
      return ACK;
    case "strange":
      await deps.rebuilds.finish(id, kind, "failed", ended.run, ended.what, deps.now());
      await goOn();
      return ACK;
    case "failed":
      return settleFailure(deps, connection, kind, ended.run, ended.failure, attempts);
  }
}

/** Waiting for budget is no failure: a rebuild has all the time there is. */
async function settleFailure(
  deps: RebuildDeps,
  connection: Connection,
  kind: Kind,
  run: PageRun,
  failure: Failure,
  attempts: number,
): Promise<Settlement> {
  if (failure.kind === "held") {
    const delaySeconds = Math.max(limits.sweepPauseSeconds, Math.ceil(failure.waitMs / 1_000));
    await deps.queues.sendJobs([{ job: "rebuild", connection: connection.id }], delaySeconds);
    return ACK;
  }
  const after = afterFailure(failure, attempts, deps.random());
  if (after.result === "retry") return after;
  await deps.rebuilds.finish(connection.id, kind, "failed", run, describeFailure(failure), deps.now());
  await deps.queues.sendJobs([{ job: "rebuild", connection: connection.id }]);
  return ACK;
}
