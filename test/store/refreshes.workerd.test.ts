// Claims of refreshes: one per record and span, in one statement.

import { drizzle } from "drizzle-orm/d1";
import { beforeAll, describe, expect, it } from "vitest";
import type { ConnectionId } from "../../src/core/ids.ts";
import { refreshStore } from "../../src/store/refreshes.ts";
import { env, migrate } from "../support/bindings.ts";
import { createStores, newConnection, ref } from "../support/stores.ts";
import { createMemory } from "../sync/memory.ts";

beforeAll(migrate);

const memory = createMemory();

describe.each([
  ["the database", refreshStore(drizzle(env.DB)), () => newConnection(createStores())],
  [
    "memory",
    memory.refreshes,
    async () => {
      const id = "m1" as ConnectionId;
      const account = { baseUrl: "https://up.example/v1", apiKey: "key", fields: {} };
      await memory.connections.begin({ id, source: "rcms", ...account, nonce: "n", createdAt: 1 });
      return id;
    },
  ],
] as const)("in %s", (_where, refreshes, connect) => {
  it("RD3 exactly one of many claims a record's refresh, once per span", async () => {
    const id = await connect();
    const claim = (at: number, name = "a") => refreshes.claim(id, ref(name), at, 1_000);
    const claimed = await Promise.all(Array.from({ length: 20 }, () => claim(10_000)));
    expect(claimed.filter(Boolean)).toHaveLength(1);
    expect(await claim(10_999)).toBe(false);
    expect(await claim(10_999, "b")).toBe(true);
    expect(await claim(11_000)).toBe(true);
    expect(await refreshes.claim("gone" as ConnectionId, ref("a"), 1, 1)).toBe(false);
    expect(await refreshes.purgeBefore(11_000)).toBe(1);
    expect(await claim(11_001, "b")).toBe(true);
    expect(await claim(11_001)).toBe(false);
  });
});
