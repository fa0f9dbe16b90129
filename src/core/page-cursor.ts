// A list's position as opaque text. It holds nothing but a position within rows the key may see anyway, and is
// validated whole on the way in.

import { base64Url, base64UrlBytes } from "./base64.ts";
import { type RecordId, recordId } from "./ids.ts";

export interface Position {
  /** ms; undefined for records without `updated_at`, which come first. */
  readonly updatedAt: number | undefined;
  readonly id: RecordId;
}

export function encodePosition({ updatedAt, id }: Position): string {
  return base64Url(new TextEncoder().encode(JSON.stringify([updatedAt ?? null, id])));
}

/** @returns undefined for anything this version did not write */
export function decodePosition(cursor: string): Position | undefined {
  const position = readPosition(cursor);
  return position !== undefined && encodePosition(position) === cursor ? position : undefined;
}

function readPosition(cursor: string): Position | undefined {
  if (cursor.length > 256) return undefined;
  const bytes = base64UrlBytes(cursor);
  if (bytes === undefined) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
  if (!Array.isArray(parsed) || parsed.length !== 2) return undefined;
  const [updatedAt, rawId] = parsed as [unknown, unknown];
  const id = typeof rawId === "string" ? recordId(rawId) : undefined;
  if (id === undefined) return undefined;
  if (updatedAt === null) return { updatedAt: undefined, id };
  return Number.isSafeInteger(updatedAt) ? { updatedAt: updatedAt as number, id } : undefined;
}
