// One record, many events, an upstream that lags, lies about order and fails: the mirror ends where the upstream
// is, and asks little on the way. One test after the other: they share the local queue, which takes
// one batch at a time.

import { afterAll, beforeAll, expect, it } from "vitest";
import type { Network } from "../fake-rcms/network.ts";
import { holdNext } from "./held.ts";
import { asked, type Mirrored, mirror, untilDelivered, untilDone, untilEqual } from "./mirrored.ts";
import { startWhole, type WholeSystem } from "./system.ts";

let system: WholeSystem;
beforeAll(async () => {
  system = await startWhole();
});
afterAll(() => system?.stop());

const SEED = { organizations: 2, staff: 4, clients: 12 };

it("WR1 ten events of one record in a burst cost at most two fetches and end with the last state", async () => {
  const mirrored = await mirror(system, "burst", { seed: SEED });
  const { network } = mirrored;
  const client = someClient(network);
  const first = holdNext(network, `/v1/clients/${client}`);
  const events = Array.from({ length: 10 }, (_, i) => network.world.updateClient(client, { phone: `${i}` }));
  // The first fetch is under way until all ten are in.
  await first.caught();
  await untilDelivered(network);
  first.release();
  await untilDone(
    mirrored,
    events.map(({ event_id }) => event_id),
  );

  expect(fetchesOf(network, client).length).toBeLessThanOrEqual(2);
  await untilEqual(mirrored);
  expect(await phoneIn(mirrored, client)).toBe("9");
  expectOneAtATime(network);
});

it("WR1 readers of a record that is being fetched cause one fetch more, after it, however many they are", async () => {
  const mirrored = await mirror(system, "readers", { seed: SEED });
  const { network } = mirrored;
  const client = someClient(network);
  const first = holdNext(network, `/v1/clients/${client}`);
  const { event_id } = network.world.updateClient(client, { phone: "read" });
  await first.caught();
  // Until they have given up: then it is certain that every one of them has asked.
  const readers = Array.from({ length: 5 }, () => mirrored.read(`/clients/${client}`));
  for (const { status } of await Promise.all(readers)) expect(status).toBe(503);
  first.release();
  await untilDone(mirrored, [event_id]);
  await untilEqual(mirrored);

  expect(await phoneIn(mirrored, client)).toBe("read");
  expect(fetchesOf(network, client).length).toBeLessThanOrEqual(2);
  expectOneAtATime(network);
});

it("WR3 the older of two events arriving last changes nothing", async () => {
  const mirrored = await mirror(system, "older-last", { seed: SEED });
  const { network } = mirrored;
  const client = someClient(network);
  network.patchSettings({ webhooks_off: true });
  const older = network.world.updateClient(client, { phone: "older" });
  network.patchSettings({ webhooks_off: false });
  const newer = network.world.updateClient(client, { phone: "newer" });
  await untilDone(mirrored, [newer.event_id]);
  const seq = await seqOf(mirrored, client);

  network.redeliver(String(older.event_id));
  await untilDone(mirrored, [older.event_id]);
  await untilEqual(mirrored);
  expect(await phoneIn(mirrored, client)).toBe("newer");
  expect(await seqOf(mirrored, client)).toBe(seq);
});

it("WR3 a slow fetch with an old answer, finishing last, overwrites nothing", async () => {
  const mirrored = await mirror(system, "slow-fetch", { seed: SEED });
  const { network, operator, id } = mirrored;
  const client = someClient(network);
  const slow = holdNext(network, `/v1/clients/${client}`);
  const announced = network.world.updateClient(client, { phone: "old" });
  await slow.caught();
  // Nobody is told of this one, so no later fetch can mend what the slow one breaks.
  network.world.changeSilently("clients", client, { phone: "new" });
  await operator.sweep(id, "clients");
  expect(await phoneIn(mirrored, client)).toBe("new");
  const seq = await seqOf(mirrored, client);

  slow.release();
  await untilDone(mirrored, [announced.event_id]);
  expect(await phoneIn(mirrored, client)).toBe("new");
  expect(await seqOf(mirrored, client)).toBe(seq);
  await untilEqual(mirrored);
});

