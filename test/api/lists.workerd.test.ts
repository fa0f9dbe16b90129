// Lists as RCMS has them: the same paths, query and envelope, paged by position.

import { beforeAll, describe, expect, it } from "vitest";
import type { ConnectionId, Kind } from "../../src/core/ids.ts";
import { isolateTests } from "../support/each-test.ts";
import { expectError } from "../support/errors.ts";
import { createMirror, newConnectionId } from "../support/mirror.ts";
import { createStores, put } from "../support/stores.ts";

isolateTests();

interface List {
  readonly data: readonly { readonly id: string }[];
  readonly meta: {
    readonly next_url: string | null;
    readonly as_of: string | null;
    readonly complete: boolean;
  };
}

const mirror = createMirror();
const id = newConnectionId() as ConnectionId;
let get: (path: string) => Promise<Response>;

const at = (n: number) => Date.parse("2026-10-01T00:00:00Z") + n * 1_000;
const iso = (n: number) => new Date(at(n)).toISOString();

beforeAll(async () => {
  await mirror.connect(id);
  ({ get } = await mirror.key(id));
  const kinds: readonly Kind[] = ["clients", "staff", "organizations"];
  const writes = kinds.flatMap((kind) =>
    Array.from({ length: 23 }, (_, i) =>
      put(`${kind}-${String(i).padStart(2, "0")}`, {
        kind,
        // Ties of five, and two without an instant.
        ...(i < 2 ? {} : { updatedAt: at(Math.floor(i / 5)) }),
        organizationId: `org_${i % 3}`,
        status: i % 2 === 0 ? "active" : "discharged",
        body: `{"id":"${kind}-${String(i).padStart(2, "0")}","unknown":{"é":[1.50,12345678901234567890]}}`,
      }),
    ),
  );
  await createStores().records.commit(id, writes);
});

const list = async (path: string) => (await get(path)).json<List>();
const idsOf = ({ data }: List) => data.map((record) => record.id);

describe("lists", () => {
  it("RD1 records are the upstream's own text, unknown fields and exact numbers included", async () => {
    const response = await get("/v1/clients?limit=1");
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.get("cache-control")).toBe("private, no-cache");
    const text = await response.text();
    expect(text).toMatch(
      /^\{"data":\[\{"id":"clients-00","unknown":\{"é":\[1\.50,12345678901234567890\]\}\}\],"meta":\{/,
    );
    expect(Object.keys((JSON.parse(text) as List).meta).sort()).toEqual(["as_of", "complete", "next_url"]);
  });

  it.each(["clients", "staff", "organizations"])(
    "RD8 following next_url brings every record of %s once, in order",
    async (kind) => {
      const seen: string[] = [];
      let url: string | null = `https://mirror.test/v1/${kind}?limit=4`;
      let pages = 0;
      while (url !== null) {
        expect(++pages).toBeLessThan(10);
        expect(url).toMatch(/^https:\/\/mirror\.test\/v1\//);
        const page: List = await list(url.replace("https://mirror.test", ""));
        expect(page.data.length).toBeGreaterThan(0);
        seen.push(...idsOf(page));
        url = page.meta.next_url;
      }
      expect(seen).toEqual(Array.from({ length: 23 }, (_, i) => `${kind}-${String(i).padStart(2, "0")}`));
      expect(pages).toBe(6);
    },
  );

  it("RD8 next_url keeps the filters, and is null exactly at the end", async () => {
    const first = await list("/v1/clients?limit=6&status=active&organization_id=org_0");
    const all = ["clients-00", "clients-06", "clients-12", "clients-18"];
    expect([idsOf(first), first.meta.next_url]).toEqual([all, null]);
    const exact = await list("/v1/clients?limit=4&status=active&organization_id=org_0");
    expect([idsOf(exact), exact.meta.next_url]).toEqual([all, null]);
    const half = await list("/v1/clients?limit=2&status=active&organization_id=org_0");
    const next = new URL(half.meta.next_url ?? "");
    expect([...next.searchParams.keys()].sort()).toEqual(["cursor", "limit", "organization_id", "status"]);
    expect(idsOf(await list(next.pathname + next.search))).toEqual(all.slice(2));
  });

  it("RD1 updated_after is inclusive and understands every ISO-8601 spelling", async () => {
    const expected = Array.from({ length: 8 }, (_, i) => `clients-${i + 15}`);
    for (const spelling of [iso(3), iso(3).replace(".000Z", "+00:00"), "2026-10-01T00:00:03Z"]) {
      const page = await list(`/v1/clients?updated_after=${encodeURIComponent(spelling)}`);
      expect(idsOf(page)).toEqual(expected);
    }
    expect(idsOf(await list(`/v1/clients?updated_after=${iso(9)}`))).toEqual([]);
  });

  it("RD1 a list that cannot be complete says so", async () => {
    expect((await list("/v1/clients")).meta.complete).toBe(false);
    expect(idsOf(await list("/v1/clients"))).toHaveLength(23);
  });

  it.each([
    ["limit=0", "limit"],
    ["limit=201", "limit"],
    ["limit=-1", "limit"],
    ["limit=1.5", "limit"],
    ["limit=ten", "limit"],
    ["limit=", "limit"],
    ["limit=1e2", "limit"],
    ["limit=99999999999999999999", "limit"],
    ["limit=1&limit=2", "limit"],
    ["cursor=", "cursor"],
    ["cursor=nonsense", "cursor"],
    ["cursor=WzEsMl0", "cursor"],
    ["cursor=bnVsbA", "cursor"],
    [`cursor=${btoa('[1e400,"a"]').replaceAll("=", "")}`, "cursor"],
    [`cursor=${btoa('[1,"../x"]').replaceAll("=", "")}`, "cursor"],
    [`cursor=${btoa("[1,{}]").replaceAll("=", "")}`, "cursor"],
    [`cursor=${"A".repeat(10_000)}`, "cursor"],
    ["updated_after=yesterday", "updated_after"],
    ["updated_after=2026-13-01", "updated_after"],
    ["updated_after=1793534400", "updated_after"],
    ["updated_after=", "updated_after"],
    ["organization_id=../x", "organization_id"],
    ["organization_id=", "organization_id"],
    ["status=", "status"],
    [`status=${"x".repeat(65)}`, "status"],
    ["unknown=1", ""],
    ["updated_before=2026-01-01", ""],
    ["__proto__=1", ""],
    ["status=a&status=a", "status"],
  ])("RD8 ?%s is 400 and names the parameter", async (query, path) => {
    const error = await expectError(await get(`/v1/clients?${query}`), 400, "invalid_request");
    expect(error.issues?.map((issue) => issue.path)).toEqual([path]);
    expect(error.issues?.[0]?.message).toMatch(/\S/);
    expect(JSON.stringify(error).length).toBeLessThan(600);
  });

  it("RD8 a cursor of one list is a position in another, never a way around its filters", async () => {
    const foreign = await mirror.key(id, { organizations: ["org_2"] });
    const { next_url } = (await list("/v1/staff?limit=3")).meta;
    const cursor = new URL(next_url ?? "").searchParams.get("cursor");
    const page = await (await foreign.get(`/v1/clients?cursor=${cursor}`)).json<List>();
    expect(page.data.length).toBeGreaterThan(0);
    expect(idsOf(page).every((name) => Number(name.slice(-2)) % 3 === 2)).toBe(true);
  });
});
