// The feed's route: its shape, its conditions, and the wait for something new.

import { beforeEach, describe, expect, it } from "vitest";
import { isoInstant } from "../../src/core/instant.ts";
import { limits } from "../../src/core/limits.ts";
import type { Snapshot, Write } from "../../src/core/record.ts";
import { refOf } from "../core/samples.ts";
import { expectError } from "../support/errors.ts";
import { HERE, START } from "../sync/world.ts";
import { createMemoryApp, type MemoryApp } from "./memory-app.ts";

interface Page {
  readonly data: readonly {
    readonly seq: number;
    readonly kind: string;
    readonly id: string;
    readonly op: string;
  }[];
  readonly meta: { readonly next_after: number; readonly has_more: boolean };
}

let mirror: MemoryApp;
let key: string;

beforeEach(async () => {
  mirror = createMemoryApp();
  await mirror.connect(HERE);
  key = await mirror.addKey({ connection: HERE });
});

function put(id: string, more: Partial<Snapshot> = {}): Write {
  const { kind = "clients", ...rest } = more;
  const fetchedAt = mirror.clock.now();
  const content = { fetchedAt, updatedAt: fetchedAt - 5_000, terminal: false, hash: `${id}${fetchedAt}` };
  return { write: "put", snapshot: { ...refOf(id, kind), ...content, body: `{"id":"${id}"}`, ...rest } };
}

const commit = (...writes: Write[]) => mirror.memory.records.commit(HERE, writes);
const get = (query: string, token = key, init: RequestInit = {}) =>
  mirror.ask(`/v1/changes${query}`, token, init);
const page = async (query: string, token = key) => (await (await get(query, token)).json()) as Page;

describe("a page", () => {
  it("FD1 has each record at its latest change, its own text untouched, and where to go on", async () => {
    const body = '{"id":"a","n":12345678901234567890,"é":[1.50]}';
    await commit(put("a", { body }), put("b", { kind: "staff" }));
    mirror.clock.pass(1_000);
    await commit({ write: "tombstone", ref: refOf("b", "staff"), fetchedAt: mirror.clock.now() });
    const response = await get("");
    // Where the upstream told no time with a fetch, its clock may be ten minutes behind ours.
    const asOf = (at: number) => isoInstant(at - limits.clockDoubtMs - 10_000);
    expect(await response.text()).toBe(
      `{"data":[{"seq":1,"kind":"clients","id":"a","op":"upsert","updated_at":"${isoInstant(START - 5_000)}",` +
        `"as_of":"${asOf(START)}","record":${body}},` +
        `{"seq":3,"kind":"staff","id":"b","op":"delete","updated_at":"${isoInstant(START + 1_000)}",` +
        `"as_of":"${asOf(START + 1_000)}","record":null}],"meta":{"next_after":3,"has_more":false}}`,
    );
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.get("cache-control")).toBe("private, no-cache");
    expect(response.headers.get("mirror-seq")).toBe("3");
  });

  it("FD1 a record without an instant of its own says so", async () => {
    const { updatedAt: _, ...undated } = (put("a") as Extract<Write, { write: "put" }>).snapshot;
    await commit({ write: "put", snapshot: undated });
    expect((await page("")).data[0]).toMatchObject({ updated_at: null });
  });

  it("FD1 pages follow each other without gap or repetition, and the end can be asked for ever", async () => {
    await commit(...["a", "b", "c", "d", "e"].map((id) => put(id)));
    const seen: string[] = [];
    let after = 0;
    for (let more = true; more; ) {
      const { data, meta } = await page(`?after=${after}&limit=2`);
      seen.push(...data.map(({ id }) => id));
      after = meta.next_after;
      more = meta.has_more;
    }
    expect(seen).toEqual(["a", "b", "c", "d", "e"]);
    expect(await page(`?after=${after}`)).toEqual({ data: [], meta: { next_after: 5, has_more: false } });
    expect(await page("?after=900")).toEqual({ data: [], meta: { next_after: 900, has_more: false } });
  });

  it("FD1 kinds narrow it, and a kind the key was not made for is 403", async () => {
    await commit(put("a"), put("b", { kind: "staff" }), put("c", { kind: "organizations" }));
    const { data, meta } = await page("?kinds=clients,staff");
    expect([data.map(({ id }) => id), meta]).toEqual([["a", "b"], { next_after: 3, has_more: false }]);
    const clients = await mirror.addKey({ connection: HERE, kinds: ["clients"] });
    expect((await page("", clients)).data.map(({ id }) => id)).toEqual(["a"]);
    await expectError(await get("?kinds=clients,staff", clients), 403, "forbidden");
  });

  it.each([
    ["after=-1", "after"],
    ["after=x", "after"],
    ["after=1.5", "after"],
    ["after=", "after"],
    ["after=9007199254740992", "after"],
    ["limit=0", "limit"],
    ["limit=201", "limit"],
    ["kinds=", "kinds.0"],
    ["kinds=clients,cats", "kinds.1"],
    ["wait=26", "wait"],
    ["wait=-1", "wait"],
    ["since=1", ""],
  ])("FD1 ?%s is refused with what is wrong", async (query, path) => {
    const error = await expectError(await get(`?${query}`), 400, "invalid_request");
    expect(error.issues?.[0]?.path).toBe(path);
  });

  it("FD1 an unchanged page is 304, empty or not, and a changed one is not", async () => {
    for (const prepare of [async () => {}, () => commit(put("a", { organizationId: "o1" }))]) {
      mirror.clock.pass(1_000);
      await prepare();
      const first = await get("");
      const etag = first.headers.get("etag") ?? "";
      expect(etag).toMatch(/^"[0-9a-f]{32}"$/);
      for (const named of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
        const again = await get("", key, { headers: { "if-none-match": named } });
        expect([again.status, await again.text(), again.headers.get("etag")]).toEqual([304, "", etag]);
        expect(again.headers.get("mirror-seq")).toBe(first.headers.get("mirror-seq"));
      }
      mirror.clock.pass(1_000);
      await commit(put("a", { organizationId: "o2" }));
      expect((await get("", key, { headers: { "if-none-match": etag } })).status).toBe(200);
      // One entry at one position: there for one key, gone for another.
      const o1 = await mirror.addKey({ connection: HERE, organizations: ["o1"] });
      const o2 = await mirror.addKey({ connection: HERE, organizations: ["o2"] });
      const tags = await Promise.all([o1, o2].map(async (one) => (await get("", one)).headers.get("etag")));
      expect(tags[0]).not.toBe(tags[1]);
    }
  });
});

