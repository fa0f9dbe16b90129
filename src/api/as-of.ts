// What may be said of a list: as of when, and whether anything may be missing.

import { listAsOf } from "../core/as-of.ts";
import type { ConnectionId, Kind } from "../core/ids.ts";
import type { MirrorRecord } from "../core/record.ts";
import { type Place, type ReplicaDeps, replicaFor } from "../sync/replica.ts";
import type { ApiDeps } from "./deps.ts";

export interface Standing {
  /** ms; undefined before the kind's first sweep: nothing vouches for a list then. */
  readonly asOf: number | undefined;
  readonly complete: boolean;
  readonly ttlMs: number;
  /** Of the replica the rows came from. */
  readonly bookmark?: string | undefined;
}

/**
 * Rows, and what stood for them **before** they were read: a sweep or a rebuild that ends in between would
 * otherwise vouch for rows it had not yet changed (RD2, RD7).
 */
export async function readStanding(
  deps: Place & ReplicaDeps & Pick<ApiDeps, "vouch" | "visibilityLagMs" | "ttlMs">,
  connection: ConnectionId,
  kind: Kind,
  asked: string | undefined,
  read: (place: Place) => Promise<readonly MirrorRecord[]>,
): Promise<{ readonly rows: readonly MirrorRecord[]; readonly standing: Standing }> {
  const vouch = await deps.vouch(connection, kind);
  const replica = replicaFor(deps, asked, [vouch]);
  const place = replica ?? deps;
  const complete = await place.isComplete(connection, kind);
  const rows = await read(place);
  const asOf = listAsOf(rows, vouch, deps.visibilityLagMs);
  return { rows, standing: { asOf, complete, ttlMs: deps.ttlMs(kind), bookmark: replica?.bookmark() } };
}
