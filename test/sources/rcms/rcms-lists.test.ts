// The RCMS adapter's lists and webhooks over a fake `send`.

import { describe, expect, it } from "vitest";
import type { Result } from "../../../src/core/failure.ts";
import type { Json } from "../../../src/core/json.ts";
import { EVENT_TYPES } from "../../../src/sources/rcms/events.ts";
import { rcms } from "../../../src/sources/rcms/rcms.ts";
import type { UpstreamAnswer, UpstreamRequest } from "../../../src/sources/source.ts";

const ACCOUNT = { baseUrl: "https://api.measurerecovery.com/v1", apiKey: "rcms_live_x", fields: {} };
const STARTED = 1_000_000;
const SINCE = Date.UTC(2026, 0, 31, 12, 0, 0, 250);

function opened(answer: Partial<UpstreamAnswer> | Result<never>) {
  const requests: UpstreamRequest[] = [];
  const send = async (request: UpstreamRequest): Promise<Result<UpstreamAnswer>> => {
    requests.push(request);
    return "ok" in answer ? answer : { ok: true, value: { status: 200, startedAt: STARTED, ...answer } };
  };
  return { upstream: rcms.open(ACCOUNT, send, (text) => text), requests };
}

const list = (json: Json, more: Partial<UpstreamAnswer> = {}) =>
  opened({ json, ...more }).upstream.listChanged("clients", SINCE);

describe("a delta list", () => {
  it("WR9 asks what changed since, to the millisecond", async () => {
    const { upstream, requests } = opened({ json: { data: [] } });
    await upstream.listChanged("clients", SINCE);
    expect(requests).toEqual([
      { method: "GET", target: "/clients", query: { updated_after: "2026-01-31T12:00:00.250Z" } },
    ]);
  });

  it("SW7 asks for the next page by the URL it was given, untouched", async () => {
    const { upstream, requests } = opened({ json: { data: [] } });
    const next = "https://api.measurerecovery.com/v1/clients?cursor=x";
    await upstream.listChanged("clients", SINCE, next);
    expect(requests).toEqual([{ method: "GET", target: next }]);
  });

  it("WR9 brings its rows as snapshots of when it was asked, and what comes next", async () => {
    const json = {
      data: [{ id: 1, updated_at: "2026-01-31T12:00:01Z" }, { id: "2" }],
      meta: { next_url: "https://n" },
    };
    const page = await list(json, { upstreamNow: 5 });
    expect(page).toMatchObject({ ok: true, value: { unreadable: 0, nextUrl: "https://n", upstreamNow: 5 } });
    if (!page.ok) throw new Error("it succeeds");
    expect(page.value.snapshots.map(({ id, fetchedAt }) => [id, fetchedAt])).toEqual([
      ["1", STARTED],
      ["2", STARTED],
    ]);
  });

  it("WR9 rows without an id are counted, never guessed at", async () => {
    const page = await list({
      data: [{ id: "1" }, { name: "x" }, null, "x", [], { id: "a/b" }, { id: 1.5 }],
    });
    expect(page).toMatchObject({ ok: true, value: { unreadable: 6 } });
    expect(page.ok && page.value.snapshots).toHaveLength(1);
  });

  it("WR9 ends where next_url is null, empty, absent or no text", async () => {
    for (const meta of [null, {}, { next_url: null }, { next_url: "" }, { next_url: 5 }, "x"]) {
      const page = await list({ data: [], meta });
      expect(page.ok && "nextUrl" in page.value, JSON.stringify(meta)).toBe(false);
    }
  });

  it("WR8 an answer that is no list is a bad answer", async () => {
    for (const json of [null, [], [{ id: "1" }], {}, { data: {} }, { data: null }]) {
      expect(await list(json), JSON.stringify(json)).toEqual({
        ok: false,
        failure: { kind: "bad_answer", why: "shape" },
      });
    }
    expect(await opened({}).upstream.listChanged("clients", SINCE)).toMatchObject({
      failure: { why: "shape" },
    });
  });

  it("WR8 a list that is not there is a refusal, a failure stays what it is", async () => {
    for (const status of [404, 405, 410]) {
      expect(await list({}, { status })).toEqual({ ok: false, failure: { kind: "refused", status } });
    }
    const failed = { ok: false, failure: { kind: "server_error", status: 500 } } as const;
    expect(await opened(failed).upstream.listChanged("clients", SINCE)).toEqual(failed);
  });

  it("WR9 is only asked of kinds that have one", async () => {
    await expect(opened({}).upstream.listChanged("assessment-status", SINCE)).rejects.toThrow("has no list");
  });
});

describe("the webhook", () => {
  const request = { url: "https://m/hooks/a", description: "rcms-mirror a", idempotencyKey: "nonce-1" };

  it("SUB1 is registered for every event we know unless told which, with the key that makes it repeatable", async () => {
    const { upstream, requests } = opened({
      status: 201,
      json: { data: { id: "wh_1", signing_secret: "whsec_1" } },
    });
    expect(await upstream.registerWebhook(request)).toEqual({
      ok: true,
      value: { id: "wh_1", signingSecret: "whsec_1" },
    });
    await upstream.registerWebhook({ ...request, events: ["client.updated"] });
    const { url, description, idempotencyKey } = request;
    const events = Object.keys(EVENT_TYPES);
    expect(requests).toEqual([
      { method: "POST", target: "/webhooks", body: { url, events, description }, idempotencyKey },
      {
        method: "POST",
        target: "/webhooks",
        body: { url, events: ["client.updated"], description },
        idempotencyKey,
      },
    ]);
  });

  it("SUB1 is not registered when the answer lacks its id or its secret", async () => {
    for (const json of [
      {},
      { id: "wh_1" },
      { id: "wh_1", signing_secret: "" },
      { signing_secret: "x" },
      null,
    ]) {
      const reply = await opened({ json }).upstream.registerWebhook(request);
      expect(reply).toEqual({ ok: false, failure: { kind: "bad_answer", why: "shape" } });
    }
    expect(await opened({ status: 404 }).upstream.registerWebhook(request)).toEqual({
      ok: false,
      failure: { kind: "refused", status: 404 },
    });
  });

  it("SUB1 is removed, and removing what is gone already is success", async () => {
    for (const status of [200, 204, 404, 410]) {
      const { upstream, requests } = opened({ status });
      expect(await upstream.removeWebhook("wh_1")).toEqual({ ok: true, value: undefined });
      expect(requests).toEqual([{ method: "DELETE", target: "/webhooks/wh_1" }]);
    }
    expect(await opened({ status: 405 }).upstream.removeWebhook("wh_1")).toMatchObject({ ok: false });
  });

  it("SUB1 an id that is none is never put into a path", async () => {
    const { upstream, requests } = opened({});
    expect(await upstream.removeWebhook("../keys")).toMatchObject({ ok: false });
    expect(requests).toEqual([]);
  });
});
