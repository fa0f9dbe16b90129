// What the operator orders for privacy's sake: purging one client.

import type { Hono } from "hono";
import { recordId } from "../core/ids.ts";
import type { ApiDeps, AppEnv } from "./deps.ts";
import { notFound } from "./errors.ts";
import { connectionOfPath, parseQuery } from "./input.ts";
import { noQuery } from "./schemas.ts";

export function adminPrivacy(app: Hono<AppEnv>, deps: ApiDeps): void {
  app.delete("/admin/connections/:id/clients/:client_id", async (c) => {
    parseQuery(c, noQuery);
    const clientId = recordId(c.req.param("client_id"));
    const purged = clientId && (await deps.purgeClient(connectionOfPath(c), clientId));
    if (!purged) throw notFound();
    return c.json({ data: { client_id: clientId, suppressed_ids: purged.ids, removed: purged.removed } });
  });
}
