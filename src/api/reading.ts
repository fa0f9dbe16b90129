// One record for a key: found and visible, or one answer for everything else.

import type { Context } from "hono";
import { type Kind, recordId } from "../core/ids.ts";
import type { MirrorRecord } from "../core/record.ts";
import { maySee } from "./auth.ts";
import type { ApiDeps, AppEnv } from "./deps.ts";
import { ApiError, notFound } from "./errors.ts";

/**
 * Absent and foreign are the same answer, byte for byte (RD6), also while the upstream is away.
 * @param of the client a per-client document belongs to, already found visible: it then decides for the document
 * @throws ApiError 404, or 503 when neither the mirror nor, in time, the upstream could say
 */
export async function readVisible(
  deps: ApiDeps,
  c: Context<AppEnv>,
  kind: Kind,
  rawId: string | undefined,
  of?: MirrorRecord,
): Promise<MirrorRecord> {
  const id = recordId(rawId);
  if (id === undefined) throw notFound();
  const key = c.get("key");
  const visible = (record: MirrorRecord) => of !== undefined || maySee(key, record.organizationId);
  const keepAlive = (work: Promise<unknown>) => c.executionCtx.waitUntil(work);
  const asked = { ref: { kind, id }, visible, organizationId: of?.organizationId };
  const read = await deps.readOne(key.connection, asked, keepAlive);
  switch (read.result) {
    case "found":
      return read.record;
    case "absent":
      throw notFound();
    case "unavailable":
      throw new ApiError(
        "upstream_unavailable",
        "the record is not mirrored yet and RCMS does not answer; try again",
        { headers: { "retry-after": "5" } },
      );
  }
}
