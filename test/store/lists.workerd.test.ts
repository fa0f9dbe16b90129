// Pages of keys bound to organizations against the plainest reading of what they are: everything that lives and
// matches, in order, cut.

import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { refKey } from "../../src/core/ids.ts";
import type { PagePosition } from "../../src/sync/stores.ts";
import { migrate } from "../support/bindings.ts";
import { bury, createStores, newConnection, put, ref } from "../support/stores.ts";

const stores = createStores();
const { records, statements } = stores;
beforeAll(migrate);

const ORGANIZATIONS = ["o1", "o2", "o3", "o4"];

const row = fc.record({
  updatedAt: fc.integer({ min: 0, max: 6 }),
  organizationId: fc.option(fc.constantFrom(...ORGANIZATIONS), { nil: undefined }),
  status: fc.constantFrom("active", "discharged"),
  gone: fc.boolean(),
});
const query = fc.record(
  {
    limit: fc.integer({ min: 1, max: 5 }),
    updatedAfter: fc.integer({ min: 0, max: 7 }),
    organizations: fc.subarray([...ORGANIZATIONS, "o5", "o1"]),
    status: fc.constantFrom("active", "discharged"),
  },
  { requiredKeys: ["limit"] },
);

describe("a page", () => {
  it("RD8 after page shows what lives and matches, each once, in order, whatever the key is bound to", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 25 }), query, async (rows, asked) => {
        const connection = await newConnection(stores);
        const named = rows.map((one, i) => ({ ...one, id: `r${String(i).padStart(2, "0")}` }));
        await records.commit(
          connection,
          named.map(({ id, updatedAt, organizationId, status }) =>
            put(id, { status, ...(updatedAt && { updatedAt }), ...(organizationId && { organizationId }) }),
          ),
        );
        await records.commit(
          connection,
          named.filter(({ gone }) => gone).map(({ id }) => bury(id, 2_000)),
        );
        const expected = named
          .filter(({ gone }) => !gone)
          .filter(({ updatedAt }) => updatedAt >= (asked.updatedAfter ?? 0))
          .filter(({ status }) => (asked.status ?? status) === status)
          .filter(({ organizationId = "" }) => asked.organizations?.includes(organizationId) ?? true)
          .sort((a, b) => a.updatedAt - b.updatedAt || (a.id < b.id ? -1 : 1))
          .map(({ id }) => id);

        const shown: string[] = [];
        let after: PagePosition | undefined;
        while (shown.length <= expected.length) {
          const page = await records.page(connection, "clients", { ...asked, after });
          expect(page.length).toBe(Math.min(asked.limit, expected.length - shown.length));
          const last = page.at(-1);
          if (last === undefined) break;
          shown.push(...page.map(({ id }) => id));
          after = { updatedAt: last.updatedAt, id: last.id };
        }
        expect(shown).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  it("RD8 of an organization follows its records as they come, move, go and return", async () => {
    const connection = await newConnection(stores);
    const seen = async () =>
      Promise.all(
        ["o1", "o2"].map(async (one) =>
          (await records.page(connection, "clients", { limit: 9, organizations: [one] })).map(refKey),
        ),
      );
    const at = (organizationId: string, n: number) =>
      put("a", { organizationId, updatedAt: n, fetchedAt: n, hash: `h${n}` });
    await records.commit(connection, [at("o1", 1)]);
    expect(await seen()).toEqual([[refKey(ref("a"))], []]);
    await records.commit(connection, [at("o2", 2)]);
    expect(await seen()).toEqual([[], [refKey(ref("a"))]]);
    await records.commit(connection, [bury("a", 3)]);
    expect(await seen()).toEqual([[], []]);
    await records.commit(connection, [at("o1", 4)]);
    expect(await seen()).toEqual([[refKey(ref("a"))], []]);
  });

  it("RD8 costs its reader no more rows for what others hold, and its writer one row", async () => {
    const connection = await newConnection(stores);
    const crowd = Array.from({ length: 400 }, (_, i) =>
      put(`other${i}`, { organizationId: "o1", updatedAt: i + 1 }),
    );
    statements.length = 0;
    await records.commit(connection, [put("mine", { organizationId: "o2", updatedAt: 500 })]);
    expect(statements.map(({ rowsWritten }) => rowsWritten)).toEqual([0, 4, 0, 0]);
    const cost = async () => {
      statements.length = 0;
      await records.page(connection, "clients", { limit: 10, organizations: ["o2", "o9"] });
      return statements.map(({ rowsRead }) => rowsRead);
    };
    const alone = await cost();
    await records.commit(connection, crowd);
    expect(await cost()).toEqual(alone);
  });
});
