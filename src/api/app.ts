// The HTTP surface, one route group per file. Every response carries a request id; every path that exists
// answers other methods with 405 and the methods it allows.

import type { Hono } from "hono";
import { HonoBase } from "hono/hono-base";
import { TrieRouter } from "hono/router/trie-router";
import { recordAccess } from "./access.ts";
import { adminAccess } from "./admin-access.ts";
import { adminConnections } from "./admin-connections.ts";
import { adminKeys } from "./admin-keys.ts";
import { adminLedger } from "./admin-ledger.ts";
import { adminPrivacy } from "./admin-privacy.ts";
import { adminWork } from "./admin-work.ts";
import { requireAdmin, requireKey, requireRation } from "./auth.ts";
import { changes } from "./changes.ts";
import type { ApiDeps, AppEnv } from "./deps.ts";
import { documents } from "./documents.ts";
import { ApiError, errorResponse, refusalOf } from "./errors.ts";
import { health } from "./health.ts";
import { hooks } from "./hooks.ts";
import { logins } from "./logins.ts";
import { records } from "./records.ts";
import { reminders } from "./reminders.ts";
import { requestIdOf } from "./request-id.ts";

export function createApp(deps: ApiDeps): Hono<AppEnv> {
  // Hono's fast router builds its tables at an isolate's first request, a fifth of what that costs; this one takes 1
  // to 2 µs more of each. And two of the operator's paths overlap in a way that the fast one refuses.
  const app = new HonoBase<AppEnv>({ router: new TrieRouter() });

  app.use("*", async (c, next) => {
    const requestId = requestIdOf(c.req.header("x-request-id"), deps.newId);
    c.set("requestId", requestId);
    await next();
    c.res.headers.set("x-request-id", requestId);
  });
  app.use("/v1/*", requireKey(deps), recordAccess(deps), requireRation(deps));
  app.use("/admin/*", requireAdmin(deps));

  hooks(app, deps);
  records(app, deps);
  reminders(app, deps);
  changes(app, deps);
  logins(app, deps);
  adminConnections(app, deps);
  adminKeys(app, deps);
  adminLedger(app, deps);
  adminWork(app, deps);
  adminPrivacy(app, deps);
  adminAccess(app, deps);
  health(app, deps);
  documents(app);

  refuseOtherMethods(app);
  app.notFound((c) => errorResponse(c, new ApiError("not_found", "there is no such route")));
  app.onError((error, c) => errorResponse(c, refusalOf(deps.log, error, c.get("requestId"))));
  return app;
}

/** Registered last, so it only sees what no method of the path took. */
function refuseOtherMethods(app: Hono<AppEnv>): void {
  const methods = Map.groupBy(
    app.routes.filter(({ method, path }) => method !== "ALL" && !path.endsWith("*")),
    ({ path }) => path,
  );
  for (const [path, routes] of methods) {
    const allowed = [...new Set(routes.map(({ method }) => method))];
    if (allowed.includes("GET")) allowed.push("HEAD");
    const allow = allowed.sort().join(", ");
    app.all(path, () => {
      throw new ApiError("method_not_allowed", `this path allows ${allow}`, { headers: { allow } });
    });
  }
}
