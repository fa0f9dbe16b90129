// What an answer says of its age, and what a reader may ask of it.

import { describe, expect, it } from "vitest";
import type { ConnectionId } from "../../src/core/ids.ts";
import { ago, isolateTests, passSeconds } from "../support/each-test.ts";
import { expectError } from "../support/errors.ts";
import { createMirror, newConnectionId } from "../support/mirror.ts";
import { createStores, put } from "../support/stores.ts";
import { createUpstream, problem } from "../support/upstream.ts";

isolateTests();

async function connected(vars: Record<string, unknown> = {}) {
  const upstream = createUpstream();
  upstream.install();
  upstream.state.aheadMs = 0;
  const mirror = createMirror(vars);
  const id = newConnectionId() as ConnectionId;
  await mirror.connect(id);
  const { get, key, id: keyId } = await mirror.key(id);
  upstream.put("clients", client());
  const ask = (cacheControl: string, path = "/v1/clients/c1") =>
    get(path, { headers: { "cache-control": cacheControl } });
  return { upstream, mirror, id, get, key, keyId, ask, records: createStores().records };
}

const client = (more: Record<string, unknown> = {}) => ({
  id: "c1",
  organization_id: "org_1",
  updated_at: "2026-10-31T00:00:00Z",
  status: "active",
  ...more,
});
const PATH = "/v1/clients/c1";
const cacheStatus = (response: Response) => response.headers.get("cache-status");

describe("a record's headers", () => {
  it("RD4 tell where it came from, how old it is and whom it is for", async () => {
    const { get } = await connected();
    const first = await get(PATH);
    expect(cacheStatus(first)).toBe("rcms-mirror; fwd=miss; fwd-status=200; stored");
    passSeconds(30);
    const { headers } = await get(PATH);
    expect(Object.fromEntries(headers)).toMatchObject({
      age: "40",
      "cache-control": "private, no-cache",
      "cache-status": "rcms-mirror; hit; ttl=1760",
      "content-type": "application/json",
      etag: expect.stringMatching(/^"[0-9a-f]{32}-1"$/),
      "last-modified": "Sat, 31 Oct 2026 00:00:00 GMT",
      "mirror-as-of": ago(40),
      "mirror-seq": "1",
    });
  });

  it("RD4 a 304 has them too, and no body; a tag that changed brings the record", async () => {
    const { get, ask, upstream } = await connected();
    const { headers } = await get(PATH);
    const etag = headers.get("etag") ?? "";
    for (const given of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      const response = await get(PATH, { headers: { "if-none-match": given } });
      expect([given, response.status, await response.text()]).toEqual([given, 304, ""]);
      for (const name of ["etag", "cache-control", "age", "mirror-seq", "last-modified"]) {
        expect(response.headers.get(name), name).toBeTruthy();
      }
      expect(response.headers.get("content-type")).toBeNull();
    }
    upstream.put("clients", client({ updated_at: ago(1), status: "paused" }));
    await ask("no-cache");
    const changed = await get(PATH, { headers: { "if-none-match": etag } });
    expect([changed.status, changed.headers.get("etag") === etag]).toEqual([200, false]);
  });

  it("RD4 If-Modified-Since counts only without If-None-Match, and only as a date", async () => {
    const { get } = await connected();
    await get(PATH);
    const status = async (headers: Record<string, string>) => (await get(PATH, { headers })).status;
    const since = (date: string) => ({ "if-modified-since": date });
    expect(await status(since("Sat, 31 Oct 2026 00:00:00 GMT"))).toBe(304);
    expect(await status(since("Fri, 30 Oct 2026 23:59:59 GMT"))).toBe(200);
    expect(await status(since("2026-12-01"))).toBe(200);
    const both = { ...since("Sat, 31 Oct 2026 00:00:00 GMT"), "if-none-match": '"other"' };
    expect(await status(both)).toBe(200);
  });
});

