// Reminders: the partner owns their delivery, so they can be listed and acknowledged here.

import type { Hono } from "hono";
import { recordId } from "../core/ids.ts";
import { maySee, requireKind } from "./auth.ts";
import type { ApiDeps, AppEnv } from "./deps.ts";
import { notFound } from "./errors.ts";
import { parseQuery } from "./input.ts";
import { noQuery, reminderQuery } from "./schemas.ts";
import { listResponse, recordResponse } from "./wire.ts";

export function reminders(app: Hono<AppEnv>, deps: ApiDeps): void {
  app.get("/v1/reminders", async (c) => {
    const key = c.get("key");
    requireKind(key, "reminders");
    const query = parseQuery(c, reminderQuery);
    const rows = await deps.records.page(key.connection, "reminders", {
      limit: query.limit + 1,
      organizations: key.organizations,
      status: query.status,
      after: query.cursor,
    });
    // Reminders are whole as of now: nothing upstream could differ from them.
    const standing = { asOf: deps.now(), complete: true, ttlMs: deps.ttlMs("reminders") };
    return listResponse(c, deps, rows, query.limit, standing);
  });

  app.post("/v1/reminders/:id/ack", async (c) => {
    const key = c.get("key");
    requireKind(key, "reminders");
    parseQuery(c, noQuery);
    const id = recordId(c.req.param("id"));
    const held = id && (await deps.records.one(key.connection, { kind: "reminders", id }));
    if (!held || !maySee(key, held.organizationId)) throw notFound();
    const acknowledged = await deps.acknowledgeReminder(key.connection, held.id);
    if (acknowledged === undefined) throw notFound();
    const [now, ttlMs] = [deps.now(), deps.ttlMs("reminders")];
    return recordResponse(c.req.raw, now, { record: acknowledged, asOf: now, ttlMs, via: { hit: true } });
  });
}
