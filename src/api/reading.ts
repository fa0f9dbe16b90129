// One record for a key: found and visible, or one answer for everything else.

import type { Context } from "hono";
import { parseWishes } from "../core/directives.ts";
import { NO_WISHES, type Wishes } from "../core/freshness.ts";
import { type Kind, recordId } from "../core/ids.ts";
import type { MirrorRecord } from "../core/record.ts";
import { maySee } from "./auth.ts";
import { bookmarkOf } from "./bookmarks.ts";
import type { ApiDeps, AppEnv } from "./deps.ts";
import { ApiError, notFound } from "./errors.ts";
import type { Found } from "./wire.ts";

/**
 * Absent and foreign are the same answer, byte for byte (RD6), also while the upstream is away.
 * @param of the client a per-client document belongs to, already found visible: it then decides for the document
 * @throws ApiError 404; 504 when only a copy was wanted; 503 when neither the mirror nor, in time, the upstream
 * could say
 */
export async function readVisible(
  deps: ApiDeps,
  c: Context<AppEnv>,
  kind: Kind,
  rawId: string | undefined,
  of?: MirrorRecord,
): Promise<Found> {
  const id = recordId(rawId);
  if (id === undefined) throw notFound();
  const key = c.get("key");
  const visible = (record: MirrorRecord) => of !== undefined || maySee(key, record.organizationId);
  return readAs(deps, c, { kind, id, visible, organizationId: of?.organizationId, wishes: wishesOf(c) });
}

/** A client, only to know whether the key may see it: any copy will do, however old. */
export async function readClientOf(
  deps: ApiDeps,
  c: Context<AppEnv>,
  rawId: string | undefined,
): Promise<MirrorRecord> {
  const id = recordId(rawId);
  if (id === undefined) throw notFound();
  const key = c.get("key");
  const visible = (record: MirrorRecord) => maySee(key, record.organizationId);
  const { onlyIfCached } = wishesOf(c);
  const wishes = { ...NO_WISHES, onlyIfCached, maxStaleMs: Number.POSITIVE_INFINITY };
  return (await readAs(deps, c, { kind: "clients", id, visible, wishes })).record;
}

async function readAs(
  deps: ApiDeps,
  c: Context<AppEnv>,
  {
    kind,
    id,
    ...asked
  }: Omit<Parameters<ApiDeps["readOne"]>[1], "ref"> & Parameters<ApiDeps["readOne"]>[1]["ref"],
): Promise<Found> {
  const keepAlive = (work: Promise<unknown>) => c.executionCtx.waitUntil(work);
  const minSeq = minSeqOf(c.req.header("mirror-min-seq"));
  const read = await deps.readOne(
    c.get("key").connection,
    { ref: { kind, id }, ...asked, minSeq, bookmark: bookmarkOf(c) },
    keepAlive,
  );
  switch (read.result) {
    case "found":
      return read;
    case "absent":
      throw notFound();
    case "not_held":
      throw new ApiError("gateway_timeout", "only-if-cached: the mirror holds no copy that will do");
    case "unavailable":
      throw new ApiError(
        "upstream_unavailable",
        "the record is not mirrored yet and RCMS does not answer; try again",
        { headers: { "retry-after": "5" } },
      );
  }
}

function wishesOf(c: Context<AppEnv>): Wishes {
  return parseWishes(c.req.header("cache-control"));
}

/** What is not a `seq` is ignored, as a malformed directive is. */
function minSeqOf(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,15}$/.test(header) ? Number(header) : undefined;
}
