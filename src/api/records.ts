// The read API for what is mirrored from lists and single documents.

import type { Context, Hono } from "hono";
import { type Kind, recordId } from "../core/ids.ts";
import type { MirrorRecord } from "../core/record.ts";
import { recordAsOf, standingOf } from "./as-of.ts";
import { maySee, requireKind } from "./auth.ts";
import type { ApiDeps, AppEnv } from "./deps.ts";
import { ApiError, notFound } from "./errors.ts";
import { parseQuery } from "./input.ts";
import { listQuery, noQuery } from "./schemas.ts";
import { listResponse, recordResponse } from "./wire.ts";

const LISTED = ["organizations", "staff", "clients"] as const;

export function records(app: Hono<AppEnv>, deps: ApiDeps): void {
  for (const kind of LISTED) {
    app.get(`/v1/${kind}`, async (c) => {
      const key = c.get("key");
      requireKind(key, kind);
      const query = parseQuery(c, listQuery);
      const rows = await deps.records.page(key.connection, kind, {
        limit: query.limit + 1,
        updatedAfter: query.updated_after,
        organizations: organizationsOf(key.organizations, query.organization_id),
        status: query.status,
        after: query.cursor,
      });
      return listResponse(c, rows, query.limit, await standingOf(deps, key.connection, kind));
    });

    app.get(`/v1/${kind}/:id`, async (c) => {
      requireKind(c.get("key"), kind);
      return answer(deps, c, await readVisible(deps, c, kind));
    });
  }

  app.get("/v1/clients/:id/assessment-status", async (c) => {
    const key = c.get("key");
    requireKind(key, "assessment-status");
    // A status document need not name its organization; its client does. A key bound to organizations
    // therefore sees a status exactly when it sees the client.
    const scoped = key.organizations !== undefined;
    const client = scoped ? await readVisible(deps, c, "clients") : undefined;
    return answer(deps, c, await read(deps, c, "assessment-status", client?.organizationId));
  });
}

async function answer(deps: ApiDeps, c: Context<AppEnv>, record: MirrorRecord): Promise<Response> {
  return recordResponse(c, record, await recordAsOf(deps, c.get("key").connection, record));
}

/** The key's organizations, narrowed by the one asked for: a foreign one leaves nothing. */
export function organizationsOf(
  allowed: readonly string[] | undefined,
  asked: string | undefined,
): readonly string[] | undefined {
  if (asked === undefined) return allowed;
  return allowed === undefined || allowed.includes(asked) ? [asked] : [];
}

/** Absent and foreign are the same answer, byte for byte (RD6). */
async function readVisible(deps: ApiDeps, c: Context<AppEnv>, kind: Kind): Promise<MirrorRecord> {
  const record = await read(deps, c, kind);
  if (!maySee(c.get("key"), record.organizationId)) throw notFound();
  return record;
}

async function read(
  deps: ApiDeps,
  c: Context<AppEnv>,
  kind: Kind,
  organizationId?: string,
): Promise<MirrorRecord> {
  parseQuery(c, noQuery);
  const id = recordId(c.req.param("id"));
  if (id === undefined) throw notFound();
  const keepAlive = (work: Promise<unknown>) => c.executionCtx.waitUntil(work);
  const found = await deps.readOne(c.get("key").connection, { kind, id }, keepAlive, organizationId);
  switch (found.result) {
    case "found":
      return found.record;
    case "absent":
      throw notFound();
    case "unavailable":
      throw new ApiError(
        "upstream_unavailable",
        "the record is not mirrored yet and RCMS does not answer; try again",
        {
          headers: { "retry-after": "5" },
        },
      );
  }
}
