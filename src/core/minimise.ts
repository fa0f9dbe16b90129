// Field minimisation: what a connection does not allow is dropped before anything is hashed or stored.

import type { JsonObject } from "./json.ts";

/** @param allowed top-level fields to keep; `id` is always kept; undefined keeps everything */
export function minimise(record: JsonObject, allowed: readonly string[] | undefined): JsonObject {
  if (allowed === undefined) return record;
  const keep = new Set(["id", ...allowed]);
  return Object.fromEntries(Object.entries(record).filter(([field]) => keep.has(field)));
}
