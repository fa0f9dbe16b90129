// Public: is the mirror working? Statuses only; ids, hosts and reasons are the operator's.

import type { Hono } from "hono";
import type { ApiDeps, AppEnv } from "./deps.ts";

export function health(app: Hono<AppEnv>, deps: ApiDeps): void {
  app.get("/healthz", async (c) => {
    const connections = (await deps.connections.list()).map(({ source, status }) => ({ source, status }));
    const ok = connections.every(({ status }) => status === "active");
    return c.json({ status: ok ? "ok" : "degraded", connections }, 200, { "cache-control": "no-store" });
  });
}
