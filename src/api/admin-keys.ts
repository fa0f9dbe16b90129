// Keys for the apps that read the mirror. A key is shown once; only its hash is kept.

import type { Hono } from "hono";
import { isoInstant } from "../core/instant.ts";
import type { ApiKey } from "../sync/stores.ts";
import type { ApiDeps, AppEnv } from "./deps.ts";
import { ApiError, notFound } from "./errors.ts";
import { parseBody, parseQuery } from "./input.ts";
import { newKey, noQuery } from "./schemas.ts";

export function adminKeys(app: Hono<AppEnv>, deps: ApiDeps): void {
  app.post("/admin/keys", async (c) => {
    const { connection, name, organizations, kinds, expires_at } = await parseBody(c, newKey);
    if ((await deps.connections.get(connection)) === undefined) {
      const issues = [{ path: "connection", message: "there is no connection of this id" }];
      throw new ApiError("invalid_request", "the body is not valid", { issues });
    }
    const { key, hash } = deps.mintKey();
    const stored: ApiKey = {
      id: deps.newId(),
      connection,
      name,
      createdAt: deps.now(),
      ...(organizations === undefined ? {} : { organizations }),
      ...(kinds === undefined ? {} : { kinds }),
      ...(expires_at === undefined ? {} : { expiresAt: expires_at }),
    };
    await deps.keys.add(stored, hash);
    return c.json({ data: { ...shown(stored), key } }, 201);
  });

  app.get("/admin/keys", async (c) => {
    parseQuery(c, noQuery);
    return c.json({ data: (await deps.keys.list()).map(shown) });
  });

  app.delete("/admin/keys/:id", async (c) => {
    const id = c.req.param("id");
    if (!(await deps.keys.remove(id))) throw notFound();
    deps.forgetKeys();
    return c.json({ data: { id } });
  });
}

function shown({ id, connection, name, organizations, kinds, createdAt, expiresAt }: ApiKey) {
  return {
    id,
    connection,
    name,
    organizations: organizations ?? null,
    kinds: kinds ?? null,
    created_at: isoInstant(createdAt),
    expires_at: expiresAt === undefined ? null : isoInstant(expiresAt),
  };
}
