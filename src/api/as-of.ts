// What may be said of a list: as of when, and whether anything may be missing.

import { listAsOf } from "../core/as-of.ts";
import type { ConnectionId, Kind } from "../core/ids.ts";
import type { MirrorRecord } from "../core/record.ts";
import type { ApiDeps } from "./deps.ts";

/**
 * Rows, and what stood for them **before** they were read: a sweep or a rebuild that ends in between would
 * otherwise vouch for rows it had not yet changed (RD2, RD7).
 */
export async function readStanding(
  deps: Pick<ApiDeps, "vouch" | "isComplete" | "visibilityLagMs" | "ttlMs">,
  connection: ConnectionId,
  kind: Kind,
  read: () => Promise<readonly MirrorRecord[]>,
) {
  const [vouch, complete] = await Promise.all([
    deps.vouch(connection, kind),
    deps.isComplete(connection, kind),
  ]);
  const rows = await read();
  const asOf = listAsOf(rows, vouch, deps.visibilityLagMs);
  return { rows, standing: { asOf, complete, ttlMs: deps.ttlMs(kind) } };
}
