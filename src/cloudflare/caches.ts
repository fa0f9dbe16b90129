// What an isolate remembers of the database: bounded, short-lived, and never longer than said here. A hit
// costs nothing; a miss is remembered too, so that guessing does not reach the database.

import { LRUCache } from "lru-cache";
import type { Vouch } from "../core/as-of.ts";
import { type ConnectionId, type Kind, refKey } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import type { Cursors, Shown } from "../sync/ports.ts";
import type { ApiKey, Receiver, RefreshStore } from "../sync/stores.ts";

type Found<T extends object> = { readonly value: T | undefined };

/** By weight, one each: told a number, each cache makes room for all of them when it is made, at every start. */
const bounded = { maxSize: limits.cacheEntries, sizeCalculation: () => 1 };

/** Asked every time: the cache would otherwise remember the time by a timer, which workerd drops with the request. */
const clock = (now: () => number) => ({ perf: { now }, ttlResolution: 0 });

function cache<T extends object>(now: () => number, ttlMs: number) {
  const entries = new LRUCache<string, Found<T>>({ ...bounded, ttl: ttlMs, ...clock(now) });
  let forgotten = 0;

  async function loaded(key: string, load: () => Promise<T | undefined>): Promise<T | undefined> {
    const before = forgotten;
    const value = await load();
    // What was read before something was forgotten may be just that: it serves this once.
    if (before === forgotten) {
      entries.set(key, { value }, { ttl: value === undefined ? limits.missCacheMs : ttlMs });
    }
    return value;
  }

  return {
    held: (key: string): T | undefined => entries.get(key)?.value,
    async get(key: string, load: () => Promise<T | undefined>): Promise<T | undefined> {
      const hit = entries.get(key);
      return hit === undefined ? loaded(key, load) : hit.value;
    },
    set: (key: string, value: T | undefined) => entries.set(key, { value }),
    delete(key: string) {
      forgotten++;
      entries.delete(key);
    },
    clear() {
      forgotten++;
      entries.clear();
    },
  };
}

/** Receivers by connection, with a ration for reading past the cache. */
export function receiverCache(now: () => number, load: (id: ConnectionId) => Promise<Receiver | undefined>) {
  const receivers = cache<Receiver>(now, limits.connectionCacheMs);
  const rations = new LRUCache<string, { left: number; at: number }>(bounded);

  /** A short burst at once, then one every few seconds: a flood of bad signatures costs no more than that. */
  function mayReread(id: ConnectionId): boolean {
    const at = now();
    const ration = rations.get(id) ?? { left: limits.rereadBurst, at };
    const regained = Math.floor((at - ration.at) / limits.rereadEveryMs);
    if (ration.left === 0 && regained === 0) return false;
    const left = Math.min(limits.rereadBurst, ration.left + regained);
    rations.set(id, { left: Math.max(0, left - 1), at: ration.at + regained * limits.rereadEveryMs });
    return left > 0;
  }

  return {
    mayReread,
    held: receivers.held,
    get: (id: ConnectionId) => receivers.get(id, () => load(id)),
    async reread(id: ConnectionId): Promise<Receiver | undefined> {
      const receiver = await load(id);
      receivers.set(id, receiver);
      return receiver;
    },
    forget: (id: ConnectionId) => receivers.delete(id),
  };
}

/** API keys by their text, which is in memory only: hashing it for every read would be a third of a read. */
export function keyCache(now: () => number, load: (text: string) => Promise<ApiKey | undefined>) {
  const keys = cache<ApiKey>(now, limits.keyCacheMs);
  return {
    held: keys.held,
    get: (text: string) => keys.get(text, () => load(text)),
    clear: keys.clear,
  };
}

/** What sweeps vouch for, a few seconds old at most here and a minute in KV: an old word only claims less. */
export function vouchCache(now: () => number, { read }: Cursors) {
  const known = cache<{ readonly vouch: Vouch | undefined }>(now, limits.watermarkCacheMs);
  return async (connection: ConnectionId, kind: Kind): Promise<Vouch | undefined> => {
    const found = await known.get(`${connection}/${kind}`, async () => {
      const { vouch } = await read(connection, kind);
      return { vouch };
    });
    return found?.vouch;
  };
}

/** What looks have lately shown to be unchanged. It ages by its own instant; the newer word stays. */
export function shownCache() {
  const known = new LRUCache<string, Shown>(bounded);
  return {
    get: (key: string) => known.get(key),
    set(key: string, shown: Shown) {
      const before = known.get(key);
      if (before?.hash !== shown.hash || before.asOf < shown.asOf) known.set(key, shown);
    },
  };
}

/** Spares the database the askers of this isolate who come just after one. */
export function refreshGuard(now: () => number, { claim }: Pick<RefreshStore, "claim">) {
  const asked = new LRUCache<string, true>({
    ...bounded,
    ttl: limits.connectionCacheMs,
    ...clock(now),
  });
  const claimOnce: RefreshStore["claim"] = async (connection, ref, at, everyMs) => {
    const key = `${connection}/${refKey(ref)}`;
    if (asked.has(key)) return false;
    asked.set(key, true);
    return claim(connection, ref, at, everyMs);
  };
  return { claim: claimOnce };
}

/** Whether kinds are complete: once true it stays true, so only "not yet" is asked again. */
export function completeCache(
  now: () => number,
  isComplete: (connection: ConnectionId, kind: Kind) => Promise<boolean>,
) {
  const known = cache<{ readonly complete: true }>(now, limits.connectionCacheMs);
  return async (connection: ConnectionId, kind: Kind): Promise<boolean> => {
    const load = async () =>
      (await isComplete(connection, kind)) ? ({ complete: true } as const) : undefined;
    return (await known.get(`${connection}/${kind}`, load)) !== undefined;
  };
}

/** The last position of each connection's feed, for followers that wait: one query per poll for all of them. */
export function lastSeqCache(now: () => number, load: (connection: ConnectionId) => Promise<number>) {
  const known = cache<{ readonly seq: number }>(now, limits.changesPollMs / 2);
  return async (connection: ConnectionId): Promise<number> => {
    const found = await known.get(connection, async () => ({ seq: await load(connection) }));
    return found?.seq ?? 0;
  };
}

/** Refs lately found to exist nowhere. */
export function absentCache(now: () => number) {
  const absent = new LRUCache<string, true>({
    ...bounded,
    ttl: limits.missCacheMs,
    ...clock(now),
  });
  return { has: (key: string) => absent.has(key), add: (key: string) => void absent.set(key, true) };
}

/**
 * The ration of each key, in portions (`limits.rationRequests`, as wrangler.toml counts): the platform is asked at a
 * key's first request here and whenever a portion is used up, and at every request while it refuses. Asking costs more than a read that is held here.
 */
export function rations(ask: (keyId: string) => Promise<boolean>) {
  const admitted = new LRUCache<string, { left: number }>(bounded);
  return async (keyId: string): Promise<boolean> => {
    const held = admitted.get(keyId);
    if (held !== undefined && held.left > 0) {
      held.left--;
      return true;
    }
    const good = await ask(keyId);
    if (good) admitted.set(keyId, { left: limits.rationRequests - 1 });
    return good;
  };
}
