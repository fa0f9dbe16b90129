// The sweep bounds what webhooks miss: it asks the upstream only what changed since the watermark, compares
// page by page, and hands what differs to the writers. It never pulls a full table.

import type { Vouch } from "../core/as-of.ts";
import { describeFailure, type Failure } from "../core/failure.ts";
import { KINDS, type Kind } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import type { Source } from "../sources/source.ts";
import type { ListChanged } from "./burst.ts";
import { applyPage, newRun, pageAsOf, runPages } from "./paging.ts";
import type { Door } from "./permits.ts";
import type { Cursor, Cursors, Gate, Log, Queues, WalkingWriters } from "./ports.ts";
import type { Connection, ConnectionStore, KindStore, Ledger, PageRun, RecordStore } from "./stores.ts";

export interface SweepDeps {
  readonly now: () => number;
  readonly newId: () => string;
  readonly sleep: (ms: number) => Promise<void>;
  readonly source: Source;
  readonly gate: Pick<Gate, "acquire" | "report" | "release">;
  readonly cursors: Cursors;
  readonly records: Pick<RecordStore, "versions" | "suppressed" | "ids" | "page" | "bookmark">;
  readonly kinds: KindStore;
  readonly ledger: Pick<Ledger, "clientsHeardOf">;
  readonly connections: Pick<ConnectionStore, "raise" | "clear">;
  readonly writers: WalkingWriters;
  /** Among so many writers the refs are spread. */
  readonly shards: number;
  readonly queues: Pick<Queues, "sendJobs">;
  /** Through the gate as this door has it, as class `sweep`. */
  readonly listThrough: (door: Door) => ListChanged;
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
  /** It stopped at something that must not be believed; a person has to look. */
  readonly strange?: string;
  /** Another sweep of the kind is under way. */
  readonly busy?: true;
}

/** Kinds a sweep can look after: all that can be fetched. */
export function sweptKinds(source: Source): readonly Kind[] {
  return KINDS.filter((kind) => source.kinds[kind].payload === "thin");
}

/** What one sweep reads its list through: every page is asked for under the sweep's lease. */
type Listing = SweepDeps & { readonly listChanged: ListChanged };

/**
 * Sweeps one kind that has a since-filter. One at a time per kind, by a lease that is taken, and kept, in the very calls
 * that ask the gate for its pages (SW4): a cursor read just before another one ended is a cursor read late.
 *
 * Guarantee (SW2): the new watermark is the upstream's own clock at the start, and is saved only after every
 * page was applied; dying anywhere before leaves the old watermark and the last page's checkpoint.
 */
export async function sweepList(deps: SweepDeps, connection: Connection, kind: Kind): Promise<Swept> {
  const lease = { name: `sweep/${kind}`, holder: deps.newId() };
  const { gate } = deps;
  const listChanged = deps.listThrough({
    acquire: (ask) => gate.acquire(ask, { ...lease, forMs: limits.sweepLeaseMs }),
    report: (call) => gate.report(call),
  });
  try {
    const { failure, ...swept } = await sweepLeased({ ...deps, listChanged }, connection, kind);
    if (failure?.kind === "held" && failure.by === "lease") return { ...swept, busy: true };
    return failure === undefined ? swept : { ...swept, failure };
  } finally {
    await gate.release(lease.name, lease.holder);
  }
}

async function sweepLeased(deps: Listing, connection: Connection, kind: Kind): Promise<Swept> {
  const cursor = await deps.cursors.read(connection.id, kind);
  if (cursor.watermark === undefined) return takeBaseline(deps, connection, kind, cursor);
  const outage = await deps.cursors.read(connection.id, `outage/${kind}`);
  const from = reachingBack(cursor, cursor.watermark, outage.watermark);
  const swept = await sweepFrom(deps, connection, kind, from);
  if (outage.watermark !== undefined && swept.finished)
    await deps.cursors.write(connection.id, `outage/${kind}`, {});
  return swept;
}

/** After an outage of the webhooks the sweep starts over from where the outage began, if that is further back. */
function reachingBack(cursor: Cursor, watermark: number, outageSince: number | undefined) {
  if (outageSince === undefined || outageSince >= watermark) return { ...cursor, watermark };
  const underWay = cursor.run?.since !== undefined && cursor.run.since <= outageSince;
  return { ...cursor, watermark: outageSince, run: underWay ? cursor.run : undefined };
}

/** The first sweep pulls nothing: from here on nothing is missed; what was before comes by events and reads. */
async function takeBaseline(
  deps: Listing,
  connection: Connection,
  kind: Kind,
  cursor: Cursor,
): Promise<Swept> {
  const page = await deps.listChanged(kind, deps.now());
  if (!page.ok) return { ...summary(kind, cursor), failure: page.failure };
  const watermark = page.value.upstreamNow ?? deps.now() - limits.clockDoubtMs;
  const bookmark = await deps.records.bookmark();
  const vouch = { asOf: pageAsOf(page.value, deps.now()), from: watermark, bookmark };
  const last = { at: deps.now(), pages: 1, seen: 0, drifted: 0 };
  await deps.cursors.write(connection.id, kind, { watermark, vouch, last });
  return { kind, pages: 1, seen: 0, drifted: 0, watermark, finished: true };
}

