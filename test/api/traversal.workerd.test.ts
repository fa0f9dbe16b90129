// A list followed page by page while it changes, through HTTP.

import fc from "fast-check";
import { expect, it } from "vitest";
import type { ConnectionId } from "../../src/core/ids.ts";
import { isolateTests, NOW } from "../support/each-test.ts";
import { createMirror, newConnectionId } from "../support/mirror.ts";
import { createStores, put } from "../support/stores.ts";

isolateTests();

interface List {
  readonly data: readonly { readonly id: string; readonly v: number }[];
  readonly meta: { readonly next_url: string | null };
}

const write = fc.record({ id: fc.nat(19), isNew: fc.boolean(), dated: fc.boolean() });

it("RD8 a traversal under writes shows what did not change exactly once, and nothing twice unchanged", async () => {
  const mirror = createMirror();
  const { records } = createStores();
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(write, { maxLength: 3 }), { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 1, max: 5 }),
      async (writes, limit) => {
        const id = newConnectionId() as ConnectionId;
        await mirror.connect(id);
        const { get } = await mirror.key(id);
        let version = 0;
        const commit = (name: string, updatedAt: number | undefined) => {
          const v = ++version;
          const body = JSON.stringify({ id: name, v });
          const dated = updatedAt === undefined ? {} : { updatedAt };
          return records.commit(id, [put(name, { hash: `h${v}`, fetchedAt: NOW + v, body, ...dated })]);
        };
        // Ties of four, and two that carry no instant.
        for (let i = 0; i < 20; i++) {
          await commit(`r${i}`, i < 2 ? undefined : NOW - 100_000 + Math.floor(i / 4));
        }

        const changed = new Set<string>();
        const seen: { id: string; v: number }[] = [];
        let url: string | null = `https://mirror.test/v1/clients?limit=${limit}`;
        for (let pages = 0; url !== null; pages++) {
          expect(pages).toBeLessThan(100);
          const page: List = await (await get(url.replace("https://mirror.test", ""))).json<List>();
          seen.push(...page.data);
          url = page.meta.next_url;
          for (const one of writes[pages] ?? []) {
            const name = one.isNew ? `new${version}` : `r${one.id}`;
            changed.add(name);
            await commit(name, one.dated || one.isNew ? NOW + version : undefined);
          }
        }
        const shown = seen.map((record) => `${record.id} ${record.v}`);
        expect(new Set(shown).size).toBe(shown.length);
        for (let i = 0; i < 20; i++) {
          const times = seen.filter((record) => record.id === `r${i}`).length;
          if (!changed.has(`r${i}`)) expect([`r${i}`, times]).toEqual([`r${i}`, 1]);
        }
      },
    ),
    { numRuns: 12 },
  );
});

it("RD4 a list has a tag of its rows and its meta, and a 304 while neither changed", async () => {
  const mirror = createMirror();
  const { records } = createStores();
  const id = newConnectionId() as ConnectionId;
  await mirror.connect(id);
  const { get } = await mirror.key(id);
  await records.commit(id, [put("a", { updatedAt: 1 }), put("b", { updatedAt: 2 })]);
  const first = await get("/v1/clients?limit=1");
  const etag = first.headers.get("etag") ?? "";
  expect(etag).toMatch(/^"[0-9a-f]{32}"$/);
  // Nothing vouches for a list before the first sweep: it has no age.
  expect([first.headers.get("age"), first.headers.get("cache-status")]).toEqual([null, "rcms-mirror; hit"]);
  const again = async (path: string) => {
    const response = await get(path, { headers: { "if-none-match": etag } });
    return [response.status, (await response.text()).length > 0];
  };
  expect(await again("/v1/clients?limit=1")).toEqual([304, false]);
  expect(await again("/v1/clients?limit=2")).toEqual([200, true]);
  await records.commit(id, [put("a", { hash: "h2", updatedAt: 1, fetchedAt: 9_000 })]);
  expect(await again("/v1/clients?limit=1")).toEqual([200, true]);
});
