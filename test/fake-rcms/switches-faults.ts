// One proof per switch that makes the API or the deliveries misbehave. Run by switches.test.ts.

import { expect } from "vitest";
import { api, asObject, type Proof, register, type Stage, until } from "./fixture.ts";
import type { DeliverSettings, Settings } from "./settings.ts";

const clientOf = ({ network }: Stage) => String(network.truth().clients[0]?.id);
const update = (stage: Stage) => stage.network.world.updateClient(clientOf(stage));
const statuses = async ({ network }: Stage, times: number, path = "/clients") => {
  const seen: number[] = [];
  for (let i = 0; i < times; i += 1) seen.push((await api(network, path)).status);
  return seen;
};

async function scripted(stage: Stage): Promise<void> {
  const { network } = stage;
  network.patchSettings({
    fail_next: [
      { status: 500, path_contains: "/staff" },
      { status: 429, retry_after: 7, method: "GET" },
      { status: 0, path_contains: "/organizations" },
    ],
  });
  const limited = await api(network, "/clients");
  expect([limited.status, limited.headers.get("retry-after")]).toEqual([429, "7"]);
  expect(await statuses(stage, 2)).toEqual([200, 200]);
  expect(await statuses(stage, 2, "/staff")).toEqual([500, 200]);
  await expect(api(network, "/organizations")).rejects.toThrow();
  expect(network.settings().fail_next).toEqual([]);

  // A slow answer states what was true when it was asked for.
  network.patchSettings({ fail_next: [{ delay_ms: 15 }] });
  const slow = api(network, `/clients/${clientOf(stage)}`);
  await until(() => network.settings().fail_next.length === 0);
  const { record } = network.world.dischargeClient(clientOf(stage));
  expect((await slow).body.data).not.toEqual(record);
  expect((await api(network, `/clients/${clientOf(stage)}`)).body.data).toEqual(record);

  network.patchSettings({ fail_next: [{ hang: true }] });
  await expect(api(network, "/clients", { signal: AbortSignal.timeout(15) })).rejects.toThrow();
}