async function sweepFrom(
  deps: Listing,
  connection: Connection,
  kind: Kind,
  cursor: Cursor & { readonly watermark: number },
): Promise<Swept> {
  const from = cursor.run ?? newRun(cursor.watermark - overlapMs(deps, kind));
  const ended = await runPages(
    {
      now: deps.now,
      maxPages: deps.pagesPerRun,
      visibilityLagMs: deps.source.visibilityLagMs,
      list: (pageUrl) => deps.listChanged(kind, from.since ?? cursor.watermark, pageUrl),
      apply: (page) => applyPage(deps, connection, kind, page, { countDrift: true }),
      save: (run) => deps.cursors.write(connection.id, kind, { ...cursor, run }, true),
    },
    from,
  );
  const { run } = ended;
  switch (ended.end) {
    case "finished":
      return finish(deps, connection, kind, cursor, run);
    case "bound":
      return summary(kind, cursor, run);
    case "failed":
      return { ...summary(kind, cursor, run), failure: ended.failure };
    case "strange":
      return alarm(deps, connection, kind, cursor, run, ended.what);
  }
}

function overlapMs({ source, overlapMs }: SweepDeps, kind: Kind): number {
  const { overlapSeconds } = source.kinds[kind].upkeep;
  return overlapSeconds === undefined ? overlapMs : overlapSeconds * 1_000;
}

/** Stops without advancing: the next sweep starts over from the old watermark, and a person is told. */
async function alarm(
  deps: SweepDeps,
  connection: Connection,
  kind: Kind,
  cursor: Cursor,
  run: PageRun,
  what: string,
): Promise<Swept> {
  deps.log("error", "sweep_stopped", { connection: connection.id, kind, what });
  const reason = `The sweep of ${kind} stopped: ${what}.`;
  await deps.connections.raise(connection.id, { name: `sweep/${kind}`, reason }, deps.now());
  const { run: _, ...kept } = cursor;
  await deps.cursors.write(connection.id, kind, kept);
  return { ...summary(kind, cursor, run), strange: what };
}

async function finish(
  deps: SweepDeps,
  connection: Connection,
  kind: Kind,
  cursor: Cursor & { readonly watermark: number },
  run: PageRun,
): Promise<Swept> {
  const { pages, seen, drifted, startedAt: watermark } = run;
  // After the last write of the sweep: a replica that has reached it shows what is vouched for.
  const bookmark = await deps.records.bookmark();
  await deps.cursors.write(connection.id, kind, {
    watermark,
    vouch: vouchAfter(run, cursor, deps.source.visibilityLagMs, bookmark),
    last: { at: deps.now(), pages, seen, drifted },
  });
  await deps.connections.clear(connection.id, `sweep/${kind}`);
  return { kind, pages, seen, drifted, watermark, finished: true };
}

/**
 * What a finished sweep adds to what is vouched for (RD2). One that left a doubt adds nothing: until the second look
 * the mirror differs from what it was shown. One that may have passed something over, or that did not reach back far
 * enough to meet the sweep before it, vouches for nothing that was held before.
 */
function vouchAfter(
  run: PageRun,
  before: Cursor & { readonly watermark: number },
  lagMs: number,
  bookmark: string | undefined,
): Vouch | undefined {
  const { asOf, doubted, mayMiss, since, startedAt } = run;
  if (asOf === undefined || since === undefined) return before.vouch;
  // A write as late as the lag allows was in no page of the sweep before; a clock put back stamps it earlier still.
  const meets = since <= before.watermark - lagMs && startedAt >= before.watermark;
  const reachesTo = meets ? Math.min(before.vouch?.from ?? since, since) : since;
  const from = mayMiss || startedAt < before.watermark ? startedAt : reachesTo;
  if (doubted) return before.vouch && { ...before.vouch, from: Math.max(from, before.vouch.from) };
  return { asOf, from, bookmark };
}

function summary(kind: Kind, cursor: Cursor, run?: PageRun): Swept {
  const { pages, seen, drifted } = run ?? { pages: 0, seen: 0, drifted: 0 };
  return { kind, pages, seen, drifted, watermark: cursor.watermark, finished: false };
}

export function describeSwept(swept: Pick<Swept, "busy" | "failure" | "strange">): string | undefined {
  if (swept.busy) return "another sweep of this kind is under way";
  return swept.strange ?? (swept.failure && describeFailure(swept.failure));
}
