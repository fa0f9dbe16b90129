// The read API for what is mirrored from lists and single documents.

import type { Hono } from "hono";
import type { Place } from "../sync/replica.ts";
import { readStanding } from "./as-of.ts";
import { requireKind } from "./auth.ts";
import { bookmarkOf } from "./bookmarks.ts";
import type { ApiDeps, AppEnv } from "./deps.ts";
import { parseQuery } from "./input.ts";
import { readClientOf, readerOf, readVisible } from "./reading.ts";
import { listQuery, noQuery } from "./schemas.ts";
import { listResponse, recordResponse } from "./wire.ts";

const LISTED = ["organizations", "staff", "clients"] as const;

export function records(app: Hono<AppEnv>, deps: ApiDeps): void {
  for (const kind of LISTED) {
    app.get(`/v1/${kind}`, async (c) => {
      const key = c.get("key");
      requireKind(key, kind);
      const query = parseQuery(c, listQuery);
      const page = ({ records }: Place) =>
        records.page(key.connection, kind, {
          limit: query.limit + 1,
          updatedAfter: query.updated_after,
          organizations: organizationsOf(key.organizations, query.organization_id),
          status: query.status,
          after: query.cursor,
        });
      const { rows, standing } = await readStanding(
        deps,
        key.connection,
        kind,
        bookmarkOf(c.req.raw.headers),
        page,
      );
      return listResponse(c, deps, rows, query.limit, standing);
    });

    app.get(`/v1/${kind}/:id`, async (c) => {
      requireKind(c.get("key"), kind);
      parseQuery(c, noQuery);
      const found = await readVisible(deps, readerOf(c), kind, c.req.param("id"));
      return recordResponse(c.req.raw, deps.now(), found);
    });
  }

  app.get("/v1/clients/:id/assessment-status", async (c) => {
    const key = c.get("key");
    requireKind(key, "assessment-status");
    // A status document need not name its organization; its client does. A key bound to organizations
    // therefore sees a status exactly when it sees the client.
    const scoped = key.organizations !== undefined;
    parseQuery(c, noQuery);
    const [reader, id] = [readerOf(c), c.req.param("id")];
    const client = scoped ? await readClientOf(deps, reader, id) : undefined;
    const status = await readVisible(deps, reader, "assessment-status", id, client);
    return recordResponse(c.req.raw, deps.now(), status);
  });
}

/** The key's organizations, narrowed by the one asked for: a foreign one leaves nothing. */
export function organizationsOf(
  allowed: readonly string[] | undefined,
  asked: string | undefined,
): readonly string[] | undefined {
  if (asked === undefined) return allowed;
  return allowed === undefined || allowed.includes(asked) ? [asked] : [];
}
