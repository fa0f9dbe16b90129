// Which of the two cron lines of wrangler.toml does what.

import { purge, tick } from "../sync/tick.ts";
import type { Services } from "./compose.ts";

export const DAILY = "17 3 * * *";

export function scheduled(services: Services, cron: string): Promise<void> {
  return cron === DAILY ? purge(services) : tick(services);
}
