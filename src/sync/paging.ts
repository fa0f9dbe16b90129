// Page after page of a list, with a checkpoint after each: the common part of sweeps and rebuilds. What one page
// brings is compared in one query, and only what differs goes to a writer.

import type { Failure, Result } from "../core/failure.ts";
import { type Kind, refKey } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import { differs, type Snapshot, type Version } from "../core/record.ts";
import type { Page } from "../sources/source.ts";
import type { Looked, Queues, Writers } from "./ports.ts";
import type { Connection, DriftCause, KindStore, PageRun, RecordStore } from "./stores.ts";

export interface PageDeps {
  readonly now: () => number;
  readonly list: (pageUrl?: string) => Promise<Result<Page>>;
  readonly apply: (page: Page) => Promise<Applied>;
  /** The checkpoint: called only after everything the run counts was applied. */
  readonly save: (run: PageRun) => Promise<void>;
  readonly maxPages: number;
  /** Within this, ms, a write may be missing from the upstream's own answers. */
  readonly visibilityLagMs: number;
}

export type PagesEnd = { readonly run: PageRun } & (
  | { readonly end: "finished" | "bound" }
  | { readonly end: "failed"; readonly failure: Failure }
  /** The upstream answered with something that must not be believed. */
  | { readonly end: "strange"; readonly what: string }
);

export type Applied =
  | { readonly ok: true; readonly drifted: number; readonly doubted?: true }
  | { readonly ok: false; readonly failure: Failure };

export function newRun(since?: number): PageRun {
  const run = { startedAt: 0, pages: 0, seen: 0, drifted: 0, passes: 1, moved: false };
  return since === undefined ? run : { ...run, since };
}

/** Dying between two pages repeats at most the page after the last checkpoint. */
export async function runPages(deps: PageDeps, from: PageRun): Promise<PagesEnd> {
  let run = from;
  let pass = newPass(run);
  for (let pages = 0; pages < deps.maxPages; pages++) {
    const page = await deps.list(run.nextUrl);
    if (!page.ok) {
      const { failure } = page;
      const lured = failure.kind === "bad_answer" && failure.why === "foreign_url";
      if (lured) return { end: "strange", run, what: "next_url leads outside the connection" };
      return { end: "failed", run, failure };
    }
    const what = strangeness(page.value, run, pass);
    if (what !== undefined) return { end: "strange", run, what };

    const applied = await deps.apply(page.value);
    if (!applied.ok) return { end: "failed", run, failure: applied.failure };
    run = advance(deps, run, pass, page.value, applied);
    if (run.nextUrl === undefined) {
      if (!mustRepeat(run))
        return { end: "finished", run: stillMoving(run) ? { ...run, mayMiss: true } : run };
      run = nextPass(run);
      pass = newPass(run);
    }
    await deps.save(run);
  }
  return { end: "bound", run };
}

/** What one pass has seen, within this run. */
interface Pass {
  readonly visited: Set<string>;
  /** id → hash, of the pages before. */
  readonly seen: Map<string, string>;
  /** The pass began in an earlier run, whose pages this one knows nothing of. */
  readonly resumed: boolean;
}

function newPass(run: PageRun): Pass {
  return { visited: new Set(), seen: new Map(), resumed: run.nextUrl !== undefined };
}

function nextPass({ landmark: _, passStartedAt: __, ...run }: PageRun): PageRun {
  return { ...run, passes: run.passes + 1, moved: false };
}

/** The clock of the first page is the start; every later page keeps it. */
function advance(
  deps: Pick<PageDeps, "now" | "visibilityLagMs">,
  run: PageRun,
  pass: Pass,
  page: Page,
  { drifted, doubted }: Extract<Applied, { ok: true }>,
): PageRun {
  const now = deps.now();
  const upstreamNow = page.upstreamNow ?? now - limits.clockDoubtMs;
  const passStartedAt = run.passStartedAt ?? upstreamNow;
  const moved = page.snapshots.some(({ id, hash, updatedAt }) => {
    const before = pass.seen.get(id);
    pass.seen.set(id, hash);
    if (before !== undefined && before !== hash) return true;
    // Of the pages before this run only the time is known, and both clocks may be cut to the second. A write from just
    // before may have been invisible to them.
    return pass.resumed && updatedAt !== undefined && updatedAt >= passStartedAt - deps.visibilityLagMs;
  });
  const { nextUrl: _, ...rest } = run;
  const pages = run.pages + 1;
  return {
    ...rest,
    startedAt: run.startedAt === 0 ? upstreamNow : run.startedAt,
    passStartedAt,
    asOf: run.asOf ?? pageAsOf(page, now),
    pages,
    seen: run.seen + page.snapshots.length,
    drifted: run.drifted + drifted,
    moved: run.moved || moved,
    ...(doubted ? { doubted } : {}),
    ...(page.unreadable > 0 ? { mayMiss: true } : {}),
    ...(page.nextUrl === undefined ? {} : { nextUrl: page.nextUrl }),
    // One page remembered, at every power of two, finds a circle of any length, however many runs it spans.
    ...(page.nextUrl !== undefined && (pages & (pages - 1)) === 0 ? { landmark: page.nextUrl } : {}),
  };
}

