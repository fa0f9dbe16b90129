// Records as the apps see them: the upstream's own JSON, untouched, in RCMS's envelope, with how fresh it is.

import type { Context } from "hono";
import { isoInstant } from "../core/instant.ts";
import { encodePosition } from "../core/page-cursor.ts";
import type { MirrorRecord } from "../core/record.ts";
import type { Via } from "../sync/read.ts";
import { ageHeaders, isNotModified, PRIVATE, type Validators, validatorHeaders } from "./cache-headers.ts";
import type { ApiDeps, AppEnv } from "./deps.ts";

export interface Found {
  readonly record: MirrorRecord;
  /** ms */
  readonly asOf: number;
  readonly ttlMs: number;
  readonly via: Via;
}

/** `{data}`: the stored text goes out as it came in, without being parsed on the way. */
export function recordResponse(c: Context<AppEnv>, now: number, found: Found): Response {
  const { record, asOf, ttlMs, via } = found;
  // `seq` changes with every commit, so equal tags mean equal bytes, also where equal content came spelled anew.
  const etag = `"${record.hash.slice(0, 32)}-${record.seq}"`;
  const headers = {
    ...ageHeaders(now - asOf, ttlMs, via),
    "mirror-seq": String(record.seq),
    "mirror-as-of": isoInstant(asOf),
  };
  return conditional(c, { etag, lastModified: record.updatedAt }, headers, () => `{"data":${record.body}}`);
}

/**
 * `{data:[…], meta:{next_url, as_of, complete}}`
 * @param rows one more than `limit` when there is a next page
 * @param standing `asOf`, ms: undefined before the kind's first sweep: nothing vouches for a list then
 */
export function listResponse(
  c: Context<AppEnv>,
  { now, digest }: Pick<ApiDeps, "now" | "digest">,
  rows: readonly MirrorRecord[],
  limit: number,
  standing: { readonly asOf: number | undefined; readonly complete: boolean; readonly ttlMs: number },
): Response {
  const { asOf, complete, ttlMs } = standing;
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  c.set("served", { records: shown.length });
  const more = rows.length > limit && last !== undefined;
  const meta = JSON.stringify({
    next_url: more ? nextUrl(c.req.url, encodePosition({ updatedAt: last.updatedAt, id: last.id })) : null,
    as_of: asOf === undefined ? null : isoInstant(asOf),
    // Without a rebuild a list holds what events, sweeps and reads have brought (RD7).
    complete,
  });
  const identity = JSON.stringify([meta, ...shown.map(({ id, seq, hash }) => [id, seq, hash])]);
  const headers = {
    ...ageHeaders(asOf === undefined ? undefined : now() - asOf, ttlMs, { hit: true }),
    ...(asOf === undefined ? {} : { "mirror-as-of": isoInstant(asOf) }),
  };
  return conditional(c, { etag: `"${digest(identity).slice(0, 32)}"` }, headers, () => {
    return `{"data":[${shown.map(({ body }) => body).join(",")}],"meta":${meta}}`;
  });
}

/** The answer, or a 304 without a body where the asker has it already. */
function conditional(
  c: Context<AppEnv>,
  validators: Validators,
  headers: Record<string, string>,
  body: () => string,
): Response {
  const all = { ...PRIVATE, ...headers, ...validatorHeaders(validators) };
  const unchanged = c.req.method !== "POST" && isNotModified((name) => c.req.header(name), validators);
  // Built here, not by the context: it would copy the headers one by one.
  if (unchanged) return new Response(null, { status: 304, headers: all });
  return new Response(body(), { headers: { "content-type": "application/json", ...all } });
}

function nextUrl(url: string, cursor: string): string {
  const next = new URL(url);
  next.searchParams.set("cursor", cursor);
  return next.href;
}
