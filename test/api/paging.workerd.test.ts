// Paging as a property: over any table, with any filter and any page size, the pages together are the table, each row
// once and in order, while all around it is written.

import fc from "fast-check";
import { expect, it, vi } from "vitest";
import type { ConnectionId } from "../../src/core/ids.ts";
import { isolateTests, NOW } from "../support/each-test.ts";
import { createMirror, newConnectionId } from "../support/mirror.ts";
import { bury, createStores, put } from "../support/stores.ts";

isolateTests();
vi.setConfig({ testTimeout: 120_000 });

interface Row {
  readonly id: string;
  readonly updatedAt: number | undefined;
  readonly organizationId: string;
  readonly status: string;
  readonly deleted: boolean;
}

interface Page {
  readonly data: readonly { readonly id: string }[];
  readonly meta: { readonly next_url: string | null };
}

const T = NOW - 1_000_000;
/** Few instants and ids that sort unlike numbers, so that ties are the rule. */
const row: fc.Arbitrary<Row> = fc.record({
  id: fc.constantFrom(..."0 1 10 2 9 A Z a z aa a-b a_b _ - 00 x1 x10 x2 ZZ b".split(" ")),
  updatedAt: fc.option(
    fc.nat(3).map((step) => T + step),
    { nil: undefined, freq: 5 },
  ),
  organizationId: fc.constantFrom("org_1", "org_2"),
  status: fc.constantFrom("active", "discharged"),
  deleted: fc.constantFrom(false, false, false, true),
});
const table = fc.uniqueArray(row, { maxLength: 20, selector: ({ id }) => id });
const asked = fc.record({
  limit: fc.integer({ min: 1, max: 7 }),
  organization_id: fc.option(fc.constantFrom("org_1", "org_2"), { nil: undefined }),
  status: fc.option(fc.constantFrom("active", "discharged"), { nil: undefined }),
  updated_after: fc.option(
    fc.nat(4).map((step) => T + step),
    { nil: undefined },
  ),
});
/** What others do after each page: of the same list, of another kind, of another connection. */
const others = fc.array(
  fc.record({
    where: fc.constantFrom("list", "kind", "connection"),
    updatedAt: fc.nat(4),
    number: fc.nat(5),
  }),
  { maxLength: 12 },
);

type Asked = typeof asked extends fc.Arbitrary<infer T> ? T : never;
type Others = typeof others extends fc.Arbitrary<infer T> ? T : never;

const mirror = createMirror();
const { records } = createStores();

async function pagesAreTheTable(rows: readonly Row[], query: Asked, meanwhile: Others): Promise<void> {
  const [id, elsewhere] = [newConnectionId() as ConnectionId, newConnectionId() as ConnectionId];
  for (const connection of [id, elsewhere]) await mirror.connect(connection);
  const { get } = await mirror.key(id);
  const puts = rows.map(({ id: name, deleted: _, updatedAt, ...more }) =>
    put(name, { ...more, ...(updatedAt === undefined ? {} : { updatedAt }) }),
  );
  await records.commit(id, puts);
  const gone = rows.filter(({ deleted }) => deleted);
  await records.commit(
    id,
    gone.map((one) => bury(one.id, 2_000)),
  );

  const seen: string[] = [];
  const { updated_after, ...filters } = query;
  const parameters = Object.entries({
    ...filters,
    updated_after: updated_after === undefined ? undefined : new Date(updated_after).toISOString(),
  }).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
  let url: string | null = `/v1/clients?${new URLSearchParams(parameters)}`;
  for (let turn = 0; url !== null; turn++) {
    expect(turn).toBeLessThan(100);
    const page: Page = await (await get(url)).json<Page>();
    expect(page.data.length).toBeLessThanOrEqual(query.limit);
    seen.push(...page.data.map((one) => one.id));
    url = page.meta.next_url?.replace("https://mirror.test", "") ?? null;
    const write = meanwhile[turn];
    if (write === undefined) continue;
    const written = put(write.where === "list" ? `other${write.number}` : (rows[0]?.id ?? "x"), {
      kind: write.where === "kind" ? "staff" : "clients",
      updatedAt: T + write.updatedAt,
      organizationId: "org_1",
      status: "active",
      hash: `turn ${turn}`,
      fetchedAt: 3_000 + turn,
    });
    await records.commit(write.where === "connection" ? elsewhere : id, [written]);
  }

  const expected = rows
    .filter(({ deleted }) => !deleted)
    .filter(
      ({ organizationId }) => query.organization_id === undefined || organizationId === query.organization_id,
    )
    .filter(({ status }) => query.status === undefined || status === query.status)
    .filter(({ updatedAt = -1 }) => updated_after === undefined || updatedAt >= updated_after)
    .sort((a, b) => (a.updatedAt ?? -1) - (b.updatedAt ?? -1) || (a.id < b.id ? -1 : 1))
    .map((one) => one.id);
  expect(seen.filter((name) => !name.startsWith("other"))).toEqual(expected);
}

it("RD8 the pages together are the table, each row once and in order, whatever others write meanwhile", async () => {
  await fc.assert(fc.asyncProperty(table, asked, others, pagesAreTheTable), { numRuns: 40 });
});

it("RD8 two of one instant are two pages of one", async () => {
  // Found when a cursor was an instant alone.
  const one = { updatedAt: T, organizationId: "org_1", status: "active", deleted: false };
  const query = { limit: 1, organization_id: undefined, status: undefined, updated_after: undefined };
  await pagesAreTheTable(
    [
      { ...one, id: "0" },
      { ...one, id: "-" },
    ],
    query,
    [],
  );
});
