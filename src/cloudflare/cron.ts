// What the clock starts.

import type { Services } from "./compose.ts";

export const DAILY = "17 3 * * *";

export async function tick(services: Services, cron: string): Promise<void> {
  if (cron === DAILY) await purge(services);
}

/** The ledger is kept longer than RCMS may repeat an event (48 h); what is older only costs. */
async function purge({ ledger, settings, now, log }: Services): Promise<void> {
  const purged = await ledger.purgeBefore(now() - settings.LEDGER_HOURS * 3_600_000);
  log("info", "ledger_purged", { events: purged });
}
