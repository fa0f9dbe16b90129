// The sweep bounds what webhooks miss: it asks the upstream only what changed since the watermark, compares
// page by page, and hands what differs to the writers. It never pulls a full table.

import { describeFailure, type Failure } from "../core/failure.ts";
import { KINDS, type Kind, refKey } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import type { Snapshot, Version } from "../core/record.ts";
import type { Page, Source } from "../sources/source.ts";
import type { ListChanged } from "./burst.ts";
import type {
  Connection,
  ConnectionStore,
  Cursor,
  Cursors,
  DriftCause,
  Gate,
  KindStore,
  Log,
  Looked,
  Queues,
  RecordStore,
  SweepRun,
  Writers,
} from "./ports.ts";

export interface SweepDeps {
  readonly now: () => number;
  readonly newId: () => string;
  readonly source: Source;
  readonly gate: Gate;
  readonly cursors: Cursors;
  readonly records: Pick<RecordStore, "versions" | "ids" | "page">;
  readonly kinds: KindStore;
  readonly connections: Pick<ConnectionStore, "raise" | "clear">;
  readonly writers: Writers;
  readonly queues: Pick<Queues, "sendJobs">;
  /** Through the gate, as class `sweep`. */
  readonly listChanged: ListChanged;
  readonly overlapMs: number;
  readonly pagesPerRun: number;
  readonly log: Log;
}

export interface Swept {
  readonly kind: Kind;
  readonly pages: number;
  readonly seen: number;
  readonly drifted: number;
  /** Upstream's clock, ms; undefined for kinds without a list. */
  readonly watermark: number | undefined;
  readonly finished: boolean;
  /** Why it did not finish, when that was not its own bound. */
  readonly failure?: Failure;
  /** Another sweep of the kind is under way. */
  readonly busy?: true;
}

/** Kinds a sweep can look after: all that can be fetched. */
export function sweptKinds(source: Source): readonly Kind[] {
  return KINDS.filter((kind) => source.kinds[kind].payload === "thin");
}

/**
 * Sweeps one kind that has a since-filter. One at a time per kind, by lease (SW4).
 *
 * Guarantee (SW2): the new watermark is the upstream's own clock at the start, and is saved only after every
 * page was applied; dying anywhere before leaves the old watermark and the last page's checkpoint.
 */
export async function sweepList(deps: SweepDeps, connection: Connection, kind: Kind): Promise<Swept> {
  const holder = deps.newId();
  const cursor = await deps.cursors.read(connection.id, kind);
  if (!(await deps.gate.lease(`sweep/${kind}`, holder, limits.sweepLeaseMs)))
    return { ...summary(kind, cursor), busy: true };
  try {
    if (cursor.watermark === undefined) return await takeBaseline(deps, connection, kind, cursor);
    return await runPages(deps, connection, kind, { ...cursor, watermark: cursor.watermark }, holder);
  } finally {
    await deps.gate.release(`sweep/${kind}`, holder);
  }
}

/** The first sweep pulls nothing: from here on nothing is missed; what was before comes by events and reads. */
async function takeBaseline(
  deps: SweepDeps,
  connection: Connection,
  kind: Kind,
  cursor: Cursor,
): Promise<Swept> {
  const page = await deps.listChanged(kind, deps.now());
  if (!page.ok) return { ...summary(kind, cursor), failure: page.failure };
  const watermark = page.value.upstreamNow ?? deps.now() - limits.clockDoubtMs;
  const last = { at: deps.now(), pages: 1, seen: 0, drifted: 0 };
  await deps.cursors.write(connection.id, kind, { watermark, last });
  return { kind, pages: 1, seen: 0, drifted: 0, watermark, finished: true };
}

