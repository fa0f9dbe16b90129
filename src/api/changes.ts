// The change feed (FD1): every record once, at its latest change, in an order that never changes behind a follower.
// Following it from 0 rebuilds what the key may see; with `wait` the answer comes when there is something to say.

import type { Context, Hono } from "hono";
import { recordAsOf } from "../core/as-of.ts";
import { KINDS } from "../core/ids.ts";
import { asOfText, isoInstant } from "../core/instant.ts";
import { limits } from "../core/limits.ts";
import type { MirrorRecord } from "../core/record.ts";
import { type Place, replicaFor } from "../sync/replica.ts";
import type { Changes, ChangesQuery } from "../sync/stores.ts";
import { requireKind } from "./auth.ts";
import { bookmarkHeader, bookmarkOf } from "./bookmarks.ts";
import { isNotModified, PRIVATE } from "./cache-headers.ts";
import type { ApiDeps, AppEnv } from "./deps.ts";
import { parseQuery } from "./input.ts";
import { changesQuery } from "./schemas.ts";

interface Entry {
  readonly record: MirrorRecord;
  readonly asOf: number;
}

export function changes(app: Hono<AppEnv>, deps: ApiDeps): void {
  app.get("/v1/changes", async (c) => {
    const key = c.get("key");
    const { after, limit, kinds, wait } = parseQuery(c, changesQuery);
    for (const kind of kinds ?? []) requireKind(key, kind);
    const query = { after, limit, kinds: kinds ?? key.kinds, organizations: key.organizations };
    // Before the rows: a sweep that ends in between would vouch for rows it had not yet changed (RD2).
    const vouches = new Map(
      await Promise.all(KINDS.map(async (kind) => [kind, await deps.vouch(key.connection, kind)] as const)),
    );
    const replica = replicaFor(deps, bookmarkOf(c.req.raw.headers), vouches.values());
    const page = await awaited(deps, c, replica ?? deps, query, wait);
    c.set("served", { records: page.rows.length });
    const entries = page.rows.map((record) => ({
      record,
      asOf: recordAsOf(record, vouches.get(record.kind), deps.visibilityLagMs),
    }));
    return changesResponse(deps, c, entries, page, bookmarkHeader(replica?.bookmark()));
  });
}

/**
 * The page after `after`, or, while it would be empty, the first one that is not, until `wait` seconds are over. What
 * was looked at is not looked at again. A key that ends meanwhile is told so and gets nothing; a client that goes
 * away ends the invocation, and the wait with it.
 */
async function awaited(
  deps: ApiDeps,
  c: Context<AppEnv>,
  { records }: Place,
  query: ChangesQuery,
  waitSeconds: number,
): Promise<Changes> {
  const { connection } = c.get("key");
  const until = deps.now() + waitSeconds * 1_000;
  let page = await records.changes(connection, query);
  for (let polls = 0; polls < limits.changesPolls; polls++) {
    const left = until - deps.now();
    if (page.rows.length > 0 || page.more || left <= 0) break;
    await deps.sleep(Math.min(limits.changesPollMs, left));
    await c.get("confirmKey")();
    if ((await deps.lastSeq(connection)) > page.next) {
      page = await records.changes(connection, { ...query, after: page.next });
    }
  }
  return page;
}

function changesResponse(
  deps: ApiDeps,
  c: Context<AppEnv>,
  entries: readonly Entry[],
  { next, more }: Changes,
  bookmark: Record<string, string>,
): Response {
  // A seq is given to one content of one record and never again: the page is what its positions are.
  const positions = entries.map(({ record, asOf }) => [record.seq, record.deletedAt === undefined, asOf]);
  const identity = JSON.stringify([c.get("key").connection, positions, next, more]);
  const etag = `"${deps.digest(identity).slice(0, 32)}"`;
  const headers = { ...PRIVATE, ...bookmark, "mirror-seq": String(next), etag };
  if (isNotModified(c.req.raw.headers, { etag })) return c.body(null, 304, headers);
  const meta = JSON.stringify({ next_after: next, has_more: more });
  const body = `{"data":[${entries.map(toJson).join(",")}],"meta":${meta}}`;
  return c.body(body, 200, { ...headers, "content-type": "application/json" });
}

/** The record's own text goes out as it came in, without being parsed on the way. */
function toJson({ record, asOf }: Entry): string {
  const { seq, kind, id, updatedAt, deletedAt, body } = record;
  const deleted = deletedAt !== undefined;
  const head = {
    seq,
    kind,
    id,
    op: deleted ? "delete" : "upsert",
    updated_at: updatedAt === undefined ? null : isoInstant(updatedAt),
    as_of: asOfText(asOf),
  };
  return `${JSON.stringify(head).slice(0, -1)},"record":${deleted ? "null" : body}}`;
}
