// What the clock starts. A tick only puts work on the queue: a run that dies is repeated by the next tick, and
// two ticks at once meet the sweeps' lease.

import { limits } from "../core/limits.ts";
import type { JobMessage } from "./messages.ts";
import { isWanted } from "./rebuild.ts";
import type { Services } from "./services.ts";
import type { ConnectionHead } from "./stores.ts";
import { dueSweeps } from "./sweeps.ts";

/** @throws when a connection's work could not be queued; the others have theirs by then */
export async function tick(services: Services): Promise<void> {
  let failed = 0;
  for (const connection of await services.connections.list()) {
    if (connection.status === "connecting") continue;
    try {
      await queueWork(services, connection);
    } catch (error) {
      // One connection's trouble must not take the others' tick.
      const name = error instanceof Error ? error.name : "unknown";
      services.log("error", "tick_failed", { connection: connection.id, error: name });
      failed++;
    }
  }
  if (failed > 0) throw new Error(`the tick failed for ${failed} connections`);
}

async function queueWork(services: Services, connection: ConnectionHead): Promise<void> {
  const { cursors, now, queues, source, tuning } = services;
  const { id } = connection;
  const kinds = await dueSweeps(
    { source: source(connection.source), now, cursors, intervalMinutes: tuning.sweepMinutes },
    connection,
  );
  const sweep: JobMessage = { job: "sweep", connection: id, kinds };
  await queues.sendJobs([
    sweep,
    { job: "guard", connection: id },
    ...(await forgottenWork(services, connection)),
  ]);
  // While something is wrong with the webhooks, sweeps are what keeps the mirror fresh.
  if (connection.status !== "degraded") return;
  for (const delaySeconds of limits.degradedSweepSeconds) await queues.sendJobs([sweep], delaySeconds);
}

/** Work whose message never came to its end: its row says so. */
async function forgottenWork(services: Services, { id }: ConnectionHead): Promise<readonly JobMessage[]> {
  const before = services.now() - limits.staleWorkMs;
  const backfills = await services.backfills.stale(id, before, limits.staleBackfills);
  const rebuilds = (await services.rebuilds.list(id)).filter(
    (one) => isWanted(one) && one.updatedAt < before,
  );
  const lists = (await services.minimisations.list(id)).filter(({ updatedAt }) => updatedAt < before);
  return [
    ...lists.slice(0, 1).map((): JobMessage => ({ job: "minimise", connection: id })),
    ...backfills.map((backfill): JobMessage => ({ job: "backfill", connection: id, backfill: backfill.id })),
    ...rebuilds.slice(0, 1).map((): JobMessage => ({ job: "rebuild", connection: id })),
  ];
}

/** The ledger is kept longer than RCMS may repeat an event (48 h); what is older only costs. */
export async function purge(
  services: Pick<Services, "access" | "ledger" | "refreshes" | "tuning" | "now" | "log">,
): Promise<void> {
  const { access, ledger, refreshes, tuning, now, log } = services;
  await refreshes.purgeBefore(now() - limits.refreshKeptMs);
  const purged = await ledger.purgeBefore(now() - tuning.ledgerMs);
  log("info", "ledger_purged", { events: purged });
  let rows = 0;
  for (let times = 0; times < limits.accessPurges; times++) {
    const removed = await access.purgeBefore(now() - tuning.accessKeptMs, limits.accessPurgeRows);
    rows += removed;
    if (removed < limits.accessPurgeRows) break;
  }
  log("info", "access_log_purged", { rows });
}
