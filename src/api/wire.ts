// Records as the apps see them: the upstream's own JSON, untouched, in RCMS's envelope.

import type { Context } from "hono";
import { isoInstant } from "../core/instant.ts";
import { encodePosition } from "../core/page-cursor.ts";
import type { MirrorRecord } from "../core/record.ts";
import type { AppEnv } from "./deps.ts";

const JSON_HEADERS = { "content-type": "application/json", "cache-control": "private, no-cache" };

/** `{data}`: the stored text goes out as it came in, without being parsed on the way. */
export function recordResponse(c: Context<AppEnv>, record: MirrorRecord, asOf: number): Response {
  return c.body(`{"data":${record.body}}`, 200, {
    ...JSON_HEADERS,
    "mirror-seq": String(record.seq),
    "mirror-as-of": isoInstant(asOf),
  });
}

/**
 * `{data:[…], meta:{next_url, as_of, complete}}`
 * @param rows one more than `limit` when there is a next page
 * @param standing `asOf`, ms: undefined before the kind's first sweep: nothing vouches for a list then
 */
export function listResponse(
  c: Context<AppEnv>,
  rows: readonly MirrorRecord[],
  limit: number,
  standing: { readonly asOf: number | undefined; readonly complete: boolean },
): Response {
  const { asOf, complete } = standing;
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  c.set("served", { records: shown.length });
  const more = rows.length > limit && last !== undefined;
  const meta = {
    next_url: more ? nextUrl(c.req.url, encodePosition({ updatedAt: last.updatedAt, id: last.id })) : null,
    as_of: asOf === undefined ? null : isoInstant(asOf),
    // Without a rebuild a list holds what events, sweeps and reads have brought (RD7).
    complete,
  };
  const data = shown.map(({ body }) => body).join(",");
  return c.body(`{"data":[${data}],"meta":${JSON.stringify(meta)}}`, 200, JSON_HEADERS);
}

function nextUrl(url: string, cursor: string): string {
  const next = new URL(url);
  next.searchParams.set("cursor", cursor);
  return next.href;
}