it("WR3 of two changes within one second the later one wins where the upstream counts in seconds", async () => {
  const mirrored = await mirror(system, "seconds", {
    seed: SEED,
    settings: { timestamp_grain: "s" },
  });
  const { network } = mirrored;
  const client = someClient(network);
  const slow = holdNext(network, `/v1/clients/${client}`);
  const first = network.world.updateClient(client, { phone: "first" });
  await slow.caught();
  const sameSecond = {
    phone: "second",
    updated_at: network.parts.records.newest("clients", client)?.updated_at,
  };
  const second = network.world.updateClient(client, sameSecond);
  await untilDelivered(network);
  slow.release();
  await untilDone(mirrored, [first.event_id, second.event_id]);
  await untilEqual(mirrored);
  expect(await phoneIn(mirrored, client)).toBe("second");
});

it("WR6 an API that lags its own webhooks by a second is asked again until it shows both changes", async () => {
  const mirrored = await mirror(system, "lag", { seed: SEED, settings: { visibility_lag_ms: 1_000 } });
  const { network } = mirrored;
  const client = someClient(network);
  const first = network.world.updateClient(client, { phone: "first" });
  await untilDelivered(network);
  const second = network.world.updateClient(client, { phone: "second" });
  await untilDone(mirrored, [first.event_id, second.event_id]);
  await untilEqual(mirrored);
  expect(await phoneIn(mirrored, client)).toBe("second");
  expectOneAtATime(network);
});

it("WR1 duplicates, disorder and a third of all answers failing: equal in the end, one fetch at a time", async () => {
  const mirrored = await mirror(system, "chaos", {
    seed: SEED,
    settings: {
      deliver: { duplicate_rate: 0.3, reorder: true, reorder_window_ms: 200 },
      latency_ms: [0, 40],
    },
  });
  const { network, operator, id } = mirrored;
  network.patchSettings({ error_rate: 0.3 });
  const { world } = network;
  for (let round = 0; round < 4; round++) {
    const clients = network.parts.records.allNewest("clients").map((client) => String(client.id));
    for (const client of clients.slice(0, 10)) world.updateClient(client, { phone: `${round}` });
    for (const client of clients.slice(5, 8)) world.submitAssessment(client);
    for (const { id: staff } of network.parts.records.allNewest("staff")) world.updateStaff(String(staff));
    world.enrolClient({ phone: `${round}` });
    await untilDelivered(network);
  }
  await untilEqual(mirrored);
  expectOneAtATime(network);
  expect(failures(network)).toBeGreaterThan(0);
  expect((await operator.overview(id)).dead_letters).toBe(0);
});
function someClient({ parts }: Network): string {
  const [client] = parts.records.allNewest("clients");
  return String(client?.id);
}

function fetchesOf(network: Network, client: string): string[] {
  return asked(network).filter((path) => path === `/v1/clients/${client}`);
}

function failures({ log }: Network): number {
  return log.read().requests.filter(({ status }) => status === 503).length;
}

/** Of one record; a list may be read by several at once. */
function expectOneAtATime({ log }: Network): void {
  const most = Object.entries(log.read().in_flight_max);
  const records = most.filter(([path]) => /^\/v1\/(organizations|staff|clients)\/./.test(path));
  expect(records.length).toBeGreaterThan(0);
  expect(records.filter(([, count]) => count > 1)).toEqual([]);
}

async function phoneIn({ read }: Mirrored, client: string): Promise<unknown> {
  const { body, text } = await read(`/clients/${client}`);
  expect(body.data, text).toBeDefined();
  return (body.data as { phone: unknown }).phone;
}

async function seqOf({ read }: Mirrored, client: string): Promise<string | null> {
  return (await read(`/clients/${client}`)).headers.get("mirror-seq");
}
