// A record the mirror has never held is fetched for its reader, within a bound.

import { describe, expect, it, vi } from "vitest";
import { ago, isolateTests, passSeconds } from "../support/each-test.ts";
import { expectError } from "../support/errors.ts";
import { createMirror, newConnectionId } from "../support/mirror.ts";
import { CANARY } from "../support/outlets.ts";
import { until } from "../support/until.ts";
import { createUpstream, problem } from "../support/upstream.ts";

isolateTests();

async function connected() {
  const upstream = createUpstream();
  upstream.install();
  const mirror = createMirror();
  const id = newConnectionId();
  await mirror.connect(id);
  const { get, key } = await mirror.key(id);
  return { upstream, mirror, id, get, key };
}

const record = () => ({
  ...{ id: "client_1", organization_id: "org_1", updated_at: ago(60), status: "active" },
  private_note: CANARY,
});

describe("read-through", () => {
  it("RD3 a missing record is fetched, served and kept", async () => {
    const { upstream, get } = await connected();
    upstream.state.aheadMs = 0;
    upstream.put("clients", record());
    const first = await get("/v1/clients/client_1");
    expect([first.status, await first.json()]).toEqual([200, { data: record() }]);
    // Less the seconds in which RCMS itself may not show a write yet.
    expect(first.headers.get("mirror-as-of")).toBe(ago(10));
    expect(first.headers.get("mirror-seq")).toBe("1");
    expect((await get("/v1/clients/client_1")).status).toBe(200);
    expect(upstream.calls()).toEqual(["GET /clients/client_1"]);
    expect(upstream.asked[0]?.authorization).toBe("Bearer canary-upstream-key-1");
  });

  it("RD3 readers of one missing record share one fetch", async () => {
    const { upstream, get } = await connected();
    upstream.put("clients", record());
    const answers = await Promise.all(Array.from({ length: 10 }, () => get("/v1/clients/client_1")));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
    expect(upstream.asked).toHaveLength(1);
  });

  it("RD3 a record known by another id is served under both", async () => {
    const { upstream, get } = await connected();
    upstream.state.fault = async (request) =>
      request.url.endsWith("/clients/260") ? Response.json({ data: record() }) : undefined;
    expect(await (await get("/v1/clients/260")).json()).toEqual({ data: record() });
    expect((await get("/v1/clients/client_1")).status).toBe(200);
    expect((await get("/v1/clients/260")).status).toBe(200);
    expect(upstream.calls()).toEqual(["GET /clients/260"]);
  });

  it("RD3 what exists nowhere is 404, and is asked for again only after a few seconds", async () => {
    const { upstream, get } = await connected();
    for (let i = 0; i < 5; i++) await expectError(await get("/v1/clients/client_1"), 404, "not_found");
    expect(upstream.asked).toHaveLength(1);
    upstream.put("clients", record());
    passSeconds(5.001);
    expect((await get("/v1/clients/client_1")).status).toBe(200);
    expect(upstream.asked).toHaveLength(2);
  });

  it("RD3 a 404 of the upstream buries nothing it has just been asked for", async () => {
    const { get, mirror, id } = await connected();
    await expectError(await get("/v1/clients/client_1"), 404, "not_found");
    const { data } = await (await mirror.admin(`/admin/connections/${id}`)).json<{
      data: { kinds: { clients: { records: number } } };
    }>();
    expect(data.kinds.clients.records).toBe(0);
  });

  it.each([
    ["answers 500", () => problem(500)],
    ["answers 429", () => problem(429, { "retry-after": "7" })],
    ["answers 403", () => problem(403)],
    ["answers in HTML", () => new Response("<html>maintenance</html>")],
    [
      "redirects elsewhere",
      () => new Response(null, { status: 302, headers: { location: "https://evil.test" } }),
    ],
    [
      "cannot be reached",
      () => {
        throw new TypeError("connection refused by 10.0.0.1");
      },
    ],
  ])("RD3 an upstream that %s is 503 for what was never mirrored", async (_what, fault) => {
    const { upstream, get } = await connected();
    upstream.state.fault = fault;
    const response = await get("/v1/clients/client_1");
    const error = await expectError(response, 503, "upstream_unavailable");
    expect(response.headers.get("retry-after")).toMatch(/^\d+$/);
    expect(error.message).not.toMatch(/10\.0\.0\.1|maintenance|evil/);
    expect(upstream.asked).toHaveLength(1);
  });

  it("RD3 what is mirrored is served while the upstream is down", async () => {
    const { upstream, get } = await connected();
    upstream.put("clients", record());
    await get("/v1/clients/client_1");
    upstream.state.fault = () => problem(500);
    expect((await get("/v1/clients/client_1")).status).toBe(200);
  });

  it("RD3 a reader waits three seconds, and the fetch still ends in the mirror", async () => {
    const { upstream, mirror, key, get } = await connected();
    upstream.put("clients", record());
    let [answered, released] = [false, false];
    upstream.state.fault = async () => {
      await until(() => released);
      return undefined;
    };
    vi.useFakeTimers({ toFake: ["Date", "setTimeout"], now: Date.now() });
    const { response, finished } = mirror.answer("/v1/clients/client_1", {
      headers: { authorization: `Bearer ${key}` },
    });
    void response.then(() => {
      answered = true;
    });
    await until(() => upstream.asked.length === 1);
    await vi.advanceTimersByTimeAsync(2_999);
    expect(answered).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await expectError(await response, 503, "upstream_unavailable");

    released = true;
    await finished();
    expect((await get("/v1/clients/client_1")).status).toBe(200);
    expect(upstream.asked).toHaveLength(1);
  });
});
