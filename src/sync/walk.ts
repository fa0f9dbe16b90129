// What no since-filter covers is looked at record by record, a bounded number at a time, round and round: the
// per-client documents (SW5), and the verifier's re-reading of everything, the only way to notice deletions
// (SW9).

import type { Failure } from "../core/failure.ts";
import type { CallClass } from "../core/gate.ts";
import type { Kind, RecordId, Ref } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import type { Cursor, CursorName, LookAsk, Looked, SweepSummary, Writers } from "./ports.ts";
import type { Connection, DriftCause } from "./stores.ts";
import { type SweepDeps, type Swept, sweptKinds } from "./sweep.ts";

type Reached = Pick<Cursor, "walkedTo" | "recentTo" | "heardTo">;

interface Step {
  readonly ref: Ref;
  readonly organizationId?: string | undefined;
  /** Where the walk stands once this record was looked at. */
  readonly reached?: Reached;
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
 * One walk of a name at a time, by lease (SW4). A slice that is interrupted keeps what is left of it, so that what
 * one tick of the clock may cost is one slice, however often it is taken up again.
 */
async function walk(
  deps: SweepDeps,
  connection: Connection,
  name: CursorName,
  callClass: CallClass,
  slice: number,
  plan: (
    cursor: Cursor,
    rows: number,
  ) => Promise<{ readonly steps: readonly Step[]; readonly end: Pick<Cursor, "walkedTo"> }>,
): Promise<Omit<Swept, "kind">> {
  const holder = deps.newId();
  const lease = () => deps.gate.lease(`sweep/${name}`, holder, limits.sweepLeaseMs);
  if (!(await lease())) return { ...NOWHERE, busy: true };
  try {
    let cursor = await deps.cursors.read(connection.id, name);
    const rows = Math.min(slice, cursor.left ?? slice);
    const { steps, end } = await plan(cursor, rows);
    const { sofar = NONE } = cursor;
    const result = await lookAt(deps, connection, steps, callClass, async (reached, done) => {
      cursor = { ...cursor, ...reached, left: Math.max(1, rows - done.steps), sofar: sum(sofar, done) };
      await deps.cursors.write(connection.id, name, cursor, true);
      await lease();
    });
    const { seen, drifted, failure } = result;
    if (failure === undefined) {
      // However many runs it took, the figures are the slice's.
      const whole = sum(sofar, result);
      const last = { at: deps.now(), pages: whole.seen, ...whole };
      await deps.cursors.write(connection.id, name, { ...end, last });
    }
    return { pages: seen, seen, drifted, watermark: undefined, ...ending(failure) };
  } finally {
    await deps.gate.release(`sweep/${name}`, holder);
  }
}

type Figures = Pick<SweepSummary, "seen" | "drifted">;
const NONE: Figures = { seen: 0, drifted: 0 };
const sum = (a: Figures, b: Figures): Figures => ({ seen: a.seen + b.seen, drifted: a.drifted + b.drifted });

const NOWHERE = { pages: 0, seen: 0, drifted: 0, watermark: undefined, finished: false } as const;

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
  const walked = await nextIds(deps, connection, ["clients"], cursor.walkedTo, left);
  const steps: Step[] = [
    ...heard.map(({ id, receivedAt }) => ({ ref: { kind, id }, reached: { heardTo: receivedAt } })),
    ...recent.map(({ id, organizationId, updatedAt }) => ({
      ref: { kind, id },
      organizationId,
      reached: { recentTo: (updatedAt ?? recentTo) + 1 },
    })),
    ...walked.steps.map(({ ref, organizationId }) => ({
      ref: { kind, id: ref.id },
      organizationId,
      reached: { walkedTo: `clients/${ref.id}` },
    })),
  ];
  const end = {
    walkedTo: walked.end,
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
  return walk(deps, connection, "verify", "verify", budget, async (cursor, rows) => {
    const { steps, end } = await nextIds(deps, connection, sweptKinds(deps.source), cursor.walkedTo, rows);
    const placed = steps.map((step) => ({
      ...step,
      reached: { walkedTo: `${step.ref.kind}/${step.ref.id}` },
    }));
    return { steps: placed, end: { walkedTo: end } };
  });
}

function ending(failure: Failure | undefined) {
  return failure === undefined ? { finished: true } : { finished: false, failure };
}

/**
 * The next refs in the order of kinds and ids; past the last one the walk starts over.
 * @param from `<kind>/<id>` of the last ref walked
 */
async function nextIds(
  deps: SweepDeps,
  connection: Connection,
  kinds: readonly Kind[],
  from: string | undefined,
  budget: number,
): Promise<{ readonly steps: readonly Step[]; readonly end: string }> {
  const [fromKind, fromId = ""] = (from ?? "").split("/");
  const start = Math.max(0, kinds.indexOf(fromKind as Kind));
  const steps: Step[] = [];
  for (let at = start; at < kinds.length && steps.length < budget; at++) {
    const kind = kinds[at] as Kind;
    const after = at === start ? fromId : "";
    const ids = await deps.records.ids(connection.id, kind, after, budget - steps.length);
    steps.push(
      ...ids.map(({ id, organizationId }) => ({ ref: { kind, id: id as RecordId }, organizationId })),
    );
  }
  if (budget <= 0) return { steps, end: from ?? "" };
  const last = steps.at(-1);
  const end = last === undefined || steps.length < budget ? "" : `${last.ref.kind}/${last.ref.id}`;
  return { steps, end };
}

async function lookAt(
  deps: SweepDeps,
  connection: Connection,
  steps: readonly Step[],
  callClass: CallClass,
  /** Called after every few: where the walk stands, and what is behind it. */
  moved: (reached: Reached, done: Figures & { readonly steps: number }) => Promise<void>,
): Promise<{ readonly seen: number; readonly drifted: number; readonly failure?: Failure }> {
  let seen = 0;
  let drifted = 0;
  let reached: Reached = {};
  for (let at = 0; at < steps.length; at += limits.walkAtOnce) {
    const part = steps.slice(at, at + limits.walkAtOnce);
    const asks = part.map(({ ref, organizationId }): LookAsk => ({ ref, class: callClass, organizationId }));
    const looked = await lookInOrder(deps.writers, asks);
    const doubtful = part.filter((_, i) => hasDoubt(looked[i])).map(({ ref }) => ref);
    if (doubtful.length > 0) {
      const jobs = doubtful.map((ref) => ({ job: "look", connection: connection.id, ref }) as const);
      await deps.queues.sendJobs(jobs, limits.confirmAfterMs / 1_000 + 1);
    }
    const stop = whyStop(looked);
    const done = stop === undefined ? looked : looked.slice(0, stop.at);
    for (const [i, one] of done.entries()) {
      reached = { ...reached, ...part[i]?.reached };
      if (!one.ok) continue;
      seen++;
      const cause = driftOf(deps, one);
      if (cause === undefined) continue;
      drifted++;
      await deps.kinds.addDrift(connection.id, (part[i] as Step).ref.kind, { [cause]: 1 });
    }
    // However few were let through, the next walk goes on behind them: a small budget is slow, never stuck.
    const behind = at + done.length;
    if (done.length > 0 && behind < steps.length) await moved(reached, { steps: behind, seen, drifted });
    if (stop !== undefined) return { seen, drifted, failure: stop.failure };
  }
  return { seen, drifted };
}

/**
 * One after the other: with a small budget some are let through and some are not, and a walk can only go on behind
 * what was looked at without a gap. It ends where the gate does; the budget is the pace, not this.
 */
export async function lookInOrder(
  writers: Pick<Writers, "look">,
  asks: readonly LookAsk[],
): Promise<readonly Looked[]> {
  const looked: Looked[] = [];
  for (const ask of asks) {
    const [one] = await writers.look([ask]);
    if (one === undefined) break;
    looked.push(one);
    if (isClosed(one)) break;
  }
  return looked;
}

const isOneOf =
  (...kinds: readonly Failure["kind"][]) =>
  (one: Looked) =>
    !one.ok && kinds.includes(one.failure.kind);
const isClosed = isOneOf("held", "paused", "key_rejected");
const isAway = isOneOf("unreachable", "server_error", "interrupted");

const hasDoubt = (looked: Looked | undefined) => looked?.ok === true && looked.doubt !== undefined;

/**
 * One record that cannot be read must not end the walk for the others; an upstream that is away does.
 * @returns the first position that was not looked at, and why
 */
function whyStop(looked: readonly Looked[]): { readonly at: number; readonly failure: Failure } | undefined {
  const closed = looked.findIndex(isClosed);
  const at = closed >= 0 ? closed : looked.every(isAway) ? 0 : -1;
  const one = looked[at];
  return one === undefined || one.ok ? undefined : { at, failure: one.failure };
}

function driftOf(deps: SweepDeps, looked: Extract<Looked, { ok: true }>): DriftCause | undefined {
  if (looked.decision === "tombstone") return "deleted";
  if (looked.decision !== "update") return undefined;
  const { updatedAt } = looked.version ?? {};
  return updatedAt !== undefined && deps.now() - updatedAt < limits.webhookDueMs ? "late" : "missed";
}
