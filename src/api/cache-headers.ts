// What an answer says of its own age and origin: `Age`, `Cache-Status` (RFC 9211), validators, and the 304 that
// follows from them (RFC 9110 §13).

import type { Via } from "../sync/read.ts";

const SECOND = 1_000;

/**
 * Sent with every answer of the read API: no intermediary keeps it, and who keeps it asks again before each use, with
 * the key of that use. `Vary: Authorization` would say nothing more (RFC 9110 §12.5.5).
 */
export const PRIVATE = { "cache-control": "private, no-cache" } as const;

export interface Validators {
  /** Strong, quotes included. */
  readonly etag: string;
  /** ms */
  readonly lastModified?: number | undefined;
}

/**
 * Of every answer that may be kept. One object, filled in: put together from parts, it cost more than the database's
 * row took to become a record.
 * @param age ms; undefined where nothing vouches for the answer yet
 */
export function cacheHeaders(
  { etag, lastModified }: Validators,
  age: number | undefined,
  ttlMs: number,
  via: Via,
): Record<string, string> {
  const seconds = age === undefined ? undefined : ageSeconds(age);
  const headers: Record<string, string> = {
    ...PRIVATE,
    etag,
    "cache-status": cacheStatus(seconds, ttlMs, via),
  };
  if (seconds !== undefined) headers.age = String(seconds);
  if (lastModified !== undefined) headers["last-modified"] = new Date(lastModified).toUTCString();
  return headers;
}

/** @param age ms */
export function ageSeconds(age: number): number {
  return Math.floor(Math.max(0, age) / SECOND);
}

function cacheStatus(ageSeconds: number | undefined, ttlMs: number, via: Via): string {
  if (!via.hit) return `rcms-mirror; fwd=${via.fwd}; fwd-status=200${via.stored ? "; stored" : ""}`;
  const ttl = ageSeconds === undefined ? "" : `; ttl=${Math.floor(ttlMs / SECOND) - ageSeconds}`;
  return `rcms-mirror; hit${ttl}${via.why === undefined ? "" : `; detail=${via.why}`}`;
}

/** `If-None-Match` decides alone where it is given; `If-Modified-Since` knows whole seconds only. */
export function isNotModified(headers: Headers, { etag, lastModified }: Validators): boolean {
  const noneMatch = headers.get("if-none-match");
  if (noneMatch !== null) return matches(noneMatch, etag);
  const since = headers.get("if-modified-since");
  if (since === null || lastModified === undefined) return false;
  const at = / GMT$/.test(since) ? Date.parse(since) : Number.NaN;
  return Math.floor(lastModified / SECOND) * SECOND <= at;
}

/** Weak comparison: a proxy that compressed the answer has made the tag weak. */
function matches(header: string, etag: string): boolean {
  if (header === etag) return true;
  if (header.trim() === "*") return true;
  return (header.match(/(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g) ?? []).some(
    (tag) => tag.replace(/^W\//, "") === etag,
  );
}
