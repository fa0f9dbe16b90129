// What an event and a read cost, from the meters that are billed: rows by D1's own count, calls of Durable Objects, KV.
// Exact: a query, a row or a call more is a change of design, and is to be decided here.

import { createScheduledController } from "cloudflare:test";
import { expect, it, vi } from "vitest";
import { limits } from "../../src/core/limits.ts";
import worker from "../../src/index.ts";
import { rowsOf } from "../support/bindings.ts";
import { ago, isolateTests, passSeconds } from "../support/each-test.ts";
import { event } from "../support/events.ts";
import { metered, nothing } from "../support/meters.ts";
import { createMirror, newConnectionId } from "../support/mirror.ts";
import { createUpstream } from "../support/upstream.ts";

isolateTests();

const FREE = nothing();
/** The record and its three indexes; the ledger's one. */
const [RECORD_ROWS, LEDGER_ROWS] = [4, 1];

/** A mirror that has run for a while and holds some clients. */
async function running(clients: number) {
  vi.spyOn(Math, "random").mockReturnValue(0);
  const upstream = createUpstream();
  upstream.install();
  const mirror = createMirror();
  const id = newConnectionId();
  await mirror.connect(id);
  let change = 0;
  const told = (client: number, more = {}) =>
    event("client.updated", { client_id: `client_${client}` }, more);
  async function changed(client: number) {
    const record = { id: `client_${client}`, organization_id: "org_1", change: ++change, updated_at: ago(1) };
    upstream.put("clients", record);
    await mirror.deliver(id, told(client));
  }
  for (let i = 0; i < clients; i++) await changed(i);
  await mirror.drain();
  passSeconds(60);
  upstream.asked.length = 0;
  return { upstream, mirror, id, told, changed, meter: metered() };
}

it("CO1 a delivery costs its message and nothing else, a flood of forged ones a bounded handful of queries", async () => {
  const { mirror, id, told, meter } = await running(1);
  await mirror.deliver(id, told(0));
  expect(await meter(() => mirror.deliver(id, told(0)))).toEqual(FREE);
  expect(mirror.events.splice(0)).toHaveLength(2);
  const forge = async (deliveries: number) => {
    for (let i = 0; i < deliveries; i++) {
      expect((await mirror.deliver(id, told(0), "whsec_of_somebody_else")).status).toBe(401);
    }
  };
  // The secrets may have been rotated: a few are worth another look.
  expect(await meter(() => forge(limits.rereadBurst))).toMatchObject({ d1Queries: limits.rereadBurst });
  expect(await meter(() => forge(100))).toEqual(FREE);
  expect(mirror.events).toEqual([]);
});

it("CO1 a changed record costs its rows and one of the ledger's, one call of a writer and one of the gate", async () => {
  const { upstream, mirror, changed, meter } = await running(1);
  await changed(0);
  const bill = await meter(mirror.drain);
  expect(upstream.asked).toHaveLength(1);
  expect(bill).toEqual({
    ...FREE,
    // Connection, three questions about the batch; connection, suppressed, versions, commit; ledger.
    d1Queries: 7,
    rowsRead: bill.rowsRead,
    rowsWritten: RECORD_ROWS + LEDGER_ROWS,
    writerCalls: 1,
    gateCalls: 1,
  });
  expect(bill.rowsRead).toBeLessThanOrEqual(60);
});

it("CO1 an event that changed nothing costs the ledger's row, one that comes again none", async () => {
  const { upstream, mirror, id, told, meter } = await running(1);
  // The second event of the one change.
  await mirror.deliver(id, told(0, { created_at: ago(62) }));
  const [body] = mirror.events.splice(0);
  const consume = () => mirror.consume("mirror-events", [{ body }]);
  expect(await meter(consume)).toMatchObject({ rowsWritten: LEDGER_ROWS, writerCalls: 1, gateCalls: 1 });
  const calls = upstream.asked.length;
  const again = await meter(consume);
  expect(again).toEqual({ ...FREE, d1Queries: 2, rowsRead: again.rowsRead });
  expect(again.rowsRead).toBeLessThanOrEqual(20);
  expect(upstream.asked).toHaveLength(calls);
});

it("CO1 a hundred changed records cost one list, six queries, and the same rows", async () => {
  const { upstream, mirror, changed, meter } = await running(100);
  for (let i = 0; i < 100; i++) await changed(i);
  expect(await meter(mirror.drain)).toMatchObject({
    rowsWritten: 100 * (RECORD_ROWS + LEDGER_ROWS),
    // Connection, three questions about the batch, what is still open; versions, commit; ledger.
    d1Queries: 6,
    // The gate is asked for the turn, for the call, and given the turn back.
    writerCalls: 0,
    gateCalls: 3,
    kvReads: 0,
    kvWrites: 0,
  });
  expect(upstream.calls()).toEqual([expect.stringMatching(/^GET \/clients\?updated_after=/)]);
});

it("CO1 the nightly purge costs one row for each event it forgets", async () => {
  const { mirror, meter } = await running(20);
  passSeconds(4 * 86_400);
  const [held] = await rowsOf<{ events: number }>("SELECT count(*) AS events FROM events");
  const nightly = createScheduledController({ cron: "17 3 * * *", scheduledTime: new Date() });
  expect(await meter(async () => worker.scheduled(nightly, mirror.env))).toMatchObject({
    rowsWritten: held?.events,
    writerCalls: 0,
  });
});

it("CO1 a feed page of everything costs the rows it shows and the one after", async () => {
  const { mirror, id, meter } = await running(20);
  const { get } = await mirror.key(id);
  await get("/v1/changes?after=0&limit=1");
  const page = () => get("/v1/changes?after=5&limit=10");
  expect(await meter(page)).toEqual({ ...FREE, d1Queries: 1, rowsRead: 11 });
});

it("CO1 a read costs the row it reads, and again within the moment nothing", async () => {
  const { upstream, mirror, id, meter } = await running(2);
  const { get } = await mirror.key(id);
  await get("/v1/clients/client_0");
  expect(await meter(() => get("/v1/clients/client_1"))).toEqual({ ...FREE, d1Queries: 1, rowsRead: 1 });
  expect(await meter(() => get("/v1/clients/client_1"))).toEqual(FREE);
  expect(upstream.asked).toEqual([]);
});
