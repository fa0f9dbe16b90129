// What a reader gets: the copy that is held, a fetch while it waits, or nothing (RD3). Pure; the words of the
// request directives are RFC 9111's (§5.2.1), read in core/directives.ts.

/** What the request asks of a copy's age. */
export interface Wishes {
  /** No copy without asking the upstream first. */
  readonly noCache: boolean;
  /** Nothing of this answer may be remembered in passing. */
  readonly noStore: boolean;
  /** No call upstream for this. */
  readonly onlyIfCached: boolean;
  readonly maxAgeMs?: number;
  readonly minFreshMs?: number;
  /** Infinity: however stale. */
  readonly maxStaleMs?: number;
}

export const NO_WISHES: Wishes = { noCache: false, noStore: false, onlyIfCached: false };

export type ReadRule =
  | {
      readonly do: "serve";
      /** Older than its time to live. */
      readonly stale: boolean;
      /** To be looked at again in the background. */
      readonly refresh: boolean;
    }
  | {
      readonly do: "fetch";
      readonly why: "miss" | "stale" | "request";
      /**
       * Our clock, ms: a fetch that started then or later is good enough for this reader. Absent: only one that
       * starts after the reader has asked.
       */
      readonly notBefore?: number;
    }
  /** Only a copy was wanted, and none will do. */
  | { readonly do: "refuse" };

export interface ReadState {
  readonly now: number;
  readonly ttlMs: number;
  /** How long a write may stay invisible upstream: what `asOf` stays behind its fetch. */
  readonly lagMs: number;
  /** Absent: the mirror has never held the record, or this reader may not see it. */
  readonly copy?: { readonly asOf: number; readonly terminal: boolean } | undefined;
  readonly wishes: Wishes;
  /** For what is missing: a fetch this long ago, ms, that found nothing still counts. */
  readonly missMs: number;
}

/**
 * Fresh: served. Stale and terminal: served, and refreshed behind the reader's back, because it hardly ever changes
 * and an event reopens it at once. Stale and open, or missing: fetched now. A wish of the reader's own goes before
 * the mirror's time to live, and before "terminal".
 */
export function readRule({ now, ttlMs, lagMs, copy, wishes, missMs }: ReadState): ReadRule {
  if (copy === undefined) {
    if (wishes.onlyIfCached) return { do: "refuse" };
    return { do: "fetch", why: "miss", ...(wishes.noCache ? {} : { notBefore: now - missMs }) };
  }
  const age = Math.max(0, now - copy.asOf);
  const stale = age > ttlMs;
  const ageAllowed = wishes.noCache ? -1 : allowedAge(wishes, ttlMs);
  const anyAge = copy.terminal && !asksForAge(wishes);
  if (anyAge || age <= ageAllowed) return { do: "serve", stale, refresh: stale && copy.terminal };
  if (wishes.onlyIfCached) return { do: "refuse" };
  const why = stale ? "stale" : "request";
  return ageAllowed > lagMs
    ? { do: "fetch", why, notBefore: now - ageAllowed + lagMs }
    : { do: "fetch", why };
}

function asksForAge({ noCache, maxAgeMs, minFreshMs }: Wishes): boolean {
  return noCache || maxAgeMs !== undefined || minFreshMs !== undefined;
}

/** `min-fresh` narrows the time to live, `max-stale` widens it, `max-age` bounds the result. */
function allowedAge({ maxAgeMs, minFreshMs, maxStaleMs }: Wishes, ttlMs: number): number {
  const lifetime = minFreshMs === undefined ? ttlMs + (maxStaleMs ?? 0) : ttlMs - minFreshMs;
  return Math.min(lifetime, maxAgeMs ?? Number.POSITIVE_INFINITY);
}
