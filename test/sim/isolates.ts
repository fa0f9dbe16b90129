// An isolate that serves apps: the project's own read path with the caches an isolate has, over the stores of a
// simulated mirror. It lives until it dies; the next request then meets a new one, whose caches are empty.

import { readStanding } from "../../src/api/as-of.ts";
import {
  absentCache,
  completeCache,
  refreshGuard,
  shownCache,
  vouchCache,
} from "../../src/cloudflare/caches.ts";
import { createCopies, dropping } from "../../src/cloudflare/copies.ts";
import { recordAsOf } from "../../src/core/as-of.ts";
import { type ConnectionId, KINDS, type Kind } from "../../src/core/ids.ts";
import { rcms } from "../../src/sources/rcms/rcms.ts";
import type { JobMessage } from "../../src/sync/messages.ts";
import { type Asked, type Read, type ReadDeps, readOne } from "../../src/sync/read.ts";
import type { ChangesQuery, RecordQuery } from "../../src/sync/stores.ts";
import type { Clock } from "./clock.ts";
import type { Life } from "./life.ts";
import { HERE, type SimMirror } from "./mirror.ts";

export const TTL_MS = 1_800_000;
export const L1_MS = 2_000;

export type Isolate = ReturnType<typeof createIsolate>;

/** @returns the isolate of a number, alive */
export function createIsolates(clock: Clock, mirror: SimMirror): (number: number) => Isolate {
  const isolates = new Map<number, Isolate>();
  return (number) => {
    const known = isolates.get(number);
    if (known?.life.alive) return known;
    const made = createIsolate(clock, mirror, mirror.newLife("object", "isolate"));
    isolates.set(number, made);
    return made;
  };
}

function createIsolate({ now }: Clock, mirror: SimMirror, life: Life) {
  const services = mirror.servicesOf(life);
  const { visibilityLagMs } = rcms;
  // Each is made when it is first needed: most isolates are short-lived, and the caches are large.
  const caches = {
    vouch: lazy(() => vouchCache(now, services.cursors)),
    isComplete: lazy(() => completeCache(now, services.kinds.isComplete)),
    absent: lazy(() => absentCache(now)),
    refreshes: lazy(() => refreshGuard(now, services.refreshes)),
    shown: lazy(() => shownCache()),
    copies: lazy(() => createCopies(now, L1_MS)),
  };
  const vouch = (connection: ConnectionId, kind: Kind) => caches.vouch()(connection, kind);
  const ttlMs = () => TTL_MS;
  const standing = {
    vouch,
    isComplete: (connection: ConnectionId, kind: Kind) => caches.isComplete()(connection, kind),
    ttlMs,
    visibilityLagMs,
  };
  const reading: ReadDeps = {
    ...services,
    ...standing,
    get absent() {
      return caches.absent();
    },
    get refreshes() {
      return caches.refreshes();
    },
    get shown() {
      return caches.shown();
    },
    get copies() {
      return caches.copies();
    },
    // A look that waits is to confirm a doubt; any other one is a refresh.
    queues: {
      sendJobs(jobs: readonly JobMessage[], delaySeconds = 0) {
        for (const job of jobs)
          if (job.job === "look" && delaySeconds === 0) mirror.watched.refreshed(job.ref);
        return services.queues.sendJobs(jobs, delaySeconds);
      },
    },
    writers: () => dropping(caches.copies(), HERE, services.writers(HERE)),
    keepAlive: (work) => void work.catch(() => {}),
  };
  return {
    life,
    /** Versions it has itself made the mirror hold, by `<kind>/<id>`: older ones it must not show any more (RD5). */
    stored: new Map<string, number>(),
    read: (asked: Asked): Promise<Read> => readOne(reading, HERE, asked),

    list(kind: Kind, query: RecordQuery) {
      return readStanding(standing, HERE, kind, () => services.records.page(HERE, kind, query));
    },

    /** A page of the feed, each entry with its `as_of`; what vouches is read before the rows, as the route does. */
    async changes(query: ChangesQuery) {
      const vouches = new Map(
        await Promise.all(KINDS.map(async (kind) => [kind, await vouch(HERE, kind)] as const)),
      );
      const { rows, next, more } = await services.records.changes(HERE, query);
      const entries = rows.map((row) => ({
        row,
        asOf: recordAsOf(row, vouches.get(row.kind), visibilityLagMs),
      }));
      return { entries, next, more };
    },
  };
}

function lazy<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
