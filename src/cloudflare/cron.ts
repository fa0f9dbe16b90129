// What the clock starts. A tick only puts work on the queue: a run that dies is repeated by the next tick, and
// two ticks at once meet the sweeps' lease.

import { dueSweeps } from "../sync/sweeps.ts";
import type { Services } from "./compose.ts";

export const DAILY = "17 3 * * *";

export async function tick(services: Services, cron: string): Promise<void> {
  if (cron === DAILY) await purge(services);
  else await sweepWhatIsDue(services);
}

async function sweepWhatIsDue(services: Services): Promise<void> {
  const { connections, cursors, now, queues, settings, source } = services;
  for (const { id, source: sourceId } of await connections.list()) {
    const deps = { source: source(sourceId), now, cursors, intervalMinutes: settings.SWEEP_INTERVAL_MINUTES };
    const kinds = await dueSweeps(deps, { id });
    await queues.sendJobs([{ job: "sweep", connection: id, kinds }]);
  }
}

/** The ledger is kept longer than RCMS may repeat an event (48 h); what is older only costs. */
async function purge({ ledger, settings, now, log }: Services): Promise<void> {
  const purged = await ledger.purgeBefore(now() - settings.LEDGER_HOURS * 3_600_000);
  log("info", "ledger_purged", { events: purged });
}
