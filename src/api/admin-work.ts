// Work an operator orders: a sweep now, a rebuild, a look at RCMS's own delivery log.

import type { Hono } from "hono";
import { describeFailure } from "../core/failure.ts";
import { isoInstant } from "../core/instant.ts";
import type { DeliveryEntry } from "../sources/source.ts";
import type { Rebuild } from "../sync/stores.ts";
import { describeSwept } from "../sync/sweep.ts";
import type { ApiDeps, AppEnv } from "./deps.ts";
import { ApiError, notFound } from "./errors.ts";
import { connectionOfPath, parseBody, parseQuery } from "./input.ts";
import { kindsOrder, noQuery } from "./schemas.ts";

export function adminWork(app: Hono<AppEnv>, deps: ApiDeps): void {
  app.post("/admin/connections/:id/sweep", async (c) => {
    const { kinds } = await parseBody(c, kindsOrder);
    const results = await deps.sweep(connectionOfPath(c), kinds);
    if (results === undefined) throw notFound();
    return c.json({
      data: results.map((swept) => ({
        kind: swept.kind,
        pages: swept.pages,
        seen: swept.seen,
        drifted: swept.drifted,
        watermark: swept.watermark === undefined ? null : isoInstant(swept.watermark),
        finished: swept.finished,
        reason: describeSwept(swept) ?? null,
      })),
    });
  });

  app.post("/admin/connections/:id/rebuild", async (c) => {
    const id = connectionOfPath(c);
    const { kinds } = await parseBody(c, kindsOrder);
    if ((await deps.orderRebuild(id, kinds)) === undefined) throw notFound();
    return c.json({ data: (await deps.rebuilds.list(id)).map(shownRebuild) }, 202);
  });

  app.get("/admin/connections/:id/rebuild", async (c) => {
    parseQuery(c, noQuery);
    const id = connectionOfPath(c);
    if ((await deps.connections.get(id)) === undefined) throw notFound();
    return c.json({ data: (await deps.rebuilds.list(id)).map(shownRebuild) });
  });

  app.delete("/admin/connections/:id/rebuild", async (c) => {
    parseQuery(c, noQuery);
    const id = connectionOfPath(c);
    if ((await deps.connections.get(id)) === undefined) throw notFound();
    return c.json({ data: { cancelled: await deps.rebuilds.cancel(id, deps.now()) } });
  });

  app.post("/admin/connections/:id/deliveries", async (c) => {
    parseQuery(c, noQuery);
    const report = await deps.readDeliveries(connectionOfPath(c));
    if (report === undefined) throw notFound();
    if (!report.ok) {
      throw new ApiError(
        "upstream_refused",
        `the delivery log could not be read: ${describeFailure(report.failure)}`,
      );
    }
    const { webhook, deliveries, failed, failuresInARow, missing } = report.value;
    return c.json({
      data: {
        webhook,
        deliveries,
        failures_in_a_row: failuresInARow,
        failed: failed.map(shownDelivery),
        missing: missing.map(shownDelivery),
      },
    });
  });
}

function shownRebuild({ kind, status, reason, run, recordsBefore, startedAt, updatedAt }: Rebuild) {
  return {
    kind,
    status,
    reason: reason ?? null,
    pages: run.pages,
    records: run.seen,
    written: run.drifted,
    // RCMS tells no total: what the mirror held before is the best guess, until more has been seen.
    estimated_records: Math.max(recordsBefore, run.seen),
    estimated_seconds_left: secondsLeft({ status, run, recordsBefore, startedAt, updatedAt }),
    started_at: isoInstant(startedAt),
    updated_at: isoInstant(updatedAt),
  };
}

/** From the pace so far; null where there is none yet, or nothing to measure it against. */
function secondsLeft({
  status,
  run,
  recordsBefore,
  startedAt,
  updatedAt,
}: Omit<Rebuild, "kind" | "reason">): number | null {
  if (status !== "running" || run.seen === 0 || recordsBefore <= run.seen) return null;
  const msPerRecord = (updatedAt - startedAt) / run.seen;
  return Math.ceil(((recordsBefore - run.seen) * msPerRecord) / 1_000);
}

function shownDelivery({ eventId, type, status, attempts, createdAt }: DeliveryEntry) {
  return {
    event_id: eventId ?? null,
    type,
    status,
    attempts,
    created_at: createdAt === undefined ? null : isoInstant(createdAt),
  };
}