export const faultProofs = {
  delivery_concurrency: async (stage) => {
    const { network, receiver } = stage;
    receiver.answerWith(null);
    network.patchSettings({ delivery_concurrency: 2, delivery_timeout_ms: 60_000 });
    await register(network, receiver.url, ["client.updated"]);
    for (let i = 0; i < 5; i += 1) update(stage);
    await receiver.arrived(2);
    const attempted = network.parts.courier.deliveries().map((each) => each.attemptCount);
    expect(attempted).toEqual([1, 1, 0, 0, 0]);
  },
  delivery_timeout_ms: async (stage) => {
    const { network, receiver } = stage;
    receiver.answerWith(null);
    network.patchSettings({ delivery_timeout_ms: 10 });
    await register(network, receiver.url, ["client.updated"]);
    update(stage);
    await network.idle();
    const [delivery] = network.parts.courier.deliveries();
    expect(delivery).toMatchObject({ attemptCount: 1, responseCode: null, status: "pending" });
  },
  retry_speed: async (stage) => {
    const { network, receiver, clock } = stage;
    receiver.answerWith(500);
    network.patchSettings({ retry_speed: 10 });
    await register(network, receiver.url, ["client.updated"]);
    update(stage);
    await network.idle();
    expect(network.parts.courier.deliveries()[0]?.nextAttemptAtMs).toBe(clock() + 3000);
  },
  sign_retries: async (stage) => {
    const { network, receiver, clock } = stage;
    receiver.answerWith(500);
    network.patchSettings({ sign_retries: "once" });
    await register(network, receiver.url, ["client.updated"]);
    update(stage);
    await network.idle();
    clock.advance(30_000);
    network.sendDue();
    await network.idle();
    const signatures = receiver.arrivals.map((arrival) => arrival.headers["x-rcms-signature"]);
    expect(signatures).toHaveLength(2);
    expect(signatures[1]).toBe(signatures[0]);
  },
  webhooks_off: async (stage) => {
    const { network, receiver } = stage;
    network.patchSettings({ webhooks_off: true });
    const { id } = await register(network, receiver.url, ["client.updated"]);
    const lost = update(stage);
    await api(network, `/webhooks/${id}/test`, { method: "POST" });
    network.patchSettings({ webhooks_off: false });
    const heard = update(stage);
    await network.idle();
    expect(receiver.arrivals.map(({ event }) => event.id)).toEqual([heard.event_id]);
    network.redeliver(String(lost.event_id));
    await receiver.arrived(2);
    expect(receiver.arrivals[1]?.event.id).toBe(lost.event_id);
  },
  allow_http_webhooks: async ({ network, receiver }) => {
    network.patchSettings({ allow_http_webhooks: false });
    const json = { url: receiver.url, events: ["client.updated"] };
    const refused = await api(network, "/webhooks", { json });
    expect([refused.status, asObject(refused.body.error).field]).toEqual([400, "url"]);
    const secure = { ...json, url: receiver.url.replace("http:", "https:") };
    expect((await api(network, "/webhooks", { json: secure })).status).toBe(201);
  },
  refuse_webhook_registration: async ({ network, receiver }) => {
    network.patchSettings({ refuse_webhook_registration: true });
    const json = { url: receiver.url, events: ["client.updated"] };
    expect((await api(network, "/webhooks", { json })).status).toBe(422);
    expect(network.parts.webhooks.all()).toEqual([]);
  },
  error_rate: async (stage) => {
    stage.network.patchSettings({ error_rate: 0.5 });
    const first = await statuses(stage, 20);
    expect(new Set(first)).toEqual(new Set([200, 503]));
    stage.network.patchSettings({ error_rate: 1 });
    expect(await statuses(stage, 3)).toEqual([503, 503, 503]);
  },
  error_status: async (stage) => {
    stage.network.patchSettings({ error_rate: 1, error_status: 502 });
    expect(await statuses(stage, 1)).toEqual([502]);
  },
  error_body: async ({ network }) => {
    const shapes: (string | null)[] = [];
    for (const error_body of ["json", "text", "html", "empty"] as const) {
      network.patchSettings({ error_rate: 1, error_body });
      const { headers, text } = await api(network, "/clients");
      expect(text === "").toBe(error_body === "empty");
      shapes.push(headers.get("content-type"));
    }
    expect(shapes).toEqual(["application/json", "text/plain", "text/html", null]);
  },
  latency_ms: async ({ network }) => {
    network.patchSettings({ latency_ms: [12, 15] });
    const started = performance.now();
    expect((await api(network, "/clients")).status).toBe(200);
    // Node may fire each of the two timers a millisecond early.
    expect(performance.now() - started).toBeGreaterThanOrEqual(10);
  },
  timeout_rate: async ({ network }) => {
    network.patchSettings({ timeout_rate: 1 });
    await expect(api(network, "/clients", { signal: AbortSignal.timeout(15) })).rejects.toThrow();
    await until(() => network.log.read().requests[0]?.status === 0);
  },
  timeout_bound_ms: async ({ network }) => {
    network.patchSettings({ timeout_rate: 1, timeout_bound_ms: 5 });
    await expect(api(network, "/clients")).rejects.toThrow();
    expect(network.log.read().requests.at(-1)?.status).toBe(0);
  },
  rate_limited_until: async ({ network, clock }) => {
    network.patchSettings({ rate_limited_until: new Date(clock() + 2500).toISOString() });
    const limited = await api(network, "/clients");
    expect([limited.status, limited.headers.get("retry-after")]).toEqual([429, "3"]);
    clock.advance(2500);
    expect((await api(network, "/clients")).status).toBe(200);
  },
  rate_limit_per_minute: async (stage) => {
    const { network, clock } = stage;
    network.patchSettings({ rate_limit_per_minute: 3 });
    expect(await statuses(stage, 4)).toEqual([200, 200, 200, 429]);
    expect((await api(network, "/clients", { key: network.createKey() })).status).toBe(200);
    clock.advance(45_000);
    expect((await api(network, "/clients")).headers.get("retry-after")).toBe("15");
    clock.advance(15_000);
    expect(await statuses(stage, 1)).toEqual([200]);
  },
  rate_limit_headers: async ({ network }) => {
    const left = async (name: string) => (await api(network, "/clients")).headers.get(name);
    network.patchSettings({ rate_limit_per_minute: 9 });
    expect(await left("ratelimit-remaining")).toBeNull();
    network.patchSettings({ rate_limit_headers: "ratelimit" });
    expect(await left("ratelimit-remaining")).toBe("7");
    network.patchSettings({ rate_limit_headers: "x-ratelimit" });
    expect(await left("x-ratelimit-remaining")).toBe("6");
    expect(await left("x-ratelimit-reset")).toBe("60");
  },
  retry_after_style: async ({ network, clock }) => {
    network.patchSettings({ rate_limited_until: new Date(clock() + 60_000).toISOString() });
    const told = async (retry_after_style: Settings["retry_after_style"]) => {
      network.patchSettings({ retry_after_style });
      return (await api(network, "/clients")).headers.get("retry-after");
    };
    expect(await told("seconds")).toBe("60");
    expect(await told("date")).toBe(new Date(clock() + 60_000).toUTCString());
    expect(await told("none")).toBeNull();
  },
  fail_next: scripted,
  redirect_to: async ({ network }) => {
    network.patchSettings({ redirect_to: "https://evil.example/" });
    const { status, headers } = await api(network, "/clients");
    expect([status, headers.get("location")]).toEqual([302, "https://evil.example/"]);
  },
} satisfies Partial<Record<keyof Settings, Proof>>;

