// Records as the apps see them: the upstream's own JSON, untouched, in RCMS's envelope, with how fresh it is.

import type { Context } from "hono";
import { asOfText } from "../core/instant.ts";
import { encodePosition } from "../core/page-cursor.ts";
import type { MirrorRecord } from "../core/record.ts";
import type { Via } from "../sync/read.ts";
import type { Standing } from "./as-of.ts";
import { bookmarkHeader } from "./bookmarks.ts";
import { cacheHeaders, isNotModified, type Validators } from "./cache-headers.ts";
import type { ApiDeps, AppEnv } from "./deps.ts";

export interface Found {
  readonly record: MirrorRecord;
  /** ms */
  readonly asOf: number;
  readonly ttlMs: number;
  readonly via: Via;
  readonly bookmark?: string | undefined;
}

const JSON_TYPE = "application/json";

/** `{data}`: the stored text goes out as it came in, without being parsed on the way. */
export function recordResponse(request: Request, now: number, found: Found): Response {
  const { record } = found;
  return conditional(request, validatorsOf(record), recordHeaders(now, found), () => recordBody(record));
}

export function recordBody({ body }: MirrorRecord): string {
  return `{"data":${body}}`;
}

/** Of an answer with a record or of its 304, the request's id apart. */
export function recordHeaders(
  now: number,
  { record, asOf, ttlMs, via, bookmark }: Found,
): Record<string, string> {
  const headers = cacheHeaders(validatorsOf(record), now - asOf, ttlMs, via);
  headers["mirror-seq"] = String(record.seq);
  headers["mirror-as-of"] = asOfText(asOf);
  return Object.assign(headers, bookmarkHeader(bookmark));
}

/** `seq` changes with every commit, so equal tags mean equal bytes, also where equal content came spelled anew. */
function validatorsOf({ hash, seq, updatedAt }: MirrorRecord): Validators {
  return { etag: `"${hash.slice(0, 32)}-${seq}"`, lastModified: updatedAt };
}

/**
 * `{data:[…], meta:{next_url, as_of, complete}}`
 * @param rows one more than `limit` when there is a next page
 */
export function listResponse(
  c: Context<AppEnv>,
  { now, digest }: Pick<ApiDeps, "now" | "digest">,
  rows: readonly MirrorRecord[],
  limit: number,
  standing: Standing,
): Response {
  const { asOf, complete, ttlMs, bookmark } = standing;
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  c.set("served", { records: shown.length });
  const more = rows.length > limit && last !== undefined;
  const meta = JSON.stringify({
    next_url: more ? nextUrl(c.req.url, encodePosition({ updatedAt: last.updatedAt, id: last.id })) : null,
    as_of: asOf === undefined ? null : asOfText(asOf),
    // Without a rebuild a list holds what events, sweeps and reads have brought (RD7).
    complete,
  });
  const identity = JSON.stringify([meta, ...shown.map(({ id, seq, hash }) => [id, seq, hash])]);
  const validators = { etag: `"${digest(identity).slice(0, 32)}"` };
  const headers = cacheHeaders(validators, asOf === undefined ? undefined : now() - asOf, ttlMs, {
    hit: true,
  });
  if (asOf !== undefined) headers["mirror-as-of"] = asOfText(asOf);
  Object.assign(headers, bookmarkHeader(bookmark));
  return conditional(c.req.raw, validators, headers, () => {
    return `{"data":[${shown.map(({ body }) => body).join(",")}],"meta":${meta}}`;
  });
}

/** The answer, or a 304 without a body where the asker has it already. */
function conditional(
  { method, headers: asked }: Request,
  validators: Validators,
  headers: Record<string, string>,
  body: () => string,
): Response {
  const unchanged = method !== "POST" && isNotModified(asked, validators);
  // Built here, not by the context: it would copy the headers one by one.
  if (unchanged) return new Response(null, { status: 304, headers });
  headers["content-type"] = JSON_TYPE;
  return new Response(body(), { headers });
}

function nextUrl(url: string, cursor: string): string {
  const next = new URL(url);
  next.searchParams.set("cursor", cursor);
  return next.href;
}
