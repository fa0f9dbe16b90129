// The mirror as it is deployed: the worker's own handlers with D1, KV and both Durable Objects of workerd. Only the
// queues are written down instead of run, so that the history decides what comes when.

import { createExecutionContext, evictDurableObject, waitOnExecutionContext } from "cloudflare:test";
import { drizzle } from "drizzle-orm/d1";
import { base64Bytes } from "../../src/core/base64.ts";
import type { ConnectionId } from "../../src/core/ids.ts";
import worker from "../../src/index.ts";
import { rebuildStore } from "../../src/store/rebuilds.ts";
import type { Cursor } from "../../src/sync/ports.ts";
import { env as bound, rowsOf } from "../support/bindings.ts";
import { createStores } from "../support/stores.ts";
import { type Deployed, type Numbers, type Row, recorders, SETTINGS, type Sent } from "./deployed.ts";
import type { Position } from "./positions.ts";
import type { Upstream } from "./upstream.ts";

const ROWS = `
SELECT kind, id, seq, updated_at, fetched_at, hash, organization_id, client_id, status, terminal, deleted_at, body, as_of
FROM records WHERE connection_id = ?1 ORDER BY seq`;

const KINDS = `
SELECT kind, single_proven AS proven, complete, drift_missed AS missed, drift_late AS late,
       drift_rewritten AS rewritten, drift_deleted AS deleted
FROM kind_state WHERE connection_id = ?1 ORDER BY kind`;

const TAKEN = `
SELECT client_id, taken_at FROM assessments_taken WHERE connection_id = ?1 ORDER BY client_id`;

const POSITIONS = "SELECT kind, id, seq FROM records WHERE connection_id = ?1 AND seq > ?2";

export function deployWorker(
  connection: ConnectionId,
  upstream: Upstream,
  more: Readonly<Record<string, string>> = {},
): Deployed & { readonly settings: Readonly<Record<string, string>> } {
  const sent: Sent[] = [];
  const settings = { ...SETTINGS, ...more };
  const env = { ...bound, ...recorders(sent), ...settings };
  const stores = createStores(base64Bytes(String(bound.SEALING_KEY)));
  return {
    name: "workerd",
    upstream,
    sent,
    settings,
    async fetch(path, init) {
      const ctx = createExecutionContext();
      const request = new Request(`https://mirror.test${path}`, init);
      const response = await worker.fetch(request as Request<unknown, IncomingRequestCfProperties>, env, ctx);
      await waitOnExecutionContext(ctx);
      return response;
    },
    queue: (batch) => worker.queue(batch, env),
    scheduled: (cron) => worker.scheduled({ cron, scheduledTime: Date.now(), noRetry() {} }, env),
    async evict() {
      const shards = Array.from({ length: 16 }, (_, shard) =>
        bound.WRITERS.getByName(`${connection}:${shard}`),
      );
      for (const stub of [...shards, bound.GATES.getByName(connection)]) {
        // One that never ran has nothing to lose.
        await evictDurableObject(stub).catch(() => {});
      }
    },
    kept: {
      ...stores,
      rebuilds: rebuildStore(drizzle(bound.DB)),
      rows: () => rowsOf<Row>(ROWS, connection),
      positions: (after) => rowsOf<Position>(POSITIONS, connection, after),
      kinds: () => rowsOf<Numbers>(KINDS, connection),
      taken: () => rowsOf<Numbers>(TAKEN, connection),
      cursor: async (name) =>
        JSON.parse((await bound.CURSORS.get(`cursor/${connection}/${name}`)) ?? "{}") as Cursor,
    },
  };
}