async function runPages(
  deps: SweepDeps,
  connection: Connection,
  kind: Kind,
  cursor: Cursor & { readonly watermark: number },
  holder: string,
): Promise<Swept> {
  let run = cursor.run ?? newRun(cursor.watermark - deps.overlapMs);
  let pass = newPass(run);
  for (let pages = 0; pages < deps.pagesPerRun; pages++) {
    const page = await deps.listChanged(kind, run.since, run.nextUrl);
    if (!page.ok) {
      if (isLoop(page.failure))
        return alarm(deps, connection, kind, cursor, run, "next_url leads outside the connection");
      return { ...summary(kind, cursor, run), failure: page.failure };
    }
    const strange = strangeness(page.value, run, pass);
    if (strange !== undefined) return alarm(deps, connection, kind, cursor, run, strange);

    const applied = await applyPage(deps, connection, kind, page.value);
    if (!applied.ok) return { ...summary(kind, cursor, run), failure: applied.failure };
    run = advance(run, pass, page.value, applied.drifted, deps.now());
    if (run.nextUrl === undefined) {
      if (!mustRepeat(run)) return finish(deps, connection, kind, run);
      run = { ...run, passes: run.passes + 1, moved: false };
      pass = newPass(run);
    }
    await deps.cursors.write(connection.id, kind, { ...cursor, run });
    await deps.gate.lease(`sweep/${kind}`, holder, limits.sweepLeaseMs);
  }
  return summary(kind, cursor, run);
}

function newRun(since: number): SweepRun {
  return { since, startedAt: 0, pages: 0, seen: 0, drifted: 0, passes: 1, moved: false };
}

/** What one pass has seen, within this run. */
interface Pass {
  readonly visited: Set<string>;
  /** id → hash, of the pages before. */
  readonly seen: Map<string, string>;
  /** The pass began in an earlier run, whose pages this one knows nothing of. */
  readonly resumed: boolean;
}

function newPass(run: SweepRun): Pass {
  return { visited: new Set(), seen: new Map(), resumed: run.nextUrl !== undefined };
}

/** The clock of the first page is the start; every later page keeps it. */
function advance(run: SweepRun, pass: Pass, page: Page, drifted: number, now: number): SweepRun {
  const startedAt = run.startedAt === 0 ? (page.upstreamNow ?? now - limits.clockDoubtMs) : run.startedAt;
  const moved = page.snapshots.some(({ id, hash, updatedAt }) => {
    const before = pass.seen.get(id);
    pass.seen.set(id, hash);
    if (before !== undefined && before !== hash) return true;
    return pass.resumed && updatedAt !== undefined && updatedAt >= startedAt + limits.grainMs;
  });
  const { nextUrl: _, ...rest } = run;
  return {
    ...rest,
    startedAt,
    pages: run.pages + 1,
    seen: run.seen + page.snapshots.length,
    drifted: run.drifted + drifted,
    moved: run.moved || moved,
    ...(page.nextUrl === undefined ? {} : { nextUrl: page.nextUrl }),
  };
}

/**
 * With offset paging a record that changes mid-sweep leaves its place, and another slips into a page already
 * read. It cannot do so unseen: the one that moved shows up again, changed. Then the pass is repeated, a
 * bounded number of times; a single page cannot be split.
 */
function mustRepeat(run: SweepRun): boolean {
  return run.moved && run.pages > run.passes && run.passes < limits.sweepPasses;
}

/** What a sweep must not believe (SW8). @returns a sentence, or undefined when the page is plausible */
function strangeness(page: Page, run: SweepRun, { visited, seen }: Pass): string | undefined {
  const { snapshots, nextUrl } = page;
  const oldest = run.since - limits.grainMs;
  if (snapshots.some(({ updatedAt }) => updatedAt !== undefined && updatedAt < oldest)) {
    return "RCMS sent records older than asked for";
  }
  if (run.seen + snapshots.length > limits.sweepRows) return "RCMS sent implausibly many records";
  if (snapshots.length > 0 && snapshots.every(({ id, hash }) => seen.get(id) === hash)) {
    return "RCMS sent a page this sweep has already seen";
  }
  if (nextUrl !== undefined && visited.has(nextUrl))
    return "RCMS's next_url leads back to a page already seen";
  if (nextUrl !== undefined) visited.add(nextUrl);
  return undefined;
}

