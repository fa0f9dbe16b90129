// Which version of its record a row of the mirror holds.

import type { MirrorRecord } from "../../src/core/record.ts";

export const nameOf = ({ kind, id }: Pick<MirrorRecord, "kind" | "id">) => `${kind}/${id}`;

/** The number RCMS gave this version of the record; 0 for what has none. */
export function versionOf(row: MirrorRecord): number {
  const body = JSON.parse(row.body) as Readonly<{ version?: number; overall_score?: number }> | null;
  return body?.version ?? body?.overall_score ?? 0;
}
