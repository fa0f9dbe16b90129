// What happened to events: the ledger, and the messages that were parked. Ids, times and reasons only.

import type { Hono } from "hono";
import { isoInstant } from "../core/instant.ts";
import { limits } from "../core/limits.ts";
import type { ApiDeps, AppEnv } from "./deps.ts";
import { notFound } from "./errors.ts";
import { parseQuery } from "./input.ts";
import { deadLetterQuery, ledgerQuery, noQuery } from "./schemas.ts";

export function adminLedger(app: Hono<AppEnv>, deps: ApiDeps): void {
  app.get("/admin/events", async (c) => {
    const entries = await deps.ledger.list(parseQuery(c, ledgerQuery));
    return c.json({
      data: entries.map((entry) => ({
        connection: entry.connection,
        event_id: entry.eventId,
        type: entry.type,
        kind: entry.ref?.kind ?? null,
        record_id: entry.ref?.id ?? null,
        created_at: optionalInstant(entry.createdAt),
        received_at: isoInstant(entry.receivedAt),
        done_at: optionalInstant(entry.doneAt),
        outcome: entry.outcome,
        attempts: entry.attempts,
      })),
    });
  });

  app.get("/admin/dead-letters", async (c) => {
    const { connection, limit } = parseQuery(c, deadLetterQuery);
    const letters = await deps.deadLetters.list(connection, limit);
    return c.json({
      data: letters.map((letter) => ({
        id: letter.id,
        connection: letter.connection ?? null,
        queue: letter.queue,
        type: letter.type,
        kind: letter.ref?.kind ?? null,
        record_id: letter.ref?.id ?? null,
        reason: letter.reason,
        attempts: letter.attempts,
        since: isoInstant(letter.since),
        parked_at: isoInstant(letter.parkedAt),
      })),
    });
  });

  app.post("/admin/dead-letters/replay", async (c) => {
    parseQuery(c, noQuery);
    const parkedBefore = deps.now() + 1;
    let total = 0;
    for (let slices = 0; slices < limits.replaySlices; slices++) {
      const { replayed, more } = await deps.replay({ parkedBefore });
      total += replayed;
      if (!more) return c.json({ data: { replayed: total, more: false } });
    }
    return c.json({ data: { replayed: total, more: true } });
  });

  app.post("/admin/dead-letters/:id/replay", async (c) => {
    parseQuery(c, noQuery);
    const { replayed } = await deps.replay({ id: c.req.param("id") });
    if (replayed === 0) throw notFound();
    return c.json({ data: { replayed, more: false } });
  });
}

function optionalInstant(at: number | undefined): string | null {
  return at === undefined ? null : isoInstant(at);
}
