// Backfill on login (BF1): the first login of a user for a client hydrates that client, its organization and
// its assessment status; later logins do nothing.

import { afterFailure, describeFailure, type Failure } from "../core/failure.ts";
import { type ConnectionId, type RecordId, recordId } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import { ACK, type Settlement } from "./messages.ts";
import type { LookAsk, Queues, Writers } from "./ports.ts";
import type { Backfill, BackfillStore, RecordStore } from "./stores.ts";

export interface LoginDeps {
  readonly now: () => number;
  readonly newId: () => string;
  readonly backfills: BackfillStore;
  readonly queues: Pick<Queues, "sendJobs">;
}

/**
 * The row decides who is first; ten thousand simultaneous logins make one. Dying between the row and the queue
 * leaves a row that a later login, or the clock, finds waiting and queues again.
 */
export async function login(
  deps: LoginDeps,
  connection: ConnectionId,
  userId: string,
  clientId: RecordId,
): Promise<{ readonly backfill: Backfill; readonly first: boolean }> {
  const now = deps.now();
  const { backfill, created } = await deps.backfills.begin(connection, userId, clientId, deps.newId(), now);
  if (created || isStale(backfill, now)) {
    if (!created) await deps.backfills.set(backfill.id, "queued", undefined, now);
    await deps.queues.sendJobs([{ job: "backfill", connection, backfill: backfill.id }]);
  }
  return { backfill, first: created };
}

export function isStale({ status, updatedAt }: Backfill, now: number): boolean {
  return (status === "queued" || status === "running") && updatedAt < now - limits.staleWorkMs;
}

export interface BackfillDeps {
  readonly now: () => number;
  readonly random: () => number;
  readonly backfills: BackfillStore;
  readonly records: Pick<RecordStore, "one">;
  readonly writers: Pick<Writers, "look">;
}

/** Safe to run twice: looks write nothing that is there already. */
export async function runBackfill(
  deps: BackfillDeps,
  connection: ConnectionId,
  id: string,
  attempts: number,
): Promise<Settlement> {
  const backfill = await deps.backfills.get(connection, id);
  // Cleared by a readmission, or done by an earlier copy of this message.
  if (backfill === undefined || backfill.status === "done") return ACK;
  await deps.backfills.set(id, "running", undefined, deps.now());
  const failure = await hydrateClient(deps, connection, backfill.clientId);
  if (failure === undefined) {
    await deps.backfills.set(id, "done", undefined, deps.now());
    return ACK;
  }
  const after = afterFailure(failure, attempts, deps.random());
  if (after.result === "park") await deps.backfills.set(id, "failed", describeFailure(failure), deps.now());
  return after;
}

async function hydrateClient(
  deps: BackfillDeps,
  connection: ConnectionId,
  id: RecordId,
): Promise<Failure | undefined> {
  const ask = (ref: LookAsk["ref"], organizationId?: string): LookAsk => ({
    ref,
    class: "event",
    organizationId,
  });
  const [looked] = await deps.writers.look([ask({ kind: "clients", id })]);
  if (looked && !looked.ok) return looked.failure;
  const client = await deps.records.one(connection, { kind: "clients", id });
  const organization = recordId(client?.organizationId);
  const rest = await deps.writers.look([
    ask({ kind: "assessment-status", id }, organization),
    ...(organization === undefined ? [] : [ask({ kind: "organizations", id: organization })]),
  ]);
  const failed = rest.find((one) => !one.ok);
  return failed && !failed.ok ? failed.failure : undefined;
}
