// Many refs of one kind at once: one delta list instead of many single fetches (WR9). Whatever the list brings that
// the mirror does not hold yet is offered to the writers, so later batches of the same burst find their records there.

import type { Result } from "../core/failure.ts";
import { type Kind, type Ref, refKey } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import { differs, type Snapshot, type Version } from "../core/record.ts";
import type { Page, Source } from "../sources/source.ts";
import type { Changed } from "./messages.ts";
import type { Gate, Looked, Writers } from "./ports.ts";
import { isWhole } from "./settled.ts";

export type ListChanged = (kind: Kind, since: number | undefined, pageUrl?: string) => Promise<Result<Page>>;

export interface BurstDeps {
  readonly now: () => number;
  /** Through the gate, as class `event`. */
  readonly listChanged: ListChanged;
  readonly writers: Writers;
  /** What the mirror holds, without bodies. */
  readonly versions: (refs: readonly Ref[]) => Promise<ReadonlyMap<string, Version>>;
  readonly gate: Pick<Gate, "lease" | "release">;
  readonly newId: () => string;
  readonly sleep: (ms: number) => Promise<void>;
  /** Messages waiting behind this batch, of whatever connection and kind, as far as the queue says. */
  readonly backlog: () => Promise<number>;
}

/** The refs waited for, each with the instant of its oldest event (upstream's clock, ms). */
export type Burst = readonly { readonly key: string; readonly since: number }[];

/** @param open refs and their events */
export function bursts(
  source: Source,
  open: readonly (readonly [string, readonly Changed[]])[],
): ReadonlyMap<Kind, Burst> {
  const listed = open.filter(([, [first]]) => first && source.kinds[first.body.what.ref.kind].list);
  const byKind = Map.groupBy(listed, ([, [first]]) => (first as Changed).body.what.ref.kind);
  return new Map(
    [...byKind].map(([kind, refs]) => [
      kind,
      refs.map(([key, events]) => ({
        key,
        since: Math.min(...events.map(({ body }) => body.createdAt ?? body.receivedAt)),
      })),
    ]),
  );
}

/** An event from long before would stretch the list over everything that changed since. */
export function sameTime(burst: Burst): Burst {
  const newest = Math.max(...burst.map(({ since }) => since));
  return burst.filter(({ since }) => since >= newest - limits.burstSpanMs);
}

/**
 * One list of a kind at a time: batches that run side by side would each read the same pages. Who comes meanwhile
 * waits for what the other brings, and lists only what is open then.
 * @param stillOpen what of the burst the mirror does not show by now
 */
export async function listInTurn(
  deps: BurstDeps,
  kind: Kind,
  looks: Map<string, Looked>,
  stillOpen: () => Promise<Burst>,
): Promise<void> {
  const name = `burst/${kind}`;
  const holder = deps.newId();
  for (let turn = 0; turn < limits.burstTurns; turn++) {
    const mine = await deps.gate.lease(name, holder, limits.sweepLeaseMs);
    try {
      const burst = await stillOpen();
      if (burst.length < limits.burstRefs) return;
      if (mine) {
        let leasedAt = deps.now();
        const waiting = await gather(deps);
        const extend = async () => {
          if (deps.now() - leasedAt < limits.burstTurnMs) return;
          leasedAt = deps.now();
          await deps.gate.lease(name, holder, limits.sweepLeaseMs);
        };
        return await listBurst(deps, kind, burst, looks, { waiting, extend });
      }
    } finally {
      if (mine) await deps.gate.release(name, holder);
    }
    await deps.sleep(limits.burstTurnMs);
  }
}

/**
 * A list shows only what was changed before it is read, and an event counts only for a look after its receipt: while
 * the burst still comes in, its list would have to be read again and again.
 * @returns messages waiting behind the batch
 */
