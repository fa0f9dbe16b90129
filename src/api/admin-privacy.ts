// What the operator orders for privacy's sake: purging one client, and which fields of a kind are kept.

import type { Hono } from "hono";
import { recordId } from "../core/ids.ts";
import type { Connection } from "../sync/stores.ts";
import type { ApiDeps, AppEnv } from "./deps.ts";
import { notFound } from "./errors.ts";
import { connectionOfPath, parseBody, parseQuery } from "./input.ts";
import { newFields, noQuery } from "./schemas.ts";

export function adminPrivacy(app: Hono<AppEnv>, deps: ApiDeps): void {
  app.delete("/admin/connections/:id/clients/:client_id", async (c) => {
    parseQuery(c, noQuery);
    const clientId = recordId(c.req.param("client_id"));
    const purged = clientId && (await deps.purgeClient(connectionOfPath(c), clientId));
    if (!purged) throw notFound();
    return c.json({ data: { client_id: clientId, suppressed_ids: purged.ids, removed: purged.removed } });
  });

  app.get("/admin/connections/:id/fields", async (c) => {
    parseQuery(c, noQuery);
    const connection = await deps.connections.get(connectionOfPath(c));
    if (connection === undefined) throw notFound();
    const { id, fields } = connection;
    const pending = (await deps.minimisations.list(id)).map(({ kind }) => kind);
    return c.json({ data: { id, fields, pending } });
  });

  // The whole list at once: what it does not name is no longer restricted.
  app.put("/admin/connections/:id/fields", async (c) => {
    const id = connectionOfPath(c);
    const { fields } = await parseBody(c, newFields);
    const changed = await deps.changeFields(id, fields as Connection["fields"]);
    if (changed === undefined) throw notFound();
    return c.json({ data: { id, fields, narrowed: changed.narrowed, widened: changed.widened } }, 202);
  });
}
