// What no since-filter covers is looked at record by record, a bounded number at a time, round and round: the
// per-client documents (SW5), and the verifier's re-reading of everything, the only way to notice deletions
// (SW9).

import type { Failure } from "../core/failure.ts";
import type { CallClass } from "../core/gate.ts";
import { KINDS, type Kind, type RecordId, type Ref } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import type { Cursor, LookAsk } from "./ports.ts";
import type { Connection } from "./stores.ts";
import type { SweepDeps, Swept } from "./sweep.ts";

interface Step {
  readonly ref: Ref;
  readonly organizationId?: string | undefined;
  /** Where the walk stands once this record was looked at. */
  readonly reached?: Pick<Cursor, "walkedTo" | "recentTo">;
}

/**
 * Clients changed lately first, then on from where the last walk ended. Both positions are saved after every
 * few records, so an interrupted walk goes on where it was.
 */
export async function walkClients(deps: SweepDeps, connection: Connection, kind: Kind): Promise<Swept> {
  let cursor = await deps.cursors.read(connection.id, kind);
  const recentFrom = cursor.recentTo ?? deps.now() - limits.clockDoubtMs;
  const recent = await deps.records.page(connection.id, "clients", {
    limit: limits.sliceRows,
    updatedAfter: recentFrom,
  });
  const first = new Set<string>(recent.map(({ id }) => id));
  const walked = await nextIds(
    deps,
    connection,
    ["clients"],
    cursor.walkedTo,
    limits.sliceRows - recent.length,
  );
  const steps: Step[] = [
    ...recent.map(({ id, organizationId, updatedAt }) => ({
      ref: { kind, id },
      organizationId,
      reached: { recentTo: (updatedAt ?? recentFrom) + 1 },
    })),
    ...walked.steps
      .filter(({ ref }) => !first.has(ref.id))
      .map(({ ref, organizationId }) => ({
        ref: { kind, id: ref.id },
        organizationId,
        reached: { walkedTo: `clients/${ref.id}` },
      })),
  ];
  const result = await lookAt(deps, connection, steps, "sweep", async (moved) => {
    cursor = { recentTo: recentFrom, ...cursor, ...moved };
    await deps.cursors.write(connection.id, kind, cursor);
  });
  const last = { at: deps.now(), pages: result.seen, seen: result.seen, drifted: result.drifted };
  if (result.failure === undefined) {
    await deps.cursors.write(connection.id, kind, {
      recentTo: recentFrom,
      ...cursor,
      walkedTo: walked.end,
      last,
    });
  }
  return { kind, ...last, watermark: undefined, ...ending(result.failure) };
}

/** The least recently verified records, by budget. */
export async function verify(
  deps: SweepDeps,
  connection: Connection,
  budget: number,
): Promise<Omit<Swept, "kind">> {
  const kinds = KINDS.filter((kind) => deps.source.kinds[kind].list !== undefined);
  const cursor = await deps.cursors.read(connection.id, "verify");
  const { steps, end } = await nextIds(deps, connection, kinds, cursor.walkedTo, budget);
  const result = await lookAt(deps, connection, steps, "verify");
  const last = { at: deps.now(), pages: result.seen, seen: result.seen, drifted: result.drifted };
  if (result.failure === undefined)
    await deps.cursors.write(connection.id, "verify", { walkedTo: end, last });
  return { ...last, watermark: undefined, ...ending(result.failure) };
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
  const last = steps.at(-1);
  const end = last === undefined || steps.length < budget ? "" : `${last.ref.kind}/${last.ref.id}`;
  return { steps, end };
}

async function lookAt(
  deps: SweepDeps,
  connection: Connection,
  steps: readonly Step[],
  callClass: CallClass,
  moved: (to: Pick<Cursor, "walkedTo" | "recentTo">) => Promise<void> = async () => {},
): Promise<{ readonly seen: number; readonly drifted: number; readonly failure?: Failure }> {
  let seen = 0;
  let drifted = 0;
  for (let at = 0; at < steps.length; at += limits.walkAtOnce) {
    const part = steps.slice(at, at + limits.walkAtOnce);
    const asks = part.map(({ ref, organizationId }): LookAsk => ({ ref, class: callClass, organizationId }));
    const looked = await deps.writers.look(asks);
    const doubtful: Ref[] = [];
    for (const [i, one] of looked.entries()) {
      const { ref } = part[i] as Step;
      if (!one.ok) {
        // One record that cannot be read must not end the walk for all the others.
        if (one.failure.kind === "forbidden" || one.failure.kind === "bad_answer") continue;
        return { seen, drifted, failure: one.failure };
      }
      seen++;
      if (one.doubt) doubtful.push(ref);
      if (one.decision !== "update" && one.decision !== "tombstone") continue;
      drifted++;
      await deps.kinds.addDrift(
        connection.id,
        ref.kind,
        one.decision === "update" ? { missed: 1 } : { deleted: 1 },
      );
    }
    if (doubtful.length > 0) {
      const jobs = doubtful.map((ref) => ({ job: "look", connection: connection.id, ref }) as const);
      await deps.queues.sendJobs(jobs, limits.confirmAfterMs / 1_000 + 1);
    }
    const { reached } = part.at(-1) ?? {};
    if (reached && at + limits.walkAtOnce < steps.length) await moved(reached);
  }
  return { seen, drifted };
}