async function gather({ backlog, sleep }: BurstDeps): Promise<number> {
  let waiting = await backlog();
  for (let turn = 0; waiting > 0 && turn < limits.burstGathers; turn++) {
    await sleep(limits.burstTurnMs);
    const now = await backlog();
    const growing = now >= waiting + limits.burstRefs;
    waiting = now;
    if (!growing) break;
  }
  return waiting;
}

/**
 * Stops as soon as every ref was seen, or when more pages would cost more than they save. Where a page brings much that
 * nobody waited for, more of that follows, and its events are on their way: then it goes on. Messages that wait behind
 * this batch are worth some pages more, because they belong to the same burst. A failing list is no failure of the
 * events: what it did not bring is fetched singly.
 * @param looks receives what the list showed of the refs waited for
 * @param waiting messages behind this batch
 * @param extend called with every further page
 */
export async function listBurst(
  deps: Pick<BurstDeps, "listChanged" | "writers" | "versions" | "sleep">,
  kind: Kind,
  burst: Burst,
  looks: Map<string, Looked>,
  { waiting, extend }: { readonly waiting: number; readonly extend: () => Promise<void> } = ALONE,
): Promise<void> {
  const missing = new Set(burst.map(({ key }) => key));
  const since = Math.min(...burst.map((wanted) => wanted.since)) - limits.burstSlackMs;
  const own = Math.max(1, Math.floor(burst.length * limits.burstPagesPerRef));
  const shared = Math.min(Math.floor(waiting / limits.burstBacklogPerPage), limits.burstSharedPages);
  const list = (url?: string) => listPatiently(deps, kind, since, url);
  let pageUrl: string | undefined;
  let next: Promise<Result<Page> | undefined> = list();
  for (let pages = 1; ; pages++) {
    const page = await next;
    if (!page?.ok) return;
    const { snapshots, nextUrl } = page.value;
    const { awaited, others, held } = await newsOf(deps, snapshots, missing);
    for (const snapshot of awaited) missing.delete(refKey(snapshot));
    // Of a stamp cut to the second no copy can tell whether it shows an event of that second: it would be asked again.
    const telling = others.filter(({ updatedAt }) => updatedAt !== undefined && !isWhole(updatedAt));
    const worthwhile = missing.size > 0 || telling.length >= limits.burstNews * snapshots.length;
    const goesOn = pages < shared || (pages < own + shared && worthwhile);
    const further = goesOn && nextUrl !== pageUrl ? nextUrl : undefined;
    pageUrl = nextUrl;
    // The next page is on its way while this one is committed.
    next = further === undefined ? Promise.resolve(undefined) : list(further);
    const offered = deps.writers.offer([...awaited, ...others], held);
    const [looked] = await Promise.all([offered, next, further && extend()]);
    awaited.forEach((snapshot, i) => {
      looks.set(refKey(snapshot), looked[i] as Looked);
    });
  }
}

const ALONE = { waiting: 0, extend: async () => {} };

/** What of a page is waited for, and what else the mirror does not hold as it is. */
async function newsOf(
  { versions }: Pick<BurstDeps, "versions">,
  snapshots: readonly Snapshot[],
  missing: ReadonlySet<string>,
) {
  const held = await versions(snapshots.map(({ kind, id }) => ({ kind, id })));
  const isAwaited = (snapshot: Snapshot) => missing.has(refKey(snapshot));
  const others = snapshots.filter((one) => !isAwaited(one) && differs(held.get(refKey(one)), one));
  return { awaited: snapshots.filter(isAwaited), others, held };
}

/** Where the allowance is used up for a moment, waiting is cheaper than a hundred single fetches that wait as well. */
async function listPatiently(
  deps: Pick<BurstDeps, "listChanged" | "sleep">,
  kind: Kind,
  since: number,
  pageUrl: string | undefined,
): Promise<Result<Page>> {
  const page = await deps.listChanged(kind, since, pageUrl);
  if (page.ok || page.failure.kind !== "held" || page.failure.waitMs > limits.burstWaitMs) return page;
  await deps.sleep(page.failure.waitMs);
  return deps.listChanged(kind, since, pageUrl);
}