describe("a wait", () => {
  it("FD1 ends as soon as something new is there for this key", async () => {
    const o1 = await mirror.addKey({ connection: HERE, organizations: ["o1"] });
    let sleeps = 0;
    mirror.state.duringSleep = async () => {
      sleeps++;
      if (sleeps === 2) await commit(put("foreign", { organizationId: "o2" }));
      if (sleeps === 4) await commit(put("mine", { organizationId: "o1" }));
    };
    const { data, meta } = await page("?wait=25", o1);
    expect(data.map(({ id, seq }) => [id, seq])).toEqual([["mine", 2]]);
    expect(meta).toEqual({ next_after: 2, has_more: false });
    expect(mirror.clock.now() - START).toBe(4 * limits.changesPollMs);
  });

  it("FD1 with something there already does not begin", async () => {
    await commit(put("a"));
    expect((await page("?wait=25")).data).toHaveLength(1);
    expect(mirror.clock.now()).toBe(START);
  });

  it("FD1 in vain ends with an empty page that says how far was looked", async () => {
    const o1 = await mirror.addKey({ connection: HERE, organizations: ["o1"] });
    let sleeps = 0;
    mirror.state.duringSleep = async () => {
      sleeps++;
      if (sleeps === 1) await commit(put("foreign", { organizationId: "o2" }));
    };
    expect(await page("?wait=3", o1)).toEqual({ data: [], meta: { next_after: 1, has_more: false } });
    expect(mirror.clock.now() - START).toBe(3_000);
  });

  it("FD1 that finds only foreign rows, more than one look takes, is told to go on", async () => {
    const o1 = await mirror.addKey({ connection: HERE, organizations: ["o1"] });
    const foreign = Array.from({ length: limits.changesScan + 1 }, (_, i) =>
      put(`f${i}`, { organizationId: "o2" }),
    );
    await commit(...foreign);
    const first = await page("?wait=25", o1);
    expect(first).toEqual({ data: [], meta: { next_after: limits.changesScan, has_more: true } });
    expect(mirror.clock.now()).toBe(START);
  });

  it("FD1 looks at the table again only when the last position moved, and for no more polls than allowed", async () => {
    const { changes } = mirror.memory.records;
    let looks = 0;
    mirror.memory.records.changes = (...asked) => {
      looks++;
      return changes(...asked);
    };
    await get("?wait=25");
    expect(looks).toBe(1);
    let sleeps = 0;
    mirror.state.duringSleep = async () => {
      sleeps++;
      mirror.clock.pass(-limits.changesPollMs);
    };
    await get("?wait=25");
    expect(sleeps).toBe(limits.changesPolls);
  });

  it("RD6 a key that is revoked or expires while it waits gets nothing more", async () => {
    const revoked = await mirror.addKey({ id: "revoked-1", connection: HERE });
    mirror.state.duringSleep = async () => {
      await mirror.keys.remove("revoked-1");
      await commit(put("secret"));
    };
    await expectError(await get("?wait=25", revoked), 401, "unauthorized");
    const expiresAt = mirror.clock.now() + 1_500;
    const expiring = await mirror.addKey({ connection: HERE, expiresAt });
    let sleeps = 0;
    mirror.state.duringSleep = async () => {
      sleeps++;
      if (sleeps === 2) await commit(put("later"));
    };
    await expectError(await get("?after=1&wait=25", expiring), 401, "unauthorized");
  });
});

it("RL1 a key without ration left is 429 and told when to come back, another is served", async () => {
  const spent = await mirror.addKey({ id: "spent-1", connection: HERE });
  mirror.state.spent.add("spent-1");
  const refused = await get("", spent);
  expect(refused.headers.get("retry-after")).toBe("60");
  await expectError(refused, 429, "rate_limited");
  expect((await get("")).status).toBe(200);
});