/**
 * With offset paging a record that changes mid-sweep leaves its place, and another slips into a page already
 * read. It cannot do so unseen: the one that moved shows up again, changed. Then the pass is repeated, a
 * bounded number of times; a single page cannot be split.
 */
function mustRepeat(run: PageRun): boolean {
  return stillMoving(run) && run.passes < limits.sweepPasses;
}

function stillMoving(run: PageRun): boolean {
  return run.moved && run.pages > run.passes;
}

/** When a page was asked for, by the earlier of both clocks. */
export function pageAsOf({ asOf, upstreamNow }: Page, now: number): number {
  return asOf ?? Math.min(now, upstreamNow ?? now) - limits.clockDoubtMs;
}

/** What must not be believed (SW8). @returns a sentence, or undefined when the page is plausible */
function strangeness(page: Page, run: PageRun, { visited, seen }: Pass): string | undefined {
  const { snapshots, nextUrl } = page;
  if (run.since !== undefined) {
    const oldest = run.since - limits.grainMs;
    if (snapshots.some(({ updatedAt }) => updatedAt !== undefined && updatedAt < oldest)) {
      return "records older than asked for came";
    }
    if (run.seen + snapshots.length > limits.sweepRows) return "implausibly many records came";
  }
  if (snapshots.length > 0 && snapshots.every(({ id, hash }) => seen.get(id) === hash)) {
    return "a page came twice";
  }
  if (nextUrl !== undefined && (visited.has(nextUrl) || nextUrl === run.landmark)) {
    return "next_url leads back to a page already seen";
  }
  if (nextUrl !== undefined) visited.add(nextUrl);
  return undefined;
}

export interface ApplyDeps {
  readonly records: Pick<RecordStore, "versions" | "suppressed">;
  readonly kinds: Pick<KindStore, "addDrift">;
  readonly writers: Writers;
  readonly queues: Pick<Queues, "sendJobs">;
}

/** One query compares the page; only what differs goes to a writer, so a page without drift writes nothing (SW6). */
export async function applyPage(
  deps: ApplyDeps,
  connection: Connection,
  kind: Kind,
  page: Page,
  options: { readonly countDrift: boolean },
): Promise<Applied> {
  if (page.snapshots.length === 0) return { ok: true, drifted: 0 };
  const held = await deps.records.versions(
    connection.id,
    page.snapshots.map(({ id }) => ({ kind, id })),
  );
  const notHeld = page.snapshots.filter((snapshot) => differs(held.get(refKey(snapshot)), snapshot));
  if (notHeld.length === 0) return { ok: true, drifted: 0 };
  // A purged client is missing on purpose: no drift, and nothing for a writer.
  const suppressed = await deps.records.suppressed(connection.id, notHeld);
  const differing = notHeld.filter((snapshot) => !suppressed.has(refKey(snapshot)));
  if (differing.length === 0) return { ok: true, drifted: 0 };

  const looked = await deps.writers.offer(differing, held);
  const failed = looked.find((one) => !one.ok);
  if (failed && !failed.ok) return { ok: false, failure: failed.failure };
  const doubted = await confirmDoubts(deps, connection, differing, looked);
  const causes = differing.flatMap((snapshot, i) =>
    driftCause(snapshot, held.get(refKey(snapshot)), looked[i], page),
  );
  const applied: Applied = { ok: true, drifted: causes.length, ...(doubted ? { doubted } : {}) };
  if (!options.countDrift) return applied;
  const count = (cause: DriftCause) => causes.filter((one) => one === cause).length;
  await deps.kinds.addDrift(connection.id, kind, {
    missed: count("missed"),
    late: count("late"),
    rewritten: count("rewritten"),
  });
  return applied;
}

function driftCause(
  snapshot: Snapshot,
  held: Version | undefined,
  looked: Looked | undefined,
  page: Page,
): DriftCause[] {
  if (!looked?.ok || (looked.decision !== "insert" && looked.decision !== "update")) return [];
  const { updatedAt, fetchedAt } = snapshot;
  if (held !== undefined && held.updatedAt === updatedAt) return ["rewritten"];
  const upstreamNow = page.upstreamNow ?? fetchedAt;
  return updatedAt !== undefined && upstreamNow - updatedAt < limits.webhookDueMs ? ["late"] : ["missed"];
}

/** What looked like a step back in time is looked at again when the second look may count. */
async function confirmDoubts(
  deps: Pick<ApplyDeps, "queues">,
  connection: Connection,
  snapshots: readonly Snapshot[],
  looked: readonly Looked[],
): Promise<boolean> {
  const jobs = snapshots
    .filter((_, i) => {
      const one = looked[i];
      return one?.ok && one.doubt !== undefined;
    })
    .map(({ kind, id }) => ({ job: "look", connection: connection.id, ref: { kind, id } }) as const);
  if (jobs.length > 0) await deps.queues.sendJobs(jobs, limits.confirmAfterMs / 1_000 + 1);
  return jobs.length > 0;
}
