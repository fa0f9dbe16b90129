// Shapes of the answers to the operator. None of them has a place for a secret, but for the one moment in which a
// key is made.

import * as z from "zod/mini";
import { once } from "../core/once.ts";
import { connectionStatus, count, instant, one } from "./responses.ts";
import { kind } from "./schemas.ts";

export const adminAnswers = once(() => {
  const connected = one(
    "Connected",
    z.strictObject({
      id: z.string(),
      status: connectionStatus,
      webhook_url: z.nullable(z.string()),
      webhook_id: z.nullable(z.string()),
    }),
  );

  const drift = z.strictObject({ missed: count, late: count, rewritten: count, deleted: count });

  const kindFigures = z.strictObject({
    records: count,
    complete: z.boolean(),
    watermark: z.nullable(instant),
    last_sweep: z.nullable(z.strictObject({ at: instant, pages: count, seen: count, drifted: count })),
    drift: drift.check(z.meta({ description: "How often the mirror differed from RCMS, by cause." })),
  });

  const connectionView = z
    .strictObject({
      id: z.string(),
      source: z.string(),
      base_url: z.string(),
      status: connectionStatus,
      status_reason: z.nullable(z.string()),
      created_at: instant,
      webhook_id: z.nullable(z.string()),
      webhook_url: z.nullable(z.string()),
      last_event_at: z.nullable(instant),
      latency: z
        .nullable(z.strictObject({ p50_ms: z.number(), p95_ms: z.number(), events: count }))
        .check(z.meta({ description: "Webhook to readable." })),
      queues: z.nullable(z.strictObject({ events: count, jobs: count })).check(
        z.meta({
          description: "Messages waiting, of all connections; null where the platform does not say.",
        }),
      ),
      dead_letters: count,
      reminders: z
        .strictObject({
          open: count,
          oldest_open_at: z.nullable(instant),
          open_over_1_hour: count,
          open_over_1_day: count,
        })
        .check(z.meta({ description: "Reminders nobody has acknowledged yet." })),
      kinds: z.record(kind, kindFigures),
      verifier: z.strictObject({
        last_run_at: z.nullable(instant),
        checked: count,
        drifted: count,
        deletions_noticed_within_minutes: z.nullable(z.number()),
      }),
    })
    .check(z.meta({ id: "Connection" }));

  const oneConnection = one("OneConnection", connectionView);
  const connections = one("Connections", z.array(connectionView));

  const disconnected = one(
    "Disconnected",
    z.strictObject({
      id: z.string(),
      removed: z.record(z.string(), count).check(z.meta({ description: "Rows removed per table." })),
      webhook: z.enum(["removed", "left"]),
    }),
  );

  const named = one("Named", z.strictObject({ id: z.string() }));
  const resumed = one("Resumed", z.strictObject({ id: z.string(), status: z.literal("active") }));

  const swept = one(
    "Swept",
    z.array(
      z.strictObject({
        kind,
        pages: count,
        seen: count,
        drifted: count,
        watermark: z.nullable(instant),
        finished: z
          .boolean()
          .check(z.meta({ description: "What one run cannot finish goes on through the queue." })),
        reason: z.nullable(z.string()),
      }),
    ),
  );

  const rebuilds = one(
    "Rebuilds",
    z.array(
      z.strictObject({
        kind,
        status: z.enum(["queued", "running", "done", "failed", "cancelled"]),
        reason: z.nullable(z.string()),
        pages: count,
        records: count,
        written: count,
        estimated_records: count,
        estimated_seconds_left: z.nullable(count).check(z.meta({ description: "From the pace so far." })),
        started_at: instant,
        updated_at: instant,
      }),
    ),
  );

  const cancelled = one("Cancelled", z.strictObject({ cancelled: count }));

  const delivery = z
    .strictObject({
      event_id: z.nullable(z.string()),
      type: z.string(),
      status: z.enum(["delivered", "pending", "failed"]),
      attempts: count,
      created_at: z.nullable(instant),
    })
    .check(z.meta({ id: "Delivery" }));

  const deliveryReport = one(
    "DeliveryReport",
    z.strictObject({
      webhook: z.enum(["active", "disabled", "missing", "unknown"]),
      deliveries: count,
      failures_in_a_row: count,
      failed: z.array(delivery),
      missing: z
        .array(delivery)
        .check(z.meta({ description: "RCMS calls them delivered; the ledger has not seen them." })),
    }),
  );

  const keyFields = {
    id: z.string(),
    connection: z.string(),
    name: z.string(),
    organizations: z.nullable(z.array(z.string())).check(z.meta({ description: "null: all." })),
    kinds: z.nullable(z.array(kind)).check(z.meta({ description: "null: all." })),
    created_at: instant,
    expires_at: z.nullable(instant),
  };

  const keys = one("Keys", z.array(z.strictObject(keyFields)));
  const mintedKey = one(
    "MintedKey",
    z.strictObject({
      ...keyFields,
      key: z.string().check(z.meta({ description: "Shown this once; only its hash is kept." })),
    }),
  );

  const events = one(
    "Events",
    z.array(
      z.strictObject({
        connection: z.string(),
        event_id: z.string(),
        type: z.string(),
        kind: z.nullable(kind),
        record_id: z.nullable(z.string()),
        created_at: z.nullable(instant),
        received_at: instant,
        done_at: z.nullable(instant),
        outcome: z.string(),
        attempts: count,
      }),
    ),
  );

  const deadLetters = one(
    "DeadLetters",
    z.array(
      z.strictObject({
        id: z.string(),
        connection: z.nullable(z.string()),
        queue: z.enum(["events", "jobs"]),
        type: z.string(),
        kind: z.nullable(kind),
        record_id: z.nullable(z.string()),
        reason: z.string(),
        attempts: count,
        since: instant,
        parked_at: instant,
      }),
    ),
  );

  const replayed = one(
    "Replayed",
    z.strictObject({
      replayed: count,
      more: z.boolean().check(z.meta({ description: "There are more: ask again." })),
    }),
  );

  return {
    connected,
    oneConnection,
    connections,
    disconnected,
    named,
    resumed,
    swept,
    rebuilds,
    cancelled,
    deliveryReport,
    keys,
    mintedKey,
    events,
    deadLetters,
    replayed,
  };
});
