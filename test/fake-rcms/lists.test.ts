// Lists and single records as the public API serves them.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { allPages, api, asObject, handClock, nextUrl, rows } from "./fixture.ts";
import type { NetworkOptions } from "./network.ts";
import { type FakeRcms, startFakeRcms } from "./server.ts";

const clock = handClock();
let fake: FakeRcms;

beforeAll(async () => {
  fake = await startFakeRcms({ clock });
});
afterAll(() => fake.close());

const SEED = { organizations: 3, staff: 7, clients: 23 };
const seeded = (settings: NonNullable<NetworkOptions["settings"]> = {}) =>
  fake.createNetwork({ settings, seed: SEED });

describe("lists", () => {
  it("FK1 each list returns {data, meta} with all records of its kind and ends with next_url null", async () => {
    const network = seeded();
    for (const kind of ["organizations", "staff", "clients"] as const) {
      const { status, body } = await api(network, `/${kind}`);
      expect(status).toBe(200);
      expect(Object.keys(body)).toEqual(["data", "meta"]);
      expect(body.meta).toEqual({ next_url: null });
      expect(sorted(rows(body))).toEqual(sorted(network.truth()[kind]));
      expect(rows(body)).toHaveLength(SEED[kind]);
    }
  });

  it.each(["time", "id", "offset"] as const)(
    "FK1 paging by %s visits every record once, over absolute links that keep the filters",
    async (paging) => {
      const network = seeded({ paging });
      const path = "/clients?limit=4&status=active";
      const first = await api(network, path);
      const link = new URL(nextUrl(first.body) ?? "");
      expect(link.href.startsWith(`${network.baseUrl}/clients?`)).toBe(true);
      expect(link.searchParams.get("limit")).toBe("4");
      expect(link.searchParams.get("status")).toBe("active");

      const pages = await allPages(network, path);
      expect(pages.slice(0, -1).every((page) => page.length === 4)).toBe(true);
      const expected = network.truth().clients.filter((client) => client.status === "active");
      expect(expected.length).toBeGreaterThan(8);
      expect(expected.length).toBeLessThan(SEED.clients);
      expect(sorted(pages.flat())).toEqual(sorted(expected));
    },
  );

  it("FK1 offset paging skips a record when an earlier one changes between pages, keyset paging does not", async () => {
    const met = async (paging: "offset" | "time") => {
      const network = seeded({ paging });
      const first = await api(network, "/clients?limit=10");
      network.world.updateClient(String(rows(first.body)[0]?.id));
      const rest = await allPages(network, nextUrl(first.body) ?? "");
      return new Set([...rows(first.body), ...rest.flat()].map((client) => client.id)).size;
    };
    expect(await met("offset")).toBe(SEED.clients - 1);
    expect(await met("time")).toBe(SEED.clients);
  });

  it("FK1 records of one and the same instant are parted by id across pages", async () => {
    const network = fake.createNetwork({ seed: { organizations: 1 } });
    const ids = Array.from({ length: 5 }, () => network.world.enrolClient().id);
    expect(new Set(network.truth().clients.map((client) => client.updated_at)).size).toBe(1);
    const pages = await allPages(network, "/clients?limit=2");
    expect(pages.map((page) => page.length)).toEqual([2, 2, 1]);
    expect(pages.flat().map((client) => client.id)).toEqual(ids.sort());
  });

  it("FK1 updated_after is inclusive to the millisecond", async () => {
    const network = seeded();
    const { id, record } = network.world.enrolClient();
    const at = String(record?.updated_at);
    const ids = async (after: string) =>
      rows((await api(network, `/clients?updated_after=${encodeURIComponent(after)}`)).body).map((c) => c.id);
    expect(await ids(at)).toEqual([id]);
    expect(await ids(new Date(Date.parse(at) + 1).toISOString())).toEqual([]);
    expect(await ids(at.replace("Z", "+00:00"))).toEqual([id]);
  });

  it.each([
    ["updated_after", "yesterday"],
    ["updated_after", "1767225600"],
    ["updated_after", "2026-13-01T00:00:00Z"],
    ["limit", "0"],
    ["limit", "ten"],
    ["cursor", "nonsense"],
    ["cursor", "eyJzdHlsZSI6ImlkIiwiaWQiOiJ4In0"],
  ])("FK1 a bad %s (%s) is a 400 that names it", async (name, value) => {
    const { status, body } = await api(seeded(), `/clients?${name}=${value}`);
    expect(status).toBe(400);
    expect(asObject(body.error).field).toBe(name);
  });

  it("FK1 a limit above 200 is cut to 200", async () => {
    const network = fake.createNetwork({ seed: { organizations: 1, clients: 201 } });
    const { body } = await api(network, "/clients?limit=5000");
    expect(rows(body)).toHaveLength(200);
    expect(nextUrl(body)).not.toBeNull();
  });

  it("FK1 organization_id filters staff and clients", async () => {
    const network = seeded();
    const home = String(network.truth().organizations[1]?.id);
    for (const kind of ["staff", "clients"] as const) {
      const found = rows((await api(network, `/${kind}?organization_id=${home}`)).body);
      const expected = network.truth()[kind].filter((record) => record.organization_id === home);
      expect(expected.length).toBeGreaterThan(0);
      expect(sorted(found)).toEqual(sorted(expected));
    }
  });
});

describe("single records", () => {
  it("FK1 every record is served alone as {data}, an unknown id is a 404", async () => {
    const network = seeded();
    const truth = network.truth();
    for (const kind of ["organizations", "staff", "clients"] as const) {
      const record = truth[kind][0];
      expect((await api(network, `/${kind}/${record?.id}`)).body).toEqual({ data: record });
      expect((await api(network, `/${kind}/nobody`)).status).toBe(404);
    }
    const status = truth["assessment-status"][0];
    const path = `/clients/${status?.client_id}/assessment-status`;
    expect((await api(network, path)).body).toEqual({ data: status });
    expect((await api(network, "/clients/nobody/assessment-status")).status).toBe(404);
  });

  it("FK1 every response states the upstream's time in Date", async () => {
    const network = seeded();
    const date = new Date(clock()).toUTCString();
    for (const path of ["/clients", "/clients/nobody", "/nothing"])
      expect((await api(network, path)).headers.get("date")).toBe(date);
    expect((await api(network, "/clients", { key: "rcms_test_unknown" })).headers.get("date")).toBe(date);
  });

  it("FK1 an unknown path is a 404 and a wrong method a 405", async () => {
    const network = seeded();
    for (const path of ["/", "/assessment-status", "/staff/1/assessment-status", "/clients/1/2/3"])
      expect((await api(network, path)).status).toBe(404);
    expect((await api(network, "/clients", { json: {} })).status).toBe(405);
  });

  it("FK1 the same seed enrols the same people under the same ids", () => {
    expect(seeded().truth()).toEqual(seeded().truth());
    expect(seeded({ seed: 2 }).truth()).not.toEqual(seeded().truth());
  });
});

function sorted<T extends Record<string, unknown>>(records: T[]): T[] {
  return [...records].sort((a, b) => (String(a.id) < String(b.id) ? -1 : 1));
}