async function sentWith(stage: Stage, deliver: Partial<DeliverSettings>, count: number) {
  const { network, receiver } = stage;
  network.patchSettings({ deliver });
  const { id } = await register(network, receiver.url, ["client.updated"]);
  const sent = Array.from({ length: count }, () => update(stage).event_id);
  return { id, sent };
}

const heard = ({ receiver }: Stage) => receiver.arrivals.map(({ event }) => event.id);

export const deliverProofs: Record<keyof DeliverSettings, Proof> = {
  drop_rate: async (stage) => {
    const { id, sent } = await sentWith(stage, { drop_rate: 0.5 }, 40);
    await stage.network.idle();
    const arrived = heard(stage);
    expect(arrived.length).toBeGreaterThan(5);
    expect(arrived.length).toBeLessThan(35);
    expect(sent).toEqual(expect.arrayContaining(arrived));
    const { body } = await api(stage.network, `/webhooks/${id}/deliveries`);
    expect(body.data).toHaveLength(arrived.length);
  },
  duplicate_rate: async (stage) => {
    const { sent } = await sentWith(stage, { duplicate_rate: 1 }, 2);
    await stage.receiver.arrived(4);
    expect(heard(stage).sort()).toEqual([...sent, ...sent].sort());
  },
  reorder: async (stage) => {
    stage.network.patchSettings({ delivery_concurrency: 1 });
    const { sent } = await sentWith(stage, { reorder: true, reorder_window_ms: 5 }, 12);
    await stage.receiver.arrived(12);
    expect(heard(stage)).not.toEqual(sent);
    expect(heard(stage).sort()).toEqual([...sent].sort());
  },
  reorder_window_ms: async (stage) => {
    await sentWith(stage, { reorder: true, reorder_window_ms: 600_000 }, 3);
    await stage.network.idle();
    expect(heard(stage)).toEqual([]);
  },
  delay_ms: async (stage) => {
    const { sent } = await sentWith(stage, { delay_ms: [20_000, 30_000] }, 1);
    await stage.network.idle();
    stage.clock.advance(19_999);
    expect(stage.network.sendDue()).toBe(0);
    stage.clock.advance(10_001);
    expect(stage.network.sendDue()).toBe(1);
    await stage.receiver.arrived(1);
    expect(heard(stage)).toEqual(sent);
  },
};
