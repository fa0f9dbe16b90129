// Field minimisation: what a connection does not allow is dropped before anything is hashed or stored. A body cut
// later, because the list was narrowed, comes out exactly as a fetch under the new list would bring it.

import { canonicalJson, type JsonObject, property } from "./json.ts";

/** @param allowed top-level fields to keep; `id` is always kept; undefined keeps everything */
export function minimise(record: JsonObject, allowed: readonly string[] | undefined): JsonObject {
  if (allowed === undefined) return record;
  const keep = new Set(["id", ...allowed]);
  return Object.fromEntries(Object.entries(record).filter(([field]) => keep.has(field)));
}

/** What a row says of a record's content, all of it from the fields that are kept. */
export function contentOf(
  kept: JsonObject,
  updatedAt: number | undefined,
  digest: (text: string) => string,
): { readonly hash: string; readonly body: string; readonly status?: string } {
  const status = property(kept, "status");
  return {
    // The instant is part of the content even where the field itself may not be kept.
    hash: digest(`${updatedAt ?? ""} ${canonicalJson(kept)}`),
    body: JSON.stringify(kept),
    ...(typeof status === "string" ? { status: status.slice(0, 64) } : {}),
  };
}

/** What a change of the list means for one kind: fields to take away, fields to fetch. */
export function fieldChange(
  before: readonly string[] | undefined,
  after: readonly string[] | undefined,
): { readonly narrowed: boolean; readonly widened: boolean } {
  const lacks = (list: readonly string[] | undefined, other: readonly string[] | undefined) =>
    list !== undefined &&
    (other === undefined || other.some((field) => field !== "id" && !list.includes(field)));
  return { narrowed: lacks(after, before), widened: lacks(before, after) };
}