describe("a record that aged", () => {
  it("RD3 is fetched for its reader when open, and served as it is when RCMS is away", async () => {
    const { get, upstream } = await connected();
    await get(PATH);
    passSeconds(1_800);
    upstream.put("clients", client({ updated_at: ago(5), status: "paused" }));
    const fetched = await get(PATH);
    expect(await fetched.json()).toMatchObject({ data: { status: "paused" } });
    expect(cacheStatus(fetched)).toBe("rcms-mirror; fwd=stale; fwd-status=200; stored");
    passSeconds(1_820);
    const unchanged = await get(PATH);
    expect(cacheStatus(unchanged)).toBe("rcms-mirror; fwd=stale; fwd-status=200");
    expect([unchanged.headers.get("age"), unchanged.headers.get("mirror-seq")]).toEqual(["10", "2"]);
    passSeconds(1_820);
    upstream.state.fault = () => problem(503);
    const served = await get(PATH);
    expect([served.status, served.headers.get("age")]).toEqual([200, "1830"]);
    expect(cacheStatus(served)).toBe("rcms-mirror; hit; ttl=-30; detail=upstream-unavailable");
  });

  it("RD3 a closed record pays once: served at any age, refreshed behind the reader, opened by an event", async () => {
    const { get, upstream, mirror, id } = await connected();
    upstream.put("clients", client({ status: "discharged" }));
    await get(PATH);
    passSeconds(90_000);
    for (let i = 0; i < 5; i++) {
      const answer = await get(PATH);
      expect(cacheStatus(answer)).toBe("rcms-mirror; hit; ttl=-88210; detail=terminal");
    }
    expect(upstream.asked).toHaveLength(1);
    const looks = mirror.jobs.filter((job) => (job as { job: string }).job === "look");
    expect(looks).toEqual([{ job: "look", connection: id, ref: { kind: "clients", id: "c1" } }]);

    upstream.put("clients", client({ updated_at: ago(1) }));
    const data = { client_id: "c1" };
    await mirror.deliver(id, { id: "evt_r", type: "client.readmitted", created_at: ago(1), data });
    await mirror.drain();
    expect(await (await get(PATH)).json()).toMatchObject({ data: { status: "active" } });
  });

  it("RD3 the time to live is the environment's to set", async () => {
    const { get, upstream } = await connected({ RECORD_TTL_SECONDS: "60" });
    await get(PATH);
    passSeconds(50);
    await get(PATH);
    expect(upstream.asked).toHaveLength(1);
    passSeconds(1);
    await get(PATH);
    expect(upstream.asked).toHaveLength(2);
  });

  it("RD2 is as of the earlier of both clocks", async () => {
    for (const aheadMs of [-600_000, 600_000]) {
      const { get, upstream } = await connected();
      upstream.state.aheadMs = aheadMs;
      const answer = await get(PATH);
      expect(answer.headers.get("mirror-as-of")).toBe(ago(aheadMs < 0 ? 610 : 10));
    }
  });
});

describe("request directives", () => {
  it("RD4 no-cache and max-age fetch what is held, only-if-cached never does", async () => {
    const { ask, upstream, get } = await connected();
    await expectError(await ask("only-if-cached"), 504, "gateway_timeout");
    await get(PATH);
    expect(cacheStatus(await ask("only-if-cached"))).toBe("rcms-mirror; hit; ttl=1790");
    passSeconds(20);
    expect(cacheStatus(await ask("max-age=30"))).toBe("rcms-mirror; hit; ttl=1770");
    expect(cacheStatus(await ask("max-age=29"))).toBe("rcms-mirror; fwd=request; fwd-status=200");
    passSeconds(1);
    expect(cacheStatus(await ask("no-cache"))).toBe("rcms-mirror; fwd=request; fwd-status=200");
    expect(upstream.asked).toHaveLength(3);
    passSeconds(2_000);
    await expectError(await ask("only-if-cached"), 504, "gateway_timeout");
    expect((await ask("only-if-cached, max-stale")).status).toBe(200);
    expect((await ask("max-stale=300")).status).toBe(200);
    expect(upstream.asked).toHaveLength(3);
  });

  it("RD4 what is malformed is as if it were not there", async () => {
    const { ask, upstream } = await connected();
    for (const header of ["max-age=now", "no-cache=1", ",,;", "max-age=-1"]) {
      expect((await ask(header)).status).toBe(200);
    }
    expect(upstream.asked).toHaveLength(1);
  });

  it("RD6 asking for copies only tells nothing about what is foreign", async () => {
    const { records, id, mirror } = await connected();
    await records.commit(id, [put("foreign", { organizationId: "org_2" })]);
    const { get } = await mirror.key(id, { organizations: ["org_1"] });
    const answers = ["/v1/clients/foreign", "/v1/clients/absent"].map(async (path) => {
      const headers = { "cache-control": "only-if-cached", "x-request-id": "request-1" };
      const response = await get(path, { headers });
      return [response.status, [...response.headers], await response.text()];
    });
    const [foreign, absent] = await Promise.all(answers);
    expect(foreign).toEqual(absent);
    expect(foreign?.[0]).toBe(504);
  });
});

