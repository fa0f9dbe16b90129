// Who read what, when: noted for every request of a valid key, whatever came of it, after its answer. Ids only where
// they are ids of ours or of RCMS by their shape: a path may hold anything.

import type { Context, MiddlewareHandler } from "hono";
import type { Access, AccessAction } from "../core/access.ts";
import { KINDS, type Kind, recordId } from "../core/ids.ts";
import type { ApiDeps, AppEnv } from "./deps.ts";

/** After `requireKey`: without a key nothing was read. */
export function recordAccess(deps: ApiDeps): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    await next();
    deps.recordAccess?.(entryOf(deps, c), (work) => c.executionCtx.waitUntil(work));
  };
}

function entryOf(deps: ApiDeps, c: Context<AppEnv>): Access {
  const key = c.get("key");
  const { records, clientId } = c.get("served") ?? {};
  const { action, kind, id } = subjectOf(c.req.path);
  const named = recordId(clientId ?? id);
  return {
    connection: key.connection,
    at: deps.now(),
    keyId: key.id,
    action,
    status: c.res.status,
    ...(kind === undefined ? {} : { kind }),
    ...(named === undefined ? {} : { recordId: named }),
    ...(records === undefined ? {} : { records }),
  };
}

interface Asked {
  readonly action: AccessAction;
  readonly kind?: Kind;
  readonly id?: string | undefined;
}

/** The routes of the read API, read from the path. */
function subjectOf(path: string): Asked {
  const [, , first, id, last] = path.split("/");
  const kind = KINDS.find((one) => one === first);
  if (first === "changes") return { action: "changes" };
  // A login names its client in the body: the route tells.
  if (first === "logins") return { action: "login", kind: "clients" };
  if (first === "backfills") return { action: "backfill" };
  if (kind === undefined) return { action: "other" };
  if (id === undefined) return { action: "list", kind };
  if (last === "ack") return { action: "ack", kind, id };
  if (last === "assessment-status") return { action: "read", kind: "assessment-status", id };
  return { action: last === undefined ? "read" : "other", kind, id };
}
