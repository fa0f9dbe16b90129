// The `Cache-Control` of a request (RFC 9111 §5.2.1). What is malformed or unknown is ignored, one directive at a
// time; of a directive given twice the first counts.

import { NO_WISHES, type Wishes } from "./freshness.ts";

/** Quoted text may hold commas. */
const DIRECTIVE = /(?:[^,"]|"(?:[^"\\]|\\.)*"?)+/g;
const PARTS = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:=(?:"([^"\\]*)"|([^\s"]*)))?$/;

/** RFC 9111 §1.2.2: a greater number of seconds counts as this one. */
const MAX_SECONDS = 2_147_483_648;

export function parseWishes(header: string | undefined): Wishes {
  if (header === undefined) return NO_WISHES;
  const given = new Map<string, string | undefined>();
  for (const [text] of header.matchAll(DIRECTIVE)) {
    const parts = PARTS.exec(text.trim());
    const name = parts?.[1]?.toLowerCase();
    if (name === undefined) continue;
    const value = parts?.[2] ?? parts?.[3];
    if (isWellFormed(name, value) && !given.has(name)) given.set(name, value);
  }
  if (given.size === 0) return NO_WISHES;
  const ms = (name: string) => {
    const seconds = given.get(name);
    return seconds === undefined ? undefined : Math.min(Number(seconds), MAX_SECONDS) * 1_000;
  };
  const [maxAgeMs, minFreshMs] = [ms("max-age"), ms("min-fresh")];
  const maxStaleMs = given.has("max-stale") ? (ms("max-stale") ?? Number.POSITIVE_INFINITY) : undefined;
  return {
    noCache: given.has("no-cache"),
    noStore: given.has("no-store"),
    onlyIfCached: given.has("only-if-cached"),
    ...(maxAgeMs === undefined ? {} : { maxAgeMs }),
    ...(minFreshMs === undefined ? {} : { minFreshMs }),
    ...(maxStaleMs === undefined ? {} : { maxStaleMs }),
  };
}

function isWellFormed(name: string, value: string | undefined): boolean {
  const isSeconds = value !== undefined && /^\d+$/.test(value);
  switch (name) {
    case "max-age":
    case "min-fresh":
      return isSeconds;
    case "max-stale":
      return value === undefined || isSeconds;
    case "no-cache":
    case "no-store":
    case "only-if-cached":
      return value === undefined;
    default:
      return false;
  }
}