describe("a copy of the database", () => {
  it("RD2 is asked for by header, says how far it had come, and keeps records, lists and the feed honest", async () => {
    const { get } = await connected();
    await get(PATH);
    for (const path of [PATH, "/v1/clients", "/v1/changes?after=0"]) {
      // What this isolate keeps for a moment would be served before any copy.
      passSeconds(3);
      const near = await get(path, { headers: { "mirror-bookmark": "any" } });
      const bookmark = near.headers.get("mirror-bookmark") ?? "";
      expect(bookmark, path).toMatch(/^[0-9a-f-]{20,}$/);
      const plain = await get(path);
      expect(plain.headers.get("mirror-bookmark"), path).toBeNull();
      expect(near.headers.get("mirror-as-of")).toBe(plain.headers.get("mirror-as-of"));
      expect(await near.text()).toBe(await plain.text());
      passSeconds(3);
      const next = await get(path, { headers: { "mirror-bookmark": bookmark } });
      expect(String(next.headers.get("mirror-bookmark")) >= bookmark, path).toBe(true);
      for (const nonsense of ["", "ANY", "any, any", "first-primary", "0".repeat(201), "'; --"]) {
        const answer = await get(path, { headers: { "mirror-bookmark": nonsense } });
        expect([answer.status, answer.headers.get("mirror-bookmark")], nonsense).toEqual([200, null]);
      }
    }
  });

  it("RD6 hides what a key may not see as the primary does", async () => {
    const { get, mirror, id } = await connected();
    await get(PATH);
    const stranger = await mirror.key(id, { organizations: ["org_2"] });
    const headers = { "mirror-bookmark": "any", "x-request-id": "12345678" };
    const answer = async (path: string) => {
      const response = await stranger.get(path, {
        headers: { ...headers, "cache-control": "only-if-cached" },
      });
      return [response.status, [...response.headers], await response.text()];
    };
    expect(await answer(PATH)).toEqual(await answer("/v1/clients/nobody"));
  });
});

describe("a copy kept for a moment", () => {
  it("RD5 hides another isolate's write for its moment, not from who knows of it", async () => {
    const { get, records, id } = await connected();
    await get(PATH);
    const body = JSON.stringify(client({ status: "elsewhere" }));
    const fetchedAt = Date.now() + 1;
    await records.commit(id, [put("c1", { hash: "h2", updatedAt: fetchedAt, fetchedAt, body })]);
    const status = async (headers: Record<string, string> = {}) =>
      (await (await get(PATH, { headers })).json<{ data: { status: string } }>()).data.status;
    expect(await status()).toBe("active");
    expect(await status({ "mirror-min-seq": "1" })).toBe("active");
    expect(await status({ "mirror-min-seq": "nonsense" })).toBe("active");
    expect(await status({ "mirror-min-seq": "2" })).toBe("elsewhere");
    passSeconds(2.001);
    expect(await status()).toBe("elsewhere");
  });

  it("RD5 is dropped when this isolate's consumer writes the record", async () => {
    const { get, upstream, mirror, id } = await connected();
    await get(PATH);
    passSeconds(1);
    upstream.put("clients", client({ updated_at: ago(0), status: "paused" }));
    const data = { client_id: "c1" };
    await mirror.deliver(id, { id: "evt_1", type: "client.updated", created_at: ago(0), data });
    await mirror.drain();
    expect(await (await get(PATH)).json()).toMatchObject({ data: { status: "paused" } });
  });

  it("RD5 outlives neither its key nor 0 seconds", async () => {
    const { get, mirror, keyId } = await connected();
    await get(PATH);
    await mirror.admin(`/admin/keys/${keyId}`, { method: "DELETE" });
    expect((await get(PATH)).status).toBe(401);

    const none = await connected({ L1_TTL_SECONDS: "0" });
    await none.get(PATH);
    const fetchedAt = Date.now() + 1;
    const body = JSON.stringify(client({ status: "elsewhere" }));
    await none.records.commit(none.id, [put("c1", { hash: "h2", updatedAt: fetchedAt, fetchedAt, body })]);
    expect(await (await none.get(PATH)).json()).toMatchObject({ data: { status: "elsewhere" } });
  });
});
