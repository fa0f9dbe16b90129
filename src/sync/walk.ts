// What no since-filter covers is looked at record by record, a bounded number at a time, round and round: the
// per-client documents (SW5), and the verifier's re-reading of everything, the only way to notice deletions
// (SW9).

import type { Failure } from "../core/failure.ts";
import type { CallClass } from "../core/gate.ts";
import type { Kind, Ref } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import { shardOf } from "../core/shard.ts";
import { isClosed } from "./in-order.ts";
import { permitsInTurn } from "./permits.ts";
import type { Cursor, CursorName, LookAsk, Looked, SweepSummary } from "./ports.ts";
import { nextInRound, type Place } from "./rounds.ts";
import type { Connection, DriftCause } from "./stores.ts";
import { type SweepDeps, type Swept, sweptKinds } from "./sweep.ts";

type Reached = Place & Pick<Cursor, "recentTo" | "heardTo">;

interface Step {
  readonly ref: Ref;
  readonly organizationId?: string | undefined;
  /** Where the walk stands once this record was looked at. */
  readonly reached: Reached;
}

/**
 * Clients that events spoke of or that changed lately first, then on from where the last walk ended. All positions
 * are saved after every few records, so an interrupted walk goes on where it was.
 */
export async function walkClients(deps: SweepDeps, connection: Connection, kind: Kind): Promise<Swept> {
  const slice = deps.source.kinds[kind].upkeep.rowsPerRun ?? limits.sliceRows;
  const walked = await walk(deps, connection, kind, "sweep", slice, (cursor, rows) =>
    stepsOf(deps, connection, kind, cursor, rows),
  );
  return { kind, ...walked };
}

/**
 * One walk of a name at a time, by a lease that is taken, and kept, in the very calls that ask the gate for its permits
 * (SW4): a place read just before another walk ended is a place read late. A slice that is interrupted keeps what is
 * left of it, so that what one tick of the clock may cost is one slice, however often it is taken up again.
 */
async function walk(
  deps: SweepDeps,
  connection: Connection,
  name: CursorName,
  callClass: CallClass,
  slice: number,
  plan: (cursor: Cursor, rows: number) => Promise<{ readonly steps: readonly Step[]; readonly end: Reached }>,
): Promise<Omit<Swept, "kind">> {
  const lease = { name: `sweep/${name}`, holder: deps.newId() };
  const permitsFor = permitsInTurn(deps, callClass, { ...lease, forMs: limits.walkLeaseMs });
  try {
    let cursor = await deps.cursors.read(connection.id, name);
    const rows = Math.min(slice, cursor.left ?? slice);
    const { steps, end } = await plan(cursor, rows);
    const { sofar = NONE } = cursor;
    const result = await lookAt(deps, connection, steps, callClass, permitsFor, async (reached, done) => {
      cursor = { ...cursor, ...reached, left: Math.max(1, rows - done.steps), sofar: sum(sofar, done) };
      await deps.cursors.write(connection.id, name, cursor, true);
    });
    const { seen, drifted, ...why } = result;
    const finished = why.failure === undefined && why.busy === undefined;
    if (finished) {
      // However many runs it took, the figures are the slice's.
      const whole = sum(sofar, result);
      const last = { at: deps.now(), pages: whole.seen, ...whole };
      await deps.cursors.write(connection.id, name, { ...end, last });
    }
    return { pages: seen, seen, drifted, watermark: undefined, finished, ...why };
  } finally {
    await deps.gate.release(lease.name, lease.holder);
  }
}

type Figures = Pick<SweepSummary, "seen" | "drifted">;
const NONE: Figures = { seen: 0, drifted: 0 };
const sum = (a: Figures, b: Figures): Figures => ({ seen: a.seen + b.seen, drifted: a.drifted + b.drifted });

async function stepsOf(deps: SweepDeps, connection: Connection, kind: Kind, cursor: Cursor, rows: number) {
  const recentTo = cursor.recentTo ?? deps.now() - limits.clockDoubtMs;
  const heardTo = cursor.heardTo ?? deps.now() - limits.clockDoubtMs;
  // An event that the API never showed in time is left to the sweep (WR6): here it is.
  const heard = await deps.ledger.clientsHeardOf(connection.id, heardTo, Math.floor(rows / 4));
  const recent = await deps.records.page(connection.id, "clients", {
    limit: rows - heard.length,
    updatedAfter: recentTo,
  });
  const left = rows - heard.length - recent.length;
  const refOf = ({ id }: Ref): Ref => ({ kind, id });
  const round = await nextInRound(deps, connection, ["clients"], refOf, cursor, left);
  const steps: Step[] = [
    ...heard.map(({ id, receivedAt }) => ({ ref: { kind, id }, reached: { heardTo: receivedAt } })),
    ...recent.map(({ id, organizationId, updatedAt }) => ({
      ref: { kind, id },
      organizationId,
      reached: { recentTo: (updatedAt ?? recentTo) + 1 },
    })),
    ...round.steps,
  ];
  const end = {
    ...round.end,
    recentTo: Math.max(recentTo, ...recent.map(({ updatedAt }) => (updatedAt ?? 0) + 1)),
    heardTo: Math.max(heardTo, ...heard.map(({ receivedAt }) => receivedAt)),
  };
  return { steps: eachOnce(steps), end };
}

