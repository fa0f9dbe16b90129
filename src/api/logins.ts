// A user of the partner's app logged in to see a client: hydrate once, and let the app follow it.

import type { Context, Hono } from "hono";
import type { RecordId } from "../core/ids.ts";
import { isoInstant } from "../core/instant.ts";
import type { ApiKey, Backfill } from "../sync/stores.ts";
import { maySee, requireKind } from "./auth.ts";
import type { ApiDeps, AppEnv } from "./deps.ts";
import { notFound } from "./errors.ts";
import { parseBody, parseQuery } from "./input.ts";
import { readerOf, readVisible } from "./reading.ts";
import { newLogin, noQuery } from "./schemas.ts";

export function logins(app: Hono<AppEnv>, deps: ApiDeps): void {
  app.post("/v1/logins", async (c) => {
    const key = c.get("key");
    requireKind(key, "clients");
    const { user_id, client_id } = await parseBody(c, newLogin);
    // A key bound to organizations must not learn from a backfill that another's client exists.
    if (key.organizations !== undefined) await readVisible(deps, readerOf(c), "clients", client_id);
    c.set("served", { clientId: client_id });
    await requireKept(deps, c, client_id);
    const { backfill, first } = await deps.login(key.connection, user_id, client_id);
    return c.json({ data: shown(backfill) }, first ? 202 : 200);
  });

  app.get("/v1/backfills/:id", async (c) => {
    const key = c.get("key");
    requireKind(key, "clients");
    parseQuery(c, noQuery);
    const backfill = await deps.backfills.get(key.connection, c.req.param("id"));
    if (backfill === undefined || !(await isVisible(deps, key, backfill.clientId))) throw notFound();
    c.set("served", { clientId: backfill.clientId });
    return c.json({ data: shown(backfill) });
  });
}

/**
 * From the mirror alone: an absent backfill asks nobody, so a foreign one must not either, nor fail with RCMS. The
 * key's own logins brought their clients into the mirror.
 */
async function isVisible(deps: ApiDeps, key: ApiKey, id: RecordId): Promise<boolean> {
  if (key.organizations === undefined) return true;
  const client = await deps.records.one(key.connection, { kind: "clients", id });
  return client !== undefined && client.deletedAt === undefined && maySee(key, client.organizationId);
}

/** To a login a purged client does not exist. */
async function requireKept({ records }: ApiDeps, c: Context<AppEnv>, id: RecordId): Promise<void> {
  const purged = await records.suppressed(c.get("key").connection, [{ kind: "clients", id }]);
  if (purged.size > 0) throw notFound();
}

function shown({ id, status, reason, createdAt, updatedAt }: Backfill) {
  return {
    id,
    status,
    reason: reason ?? null,
    created_at: isoInstant(createdAt),
    updated_at: isoInstant(updatedAt),
  };
}
