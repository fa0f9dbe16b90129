// Who takes deliveries, with nothing remembered: every question is asked anew.

import type { Receivers } from "../../src/sync/receive.ts";

export function unremembered(get: Receivers["get"], reread: Receivers["reread"] = get): Receivers {
  return { held: () => undefined, get, mayReread: () => true, reread };
}
