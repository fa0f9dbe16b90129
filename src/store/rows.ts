// Rows of `records` on their way in and out: what NULL and 0 mean in the table is known only here.

import type { Kind, RecordId, Ref } from "../core/ids.ts";
import { gatekeeping, type MirrorRecord, type Version, type Write } from "../core/record.ts";
import type { records } from "./schema.ts";

/** How "the upstream gives no `updated_at`" is spelled in the table: sorts first, and needs no NULL rules. */
export const UNDATED = 0;

/** A row of `records` as {@link RecordRow} has it, for statements that are not built anew for every read. */
export const COLUMNS = `
  kind, records.id, seq, updated_at AS updatedAt, fetched_at AS fetchedAt, hash, organization_id AS organizationId,
  client_id AS clientId, status, terminal, deleted_at AS deletedAt, body, as_of AS asOf`;

export type RecordRow = Omit<typeof records.$inferSelect, "connectionId">;

/** A statement that only reads, and what its rows say: asked alone, or with others in one trip. */
export interface Question<Answer> {
  readonly statement: D1PreparedStatement;
  readonly read: (rows: readonly unknown[]) => Answer;
}

export async function ask<Answer>({ statement, read }: Question<Answer>): Promise<Answer> {
  return read((await statement.all()).results);
}

export interface VersionRow extends Ref {
  readonly updatedAt: number;
  readonly fetchedAt: number;
  readonly hash: string;
  readonly deletedAt: number | null;
}

export function toRow(write: Write): Record<string, unknown> {
  if (write.write === "tombstone") {
    const { ref, fetchedAt, asOf } = write;
    // Of a deleted record nothing is kept but that it was, and when it was seen to be gone.
    return {
      ...ref,
      ...gatekeeping(write),
      updatedAt: fetchedAt,
      fetchedAt,
      hash: "",
      terminal: 1,
      deletedAt: fetchedAt,
      body: "null",
      asOf,
    };
  }
  const { snapshot, overHash } = write;
  return {
    ...snapshot,
    ...gatekeeping(write),
    updatedAt: snapshot.updatedAt ?? UNDATED,
    terminal: snapshot.terminal ? 1 : 0,
    overHash,
  };
}

export function toVersion(row: Pick<VersionRow, "updatedAt" | "fetchedAt" | "hash" | "deletedAt">): Version {
  return {
    fetchedAt: row.fetchedAt,
    hash: row.hash,
    ...(row.updatedAt === UNDATED ? {} : { updatedAt: row.updatedAt }),
    ...(row.deletedAt === null ? {} : { deletedAt: row.deletedAt }),
  };
}

export function toRecord(row: RecordRow): MirrorRecord {
  return {
    ...toVersion(row),
    kind: row.kind as Kind,
    id: row.id as RecordId,
    seq: row.seq,
    terminal: row.terminal === 1,
    body: row.body,
    ...(row.asOf === null ? {} : { asOf: row.asOf }),
    ...(row.organizationId === null ? {} : { organizationId: row.organizationId }),
    ...(row.clientId === null ? {} : { clientId: row.clientId }),
    ...(row.status === null ? {} : { status: row.status }),
  };
}
