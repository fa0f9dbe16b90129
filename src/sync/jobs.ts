// Work that is not an event: looks to confirm, replays, sweeps. Each job is one message and one settlement.

import { afterFailure, describeFailure, type Failure } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import { ACK, type EventMessage, type JobMessage, type Queued, type Settlement } from "./messages.ts";
import { replay } from "./park.ts";
import type { CursorName, Log, Queues, Writers } from "./ports.ts";
import type { Connection, ConnectionStore, DeadLetterStore, KindStore } from "./stores.ts";
import { nextRuns, type SweptAny } from "./sweeps.ts";

export interface JobDeps {
  readonly now: () => number;
  readonly random: () => number;
  readonly writers: Writers;
  readonly deadLetters: DeadLetterStore;
  readonly queues: Pick<Queues, "sendEvents" | "sendJobs">;
  readonly parseEvent: (message: unknown) => EventMessage;
  readonly parseJob: (message: unknown) => JobMessage;
  readonly kinds: KindStore;
  readonly sweep: (connection: Connection, names: readonly CursorName[]) => Promise<readonly SweptAny[]>;
  readonly backfill: (connection: Connection, id: string, attempts: number) => Promise<Settlement>;
  readonly rebuild: (connection: Connection, attempts: number) => Promise<Settlement>;
  readonly minimise: (connection: Connection) => Promise<Settlement>;
  /** @returns why it could not be done */
  readonly guard: (connection: Connection) => Promise<Failure | undefined>;
  /** The key may be good again: the gate lets one more try through. */
  readonly resumeGate: (connection: Connection) => Promise<void>;
  readonly connections: Pick<ConnectionStore, "unpause">;
  readonly log: Log;
}

type Job<J extends JobMessage["job"]> = Extract<JobMessage, { job: J }>;

export function runJob(
  deps: JobDeps,
  connection: Connection,
  message: Queued<JobMessage>,
): Promise<Settlement> {
  const { body, attempts } = message;
  switch (body.job) {
    case "look":
      return lookOnce(deps, body, attempts);
    case "replay":
      return replayParked(deps, connection, body);
    case "backfill":
      return deps.backfill(connection, body.backfill, attempts);
    case "rebuild":
      return deps.rebuild(connection, attempts);
    case "minimise":
      return deps.minimise(connection);
    case "guard":
      return guard(deps, connection, attempts);
    case "sweep":
      return sweep(deps, connection, body);
  }
}

/** A disappearance is confirmed by the same job coming back once it is old enough. */
async function lookOnce(deps: JobDeps, job: Job<"look">, attempts: number): Promise<Settlement> {
  const { ref, organizationId } = job;
  const [looked] = await deps.writers.look([{ ref, class: "event", organizationId }]);
  if (looked === undefined) return { result: "retry", delaySeconds: 1 };
  if (looked.ok) {
    if (looked.decision === "tombstone") await deps.kinds.addDrift(job.connection, ref.kind, { deleted: 1 });
    if (looked.doubt === undefined) return ACK;
    const waitMs = looked.doubt.since + limits.confirmAfterMs - deps.now();
    return { result: "retry", delaySeconds: Math.max(1, Math.ceil(waitMs / 1_000)) };
  }
  const after = afterFailure(looked.failure, attempts, deps.random());
  if (after.result === "park")
    deps.log("error", "job_parked", { job: "look", reason: describeFailure(looked.failure) });
  return after;
}

/** A slice at a time; the next slice is queued before this one is let go. */
async function replayParked(deps: JobDeps, connection: Connection, job: Job<"replay">): Promise<Settlement> {
  const { more } = await replay(deps, { connection: connection.id, parkedBefore: job.parkedBefore });
  if (more) await deps.queues.sendJobs([job]);
  return ACK;
}

/** A busy sweep may leave the guard no budget: it comes back a few times, then with the next tick. */
async function guard(deps: JobDeps, connection: Connection, attempts: number): Promise<Settlement> {
  const failure = await deps.guard(connection);
  if (failure === undefined || attempts >= limits.sweepAttempts) return ACK;
  const after = afterFailure(failure, attempts, deps.random());
  return after.result === "retry" ? after : ACK;
}

async function sweep(deps: JobDeps, connection: Connection, job: Job<"sweep">): Promise<Settlement> {
  // A paused connection is probed by its next sweep: a key that was given back upstream needs no operator. If
  // it is still rejected, the first call pauses the connection again, and that was the only call.
  const probing = connection.status === "paused";
  if (probing) await deps.resumeGate(connection);
  const results = await deps.sweep(connection, job.kinds);
  if (probing && results.some(({ finished, pages }) => finished && pages > 0))
    await unpause(deps, connection);
  for (const { kinds, delaySeconds, failures } of nextRuns(results, job.failures ?? 0, deps.random())) {
    await deps.queues.sendJobs([{ job: "sweep", connection: connection.id, kinds, failures }], delaySeconds);
  }
  return ACK;
}

async function unpause(deps: JobDeps, { id }: Connection): Promise<void> {
  await deps.connections.unpause(id);
  await deps.queues.sendJobs([{ job: "replay", connection: id, parkedBefore: deps.now() + 1 }]);
  deps.log("info", "connection_resumed", { connection: id });
}
