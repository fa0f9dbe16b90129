// The retry ladder and the disabling of a webhook that keeps failing, on a clock moved by hand.

import { createHmac } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { FAILURES_UNTIL_DISABLED, RETRY_LADDER_MS } from "./delivery.ts";
import { api, asObject, handClock, type Receiver, register, rows, startReceiver } from "./fixture.ts";
import type { Network } from "./network.ts";
import { type FakeRcms, startFakeRcms } from "./server.ts";

const SECOND = 1000;
const MINUTE = 60_000;
const HOUR = 3_600_000;

const clock = handClock();
let fake: FakeRcms;
let receiver: Receiver;
let network: Network;

beforeAll(async () => {
  fake = await startFakeRcms({ clock });
});
afterAll(() => fake.close());
beforeEach(async () => {
  receiver = await startReceiver();
  network = fake.createNetwork({ seed: { clients: 1 } });
});
afterEach(() => receiver.close());

const update = () => network.world.updateClient(String(network.truth().clients[0]?.id));
const status = async (id: string) => asObject((await api(network, `/webhooks/${id}`)).body.data).status;
const latest = async (id: string) => rows((await api(network, `/webhooks/${id}/deliveries`)).body)[0];

it("FK2 the ladder is the documented one and stays within a day", () => {
  const documented = [30 * SECOND, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR, 12 * HOUR];
  expect(RETRY_LADDER_MS).toEqual(documented);
});

it("FK2 a refused delivery is retried after exactly each step, signed anew, then failed for good", async () => {
  receiver.answerWith(500);
  const { id, secret } = await register(network, receiver.url, ["client.updated"]);
  update();
  await network.idle();
  for (const [step, wait] of RETRY_LADDER_MS.entries()) {
    expect(await latest(id)).toMatchObject({
      status: "pending",
      response_code: 500,
      attempt_count: step + 1,
      last_attempt_at: new Date(clock()).toISOString(),
      next_attempt_at: new Date(clock() + wait).toISOString(),
    });
    clock.advance(wait - 1);
    expect(network.sendDue()).toBe(0);
    clock.advance(1);
    expect(network.sendDue()).toBe(1);
    await network.idle();
    const last = receiver.arrivals.at(-1);
    const t = Math.floor(clock() / 1000);
    const v1 = createHmac("sha256", secret).update(`${t}.${last?.text}`).digest("hex");
    expect(last?.headers["x-rcms-signature"]).toBe(`t=${t},v1=${v1}`);
  }
  expect(await latest(id)).toMatchObject({ status: "failed", attempt_count: 9, next_attempt_at: null });
  expect(new Set(receiver.arrivals.map((arrival) => arrival.text)).size).toBe(1);
  expect(receiver.arrivals).toHaveLength(9);
  clock.advance(48 * HOUR);
  expect(network.sendDue()).toBe(0);
});

it("FK2 a speed factor runs the whole ladder by itself", async () => {
  const quick = await startFakeRcms({ speed: 1e8 });
  try {
    network = quick.createNetwork({ seed: { clients: 1 } });
    receiver.answerWith(302);
    const { id } = await register(network, receiver.url, ["client.updated"]);
    update();
    await receiver.arrived(9);
    await network.idle();
    expect(await latest(id)).toMatchObject({ status: "failed", response_code: 302, attempt_count: 9 });
  } finally {
    await quick.close();
  }
});

it("FK2 a retry that succeeds ends the ladder and the row of failures", async () => {
  receiver.answerWith(503);
  const { id } = await register(network, receiver.url, ["client.updated"]);
  update();
  await network.idle();
  receiver.answerWith(204);
  clock.advance(30 * SECOND);
  network.sendDue();
  await network.idle();
  expect(await latest(id)).toMatchObject({ status: "delivered", response_code: 204, attempt_count: 2 });
  expect(network.parts.webhooks.find(id)?.failuresInARow).toBe(0);
});

it("FK2 a receiver that is not there counts as a failure without a response code", async () => {
  const { id } = await register(network, receiver.url, ["client.updated"]);
  await receiver.close();
  update();
  await network.idle();
  expect(await latest(id)).toMatchObject({ status: "pending", response_code: null, attempt_count: 1 });
  receiver = await startReceiver();
});

it("FK2 fifty failures in a row disable a webhook for good; only a new registration hears again", async () => {
  receiver.answerWith(500);
  const { id, secret } = await register(network, receiver.url, ["client.updated"]);
  for (let i = 1; i < FAILURES_UNTIL_DISABLED; i += 1) update();
  await network.idle();
  expect(FAILURES_UNTIL_DISABLED).toBe(50);
  expect(await status(id)).toBe("active");
  update();
  await network.idle();
  expect(await status(id)).toBe("disabled");

  receiver.answerWith(200);
  clock.advance(24 * HOUR);
  update();
  expect(network.sendDue()).toBe(0);
  await network.idle();
  expect(receiver.arrivals).toHaveLength(50);
  expect(await latest(id)).toMatchObject({ status: "failed" });
  expect((await api(network, `/webhooks/${id}/test`, { method: "POST" })).status).toBe(409);

  const next = await register(network, receiver.url, ["client.updated"]);
  expect(next.secret).not.toBe(secret);
  update();
  await receiver.arrived(51);
});

it("FK2 one success among the failures starts the count again", async () => {
  receiver.answerWith(500);
  const { id } = await register(network, receiver.url, ["client.updated"]);
  const fail = async (times: number) => {
    for (let i = 0; i < times; i += 1) update();
    await network.idle();
  };
  await fail(49);
  receiver.answerWith(200);
  update();
  await network.idle();
  receiver.answerWith(500);
  await fail(49);
  expect(await status(id)).toBe("active");
  await fail(1);
  expect(await status(id)).toBe("disabled");
});
