// One record for a key: found and visible, or one answer for everything else.

import type { Context } from "hono";
import { parseWishes } from "../core/directives.ts";
import { NO_WISHES, type Wishes } from "../core/freshness.ts";
import { type Kind, recordId } from "../core/ids.ts";
import type { MirrorRecord } from "../core/record.ts";
import type { ApiKey } from "../sync/stores.ts";
import { maySee } from "./auth.ts";
import { bookmarkOf } from "./bookmarks.ts";
import type { ApiDeps, AppEnv } from "./deps.ts";
import { ApiError, notFound } from "./errors.ts";
import type { Found } from "./wire.ts";

/** Who asks, and how. */
export interface Reader {
  readonly key: ApiKey;
  readonly headers: Headers;
  /** Lets work finish after the answer. */
  readonly keepAlive: (work: Promise<unknown>) => void;
}

export function readerOf(c: Context<AppEnv>): Reader {
  const keepAlive = (work: Promise<unknown>) => c.executionCtx.waitUntil(work);
  return { key: c.get("key"), headers: c.req.raw.headers, keepAlive };
}

/**
 * Absent and foreign are the same answer, byte for byte (RD6), also while the upstream is away.
 * @param of the client a per-client document belongs to, already found visible: it then decides for the document
 * @throws ApiError 404; 504 when only a copy was wanted; 503 when neither the mirror nor, in time, the upstream
 * could say
 */
export async function readVisible(
  deps: ApiDeps,
  reader: Reader,
  kind: Kind,
  rawId: string | undefined,
  of?: MirrorRecord,
): Promise<Found> {
  const id = recordId(rawId);
  if (id === undefined) throw notFound();
  const visible = (record: MirrorRecord) => of !== undefined || maySee(reader.key, record.organizationId);
  const wishes = wishesOf(reader.headers);
  return readAs(deps, reader, { kind, id, visible, organizationId: of?.organizationId, wishes });
}

/** A client, only to know whether the key may see it: any copy will do, however old. */
export async function readClientOf(
  deps: ApiDeps,
  reader: Reader,
  rawId: string | undefined,
): Promise<MirrorRecord> {
  const id = recordId(rawId);
  if (id === undefined) throw notFound();
  const visible = (record: MirrorRecord) => maySee(reader.key, record.organizationId);
  const { onlyIfCached } = wishesOf(reader.headers);
  const wishes = { ...NO_WISHES, onlyIfCached, maxStaleMs: Number.POSITIVE_INFINITY };
  return (await readAs(deps, reader, { kind: "clients", id, visible, wishes })).record;
}

async function readAs(
  deps: ApiDeps,
  { key, headers, keepAlive }: Reader,
  {
    kind,
    id,
    ...asked
  }: Omit<Parameters<ApiDeps["readOne"]>[1], "ref"> & Parameters<ApiDeps["readOne"]>[1]["ref"],
): Promise<Found> {
  const minSeq = minSeqOf(headers.get("mirror-min-seq"));
  const read = await deps.readOne(
    key.connection,
    { ref: { kind, id }, ...asked, minSeq, bookmark: bookmarkOf(headers) },
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

function wishesOf(headers: Headers): Wishes {
  return parseWishes(headers.get("cache-control") ?? undefined);
}

/** What is not a `seq` is ignored, as a malformed directive is. */
function minSeqOf(header: string | null): number | undefined {
  return header !== null && /^\d{1,15}$/.test(header) ? Number(header) : undefined;
}