function isLoop(failure: Failure): boolean {
  return failure.kind === "bad_answer" && failure.why === "foreign_url";
}

/** Stops without advancing: the next sweep starts over from the old watermark, and a person is told. */
async function alarm(
  deps: SweepDeps,
  connection: Connection,
  kind: Kind,
  cursor: Cursor,
  run: SweepRun,
  what: string,
): Promise<Swept> {
  deps.log("error", "sweep_stopped", { connection: connection.id, kind, what });
  const reason = `The sweep of ${kind} stopped: ${what}.`;
  await deps.connections.raise(connection.id, { name: `sweep/${kind}`, reason }, deps.now());
  const { run: _, ...kept } = cursor;
  await deps.cursors.write(connection.id, kind, kept);
  return { ...summary(kind, cursor, run), failure: { kind: "bad_answer", why: "shape" } };
}

async function finish(deps: SweepDeps, connection: Connection, kind: Kind, run: SweepRun): Promise<Swept> {
  const { pages, seen, drifted, startedAt: watermark } = run;
  await deps.cursors.write(connection.id, kind, {
    watermark,
    last: { at: deps.now(), pages, seen, drifted },
  });
  await deps.connections.clear(connection.id, `sweep/${kind}`);
  return { kind, pages, seen, drifted, watermark, finished: true };
}

function summary(kind: Kind, cursor: Cursor, run?: SweepRun): Swept {
  const { pages, seen, drifted } = run ?? { pages: 0, seen: 0, drifted: 0 };
  return { kind, pages, seen, drifted, watermark: cursor.watermark, finished: false };
}

type Applied =
  | { readonly ok: true; readonly drifted: number }
  | { readonly ok: false; readonly failure: Failure };

/** One query compares the page; only what differs goes to a writer, so a page without drift writes nothing (SW6). */
export async function applyPage(
  deps: Pick<SweepDeps, "records" | "writers" | "kinds" | "queues">,
  connection: Connection,
  kind: Kind,
  page: Page,
): Promise<Applied> {
  if (page.snapshots.length === 0) return { ok: true, drifted: 0 };
  const held = await deps.records.versions(
    connection.id,
    page.snapshots.map(({ id }) => ({ kind, id })),
  );
  const differing = page.snapshots.filter((snapshot) => {
    const version = held.get(refKey(snapshot));
    return version === undefined || version.deletedAt !== undefined || version.hash !== snapshot.hash;
  });
  if (differing.length === 0) return { ok: true, drifted: 0 };

  const looked = await deps.writers.offer(differing);
  const failed = looked.find((one) => !one.ok);
  if (failed && !failed.ok) return { ok: false, failure: failed.failure };
  const causes = differing.flatMap((snapshot, i) =>
    driftCause(snapshot, held.get(refKey(snapshot)), looked[i], page),
  );
  const count = (cause: DriftCause) => causes.filter((one) => one === cause).length;
  await deps.kinds.addDrift(connection.id, kind, {
    missed: count("missed"),
    late: count("late"),
    rewritten: count("rewritten"),
  });
  await confirmDoubts(deps, connection, differing, looked);
  return { ok: true, drifted: causes.length };
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
  deps: Pick<SweepDeps, "queues">,
  connection: Connection,
  snapshots: readonly Snapshot[],
  looked: readonly Looked[],
): Promise<void> {
  const jobs = snapshots
    .filter((_, i) => {
      const one = looked[i];
      return one?.ok && one.doubt !== undefined;
    })
    .map(({ kind, id }) => ({ job: "look", connection: connection.id, ref: { kind, id } }) as const);
  if (jobs.length > 0) await deps.queues.sendJobs(jobs.slice(0, 100), limits.confirmAfterMs / 1_000 + 1);
}

export function describeSwept(swept: Pick<Swept, "busy" | "failure">): string | undefined {
  if (swept.busy) return "another sweep of this kind is under way";
  return swept.failure && describeFailure(swept.failure);
}
