// What an isolate remembers: how long, and what it must forget at once.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { keyCache, lastSeqCache, rations } from "../../src/cloudflare/caches.ts";
import { limits } from "../../src/core/limits.ts";
import type { ApiKey } from "../../src/sync/stores.ts";
import { ROOT } from "../house/sources.ts";
import { HERE, handClock } from "../sync/world.ts";

it("RD6 a key that was being read while it was revoked is not remembered", async () => {
  const key: ApiKey = { id: "k", connection: HERE, name: "an app", createdAt: 1 };
  const reading = Promise.withResolvers<ApiKey | undefined>();
  const loads: (() => Promise<ApiKey | undefined>)[] = [() => reading.promise, async () => undefined];
  const keys = keyCache(handClock().now, async () => loads.shift()?.());
  const asked = keys.get("hash");
  // The row is deleted and the cache cleared between the read and its answer.
  keys.clear();
  reading.resolve(key);
  expect(await asked).toBe(key);
  expect(await keys.get("hash")).toBeUndefined();
});

it("RD5 an isolate remembers so many keys and no more, and forgets those longest unused", async () => {
  let loads = 0;
  const keys = keyCache(handClock().now, async (text): Promise<ApiKey> => {
    loads++;
    return { id: text, connection: HERE, name: "an app", createdAt: 1 };
  });
  const names = Array.from({ length: limits.cacheEntries + 1 }, (_, n) => `key ${n}`);
  for (const name of names) await keys.get(name);
  expect([keys.held("key 0"), keys.held("key 1")?.id]).toEqual([undefined, "key 1"]);
  await keys.get("key 0");
  expect(loads).toBe(names.length + 1);
});

it("RD6 a revoked key is at most 60 s valid anywhere, a wait for changes included", () => {
  expect(limits.keyCacheMs + limits.changesWaitSeconds * 1_000).toBeLessThan(60_000);
});

it("FD1 however many followers wait, the last position is read once per poll", async () => {
  const clock = handClock();
  let reads = 0;
  const lastSeq = lastSeqCache(clock.now, async () => ++reads);
  expect([await lastSeq(HERE), await lastSeq(HERE), await lastSeq(HERE)]).toEqual([1, 1, 1]);
  clock.pass(limits.changesPollMs);
  expect([await lastSeq(HERE), await lastSeq(HERE)]).toEqual([2, 2]);
});

it("RL1 what a refused key is told is the period of the limit that is bound", () => {
  const text = readFileSync(join(ROOT, "wrangler.toml"), "utf8");
  const period = /\[\[ratelimits\]\]\nname = "READS"\n[\s\S]*?period = (\d+)/.exec(text)?.[1];
  expect(Number(period)).toBe(limits.rateLimitSeconds);
});

it("RL1 a key's ration is asked for by hundreds, each key for itself, and one by one while it is refused", async () => {
  const asked: string[] = [];
  let good = true;
  const admit = rations(async (id) => {
    asked.push(id);
    return good;
  });
  for (let i = 0; i < 2 * limits.rationRequests; i++) expect(await admit("a")).toBe(true);
  expect(await admit("b")).toBe(true);
  expect(asked).toEqual(["a", "a", "b"]);
  good = false;
  expect([await admit("a"), await admit("a")]).toEqual([false, false]);
  expect(asked).toHaveLength(5);
});
