// The access log, for the operator: which key read what, newest first.

import type { Hono } from "hono";
import { isoInstant } from "../core/instant.ts";
import type { ApiDeps, AppEnv } from "./deps.ts";
import { parseQuery } from "./input.ts";
import { accessQuery } from "./schemas.ts";

export function adminAccess(app: Hono<AppEnv>, deps: ApiDeps): void {
  app.get("/admin/access", async (c) => {
    const query = parseQuery(c, accessQuery);
    const entries = await deps.access.list({ ...query, limit: query.limit + 1 });
    const shown = entries.slice(0, query.limit);
    return c.json({
      data: shown.map((entry) => ({
        id: entry.id,
        at: isoInstant(entry.at),
        connection: entry.connection,
        key: entry.keyId,
        action: entry.action,
        kind: entry.kind ?? null,
        record_id: entry.recordId ?? null,
        records: entry.records ?? null,
        status: entry.status,
      })),
      meta: { next_before: entries.length > query.limit ? (shown.at(-1)?.id ?? null) : null },
    });
  });
}