/** A record asked for twice is looked at once, in its first place; the later place still moves the walk on. */
function eachOnce(steps: readonly Step[]): readonly Step[] {
  const seen = new Set<string>();
  return steps.filter(({ ref }) => {
    const first = !seen.has(ref.id);
    seen.add(ref.id);
    return first;
  });
}

/**
 * The least recently verified records of every kind that can be fetched, by budget. Per-client documents are among
 * them although they are walked: a walk goes by the clients that live, and would never meet what a deleted one left.
 */
export function verify(
  deps: SweepDeps,
  connection: Connection,
  budget: number,
): Promise<Omit<Swept, "kind">> {
  return walk(deps, connection, "verify", "verify", budget, (cursor, rows) =>
    nextInRound(deps, connection, sweptKinds(deps.source), (held) => held, cursor, rows),
  );
}

/**
 * In order, as many at a time as one writer has next and the gate gives permits for. A walk goes on only behind what
 * was looked at without a gap: however few were let through, the next one goes on behind them. One record that cannot
 * be read does not end it for the others; an upstream that is away does.
 * @param moved called after every few: where the walk stands, and what is behind it
 */
async function lookAt(
  deps: SweepDeps,
  connection: Connection,
  steps: readonly Step[],
  callClass: CallClass,
  permitsFor: ReturnType<typeof permitsInTurn>,
  moved: (reached: Reached, done: Figures & { readonly steps: number }) => Promise<void>,
): Promise<Figures & Pick<Swept, "failure" | "busy">> {
  let [seen, drifted, behind, away] = [0, 0, 0, 0];
  let failure: Failure | undefined;
  for (let at = 0; at < steps.length && failure === undefined; ) {
    const next = ofOneWriter(deps, steps.slice(at, at + limits.walkTogether));
    const permits = await permitsFor(next.length);
    if (permits === undefined) return { seen, drifted, busy: true };
    const part = next.slice(0, Math.max(1, permits.calls));
    const asks = part.map(({ ref, organizationId }): LookAsk => ({ ref, class: callClass, organizationId }));
    const looked = await deps.writers.walk(asks, permits);
    await confirmDoubts(deps, connection, part, looked);
    const before = behind;
    for (const [i, one] of looked.entries()) {
      const closed = isClosed(one);
      away = isAway(one) ? away + 1 : 0;
      if (!one.ok && (closed || away === limits.walkAway)) failure = one.failure;
      if (failure !== undefined) break;
      at++;
      if (away === 0) behind = at;
      if (!one.ok) continue;
      seen++;
      const cause = driftOf(deps, one);
      if (cause === undefined) continue;
      drifted++;
      await deps.kinds.addDrift(connection.id, (part[i] as Step).ref.kind, { [cause]: 1 });
    }
    // Nothing but trouble, to the last: that is no record's own.
    const last = looked.at(-1);
    if (at === steps.length && behind === 0 && last?.ok === false) failure = last.failure;
    const goesOn = behind < steps.length;
    if (behind > before && goesOn)
      await moved(reachedBy(steps.slice(0, behind)), { steps: behind, seen, drifted });
  }
  return failure === undefined ? { seen, drifted } : { seen, drifted, failure };
}

/** The first of them that share a writer. */
function ofOneWriter({ shards }: SweepDeps, steps: readonly Step[]): readonly Step[] {
  const shard = (step: Step) => shardOf(step.ref, shards);
  const other = steps.findIndex((step) => shard(step) !== shard(steps[0] as Step));
  return other < 0 ? steps : steps.slice(0, other);
}

const reachedBy = (steps: readonly Step[]): Reached =>
  Object.assign({}, ...steps.map(({ reached }) => reached)) as Reached;

async function confirmDoubts(
  deps: Pick<SweepDeps, "queues">,
  connection: Connection,
  part: readonly Step[],
  looked: readonly Looked[],
): Promise<void> {
  const doubtful = part.filter((_, i) => hasDoubt(looked[i])).map(({ ref }) => ref);
  if (doubtful.length === 0) return;
  const jobs = doubtful.map((ref) => ({ job: "look", connection: connection.id, ref }) as const);
  await deps.queues.sendJobs(jobs, limits.confirmAfterMs / 1_000 + 1);
}

const hasDoubt = (looked: Looked | undefined) => looked?.ok === true && looked.doubt !== undefined;

const AWAY: ReadonlySet<string> = new Set(["unreachable", "server_error", "interrupted"]);
const isAway = (one: Looked) => !one.ok && AWAY.has(one.failure.kind);

function driftOf(deps: SweepDeps, looked: Extract<Looked, { ok: true }>): DriftCause | undefined {
  if (looked.decision === "tombstone") return "deleted";
  if (looked.decision !== "update") return undefined;
  const { updatedAt } = looked.version ?? {};
  return updatedAt !== undefined && deps.now() - updatedAt < limits.webhookDueMs ? "late" : "missed";
}
