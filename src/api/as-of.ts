// The instant at which a served copy is known to equal the upstream (RD2): its own fetch, or the watermark of a
// finished sweep, which vouches for every record it did not return; less the time in which the upstream itself
// may not show a write yet. Deletions are vouched for only by the verifier's round.

import type { ConnectionId, Kind } from "../core/ids.ts";
import type { MirrorRecord } from "../core/record.ts";
import type { ApiDeps } from "./deps.ts";

/** @returns ms */
export async function recordAsOf(
  deps: ApiDeps,
  connection: ConnectionId,
  record: MirrorRecord,
): Promise<number> {
  const watermark = await deps.watermark(connection, record.kind);
  return Math.max(record.fetchedAt, watermark ?? 0) - deps.visibilityLagMs;
}

/** What may be said of a list: as of when, undefined before the first sweep, and whether anything may be missing. */
export async function standingOf(deps: ApiDeps, connection: ConnectionId, kind: Kind) {
  const [watermark, complete] = await Promise.all([
    deps.watermark(connection, kind),
    deps.isComplete(connection, kind),
  ]);
  return { asOf: watermark === undefined ? undefined : watermark - deps.visibilityLagMs, complete };
}
