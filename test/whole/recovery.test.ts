// What webhooks miss: sweeps bring it, count it, and stop at what must not be believed. One after the other on one
// system, because a tick of the clock reaches every connection.

import { afterAll, beforeAll, expect, it } from "vitest";
import type { Network } from "../fake-rcms/network.ts";
import { eventually } from "./eventually.ts";
import { hostileUrls, type Listener, startListener } from "./listener.ts";
import { asked, LISTED, type Mirrored, mirror, untilDelivered, untilEqual } from "./mirrored.ts";
import type { KindFigures, Overview } from "./operator.ts";
import { startWhole, type WholeSystem } from "./system.ts";

const SEED = { organizations: 2, staff: 6, clients: 20 };

let system: WholeSystem;
let foreign: Listener;
beforeAll(async () => {
  [system, foreign] = await Promise.all([startWhole({ SWEEP_PAGES_PER_RUN: "6" }), startListener()]);
});
afterAll(() => Promise.all([system?.stop(), foreign?.close()]));

it("SW1 connecting asks each list once and pulls nothing", async () => {
  const { network, reader } = await mirror(system, "baseline", { seed: SEED });
  expect(asked(network).map(kindOf).sort()).toEqual([...LISTED].sort());
  for (const kind of LISTED) expect(await reader.list(kind)).toEqual([]);
});

it("SW10 what happened while no webhook came is brought by a sweep and counted as drift", async () => {
  const mirrored = await mirror(system, "missed", { seed: SEED });
  const { network, operator, id } = mirrored;
  const { world, parts } = network;
  const client = world.enrolClient().id;
  world.scheduleAssessment(client);
  await untilEqual(mirrored);

  network.patchSettings({ webhooks_off: true });
  world.updateClient(client, { phone: "unannounced" });
  world.scoreAssessment(client);
  const added = [world.enrolClient().id, world.enrolClient().id];
  for (const { id: staff } of parts.records.allNewest("staff")) world.updateStaff(String(staff));
  const organization = world.createOrganization().id;
  const swept = await operator.sweep(id);

  expect(swept.map(({ kind, finished, drifted }) => [kind, finished, drifted])).toEqual([
    ["organizations", true, 1],
    ["staff", true, 6],
    ["clients", true, 3],
    // The statuses of the two new clients were never held: nothing differed.
    ["assessment-status", true, 1],
  ]);
  const { kinds } = await operator.overview(id);
  expect(["organizations", "staff", "clients"].map((kind) => driftOf(kinds[kind]))).toEqual([1, 6, 3]);
  expect(await mirrored.differences()).toEqual([]);
  expect(idsOf(await mirrored.reader.list("clients"))).toEqual([client, ...added].sort());
  expect(idsOf(await mirrored.reader.list("organizations"))).toContain(organization);
});

it("SW2 a sweep when nothing changed costs one call per list, each with updated_after", async () => {
  const mirrored = await mirror(system, "quiet", { seed: SEED });
  const { network, operator, id } = mirrored;
  network.world.updateClient(String(network.parts.records.allNewest("clients")[0]?.id));
  await untilEqual(mirrored);
  await operator.sweep(id, ...LISTED);
  network.log.clear();

  const swept = await operator.sweep(id, ...LISTED);
  expect(swept.map(({ finished, pages, drifted }) => [finished, pages, drifted])).toEqual(
    LISTED.map(() => [true, 1, 0]),
  );
  expect(asked(network).map(kindOf)).toEqual([...LISTED]);
  for (const path of asked(network)) expect(path).toMatch(/\?updated_after=\d{4}-/);
});

it("SW7 no next_url, however it is spelled, leads the worker or its key to another place", async () => {
  const mirrored = await mirror(system, "lured", { seed: SEED });
  const { network, operator, id } = mirrored;
  const before = (await operator.overview(id)).kinds.clients?.watermark;
  network.world.changeSilently("clients", String(network.parts.records.allNewest("clients")[0]?.id));

  const urls = hostileUrls(network.baseUrl, foreign.port);
  expect(urls.length).toBeGreaterThanOrEqual(12);
  for (const url of urls) {
    network.patchSettings({ hostile_next_url: url });
    network.log.clear();
    const [swept] = await operator.sweep(id, "clients");
    expect(swept, url).toMatchObject({ finished: false, reason: expect.stringContaining("next_url") });
    const { status, status_reason, kinds } = await operator.overview(id);
    expect([status, kinds.clients?.watermark], url).toEqual(["degraded", before]);
    expect(status_reason, url).toContain("sweep of clients");
    // The page itself, and nothing after it.
    expect(asked(network).map(kindOf), url).toEqual(["clients"]);
  }
  network.patchSettings({
    hostile_next_url: null,
    redirect_to: `http://127.0.0.1:${foreign.port}/v1/clients`,
  });
  expect(await operator.sweep(id, "clients")).toMatchObject([{ finished: false }]);
  expect(foreign.callers()).toBe(0);

  network.patchSettings({ redirect_to: null });
  expect(await operator.sweep(id, "clients")).toMatchObject([{ finished: true, reason: null }]);
  expect((await operator.overview(id)).status).toBe("active");
  expect(await mirrored.differences()).toEqual([]);
});

it("SW8 a list that leads back to itself stops the sweep and does not move the watermark", async () => {
  const { network, operator, id } = await mirror(system, "circle", { seed: SEED });
  const before = (await operator.overview(id)).kinds.staff?.watermark;
  const again = `${network.baseUrl}/staff?updated_after=${new Date().toISOString()}`;
  network.patchSettings({ hostile_next_url: again });
  network.log.clear();
  const [swept] = await operator.sweep(id, "staff");
  expect(swept).toMatchObject({ finished: false, reason: expect.stringContaining("already seen") });
  expect(asked(network)).toHaveLength(2);
  expect((await operator.overview(id)).kinds.staff?.watermark).toBe(before);
});

it("SW3 a worker killed in the middle of a sweep goes on at its last page: at most one is fetched twice", async () => {
  const mirrored = await mirror(system, "interrupted", {
    seed: { organizations: 2, clients: 70 },
    settings: { page_size: 5 },
  });
  const { network, operator, id } = mirrored;
  const clients = idsOf(network.parts.records.allNewest("clients"));
  // A change from just before a sweep could not be told from one that moved meanwhile, and the pass would be repeated.
  const updated_at = new Date(Date.now() - 60_000).toISOString();
  for (const client of clients)
    network.world.changeSilently("clients", client, { phone: "swept", updated_at });
  network.patchSettings({ latency_ms: [150, 150] });
  network.log.clear();

  const dying = operator.sweep(id, "clients").catch(() => undefined);
  await eventually(() => expect(asked(network).length).toBeGreaterThanOrEqual(4));
  await system.kill();
  await dying;
  network.patchSettings({ latency_ms: [0, 0] });
  await system.start();
  // Six pages to a run: what is left goes on through the queue by itself.
  await operator.sweep(id, "clients");
  await eventually(async () => expect(await mirrored.reader.list("clients")).toHaveLength(clients.length));
  await eventually(async () =>
    expect(lastSeen((await operator.overview(id)).kinds.clients)).toBe(clients.length),
  );
  expect(await mirrored.differences()).toEqual([]);

  const pages = asked(network);
  const repeated = pages.filter((page, i) => pages.indexOf(page) !== i);
  expect(new Set(pages).size).toBe(clients.length / 5);
  expect(repeated.length).toBeLessThanOrEqual(1);
});

it("SUB2 a disabled webhook is registered anew at the next tick, and the next change arrives", async () => {
  const mirrored = await mirror(system, "disabled", { seed: SEED });
  const { network, operator, id } = mirrored;
  const [dead] = network.parts.webhooks.all();
  network.disableWebhook(String(dead?.id));
  network.world.updateStaff(String(network.parts.records.allNewest("staff")[0]?.id));
  await system.tick();

  const alive = await eventually(async () => {
    const { webhook_id, status } = await operator.overview(id);
    expect(webhook_id).not.toBe(dead?.id);
    expect(status).toBe("active");
    return webhook_id;
  });
  await eventually(() => expect(network.parts.webhooks.all().map((webhook) => webhook.id)).toEqual([alive]));
  network.world.enrolClient();
  await untilDelivered(network);
  await untilEqual(mirrored);
});

it("SUB2 a revoked key pauses with a reason; given back, the next tick resumes and nothing is missing", async () => {
  const mirrored = await mirror(system, "revoked", { seed: SEED });
  const { network, operator, id } = mirrored;
  network.revokeKey(network.apiKey);
  const { world } = network;
  const client = world.enrolClient().id;
  const paused = await until(mirrored, ({ status }) => status === "paused");
  expect(paused.status_reason).toContain("API key");
  world.assessmentDueSoon(client);
  world.scoreAssessment(client);
  world.createStaff();
  await untilDelivered(network);
  await until(mirrored, ({ dead_letters }) => dead_letters > 0);

  network.restoreKey(network.apiKey);
  await system.tick();
  await until(mirrored, ({ status, dead_letters }) => status === "active" && dead_letters === 0);
  await untilEqual(mirrored);
  expect((await operator.overview(id)).status_reason).toBeNull();
});

function until({ operator, id }: Mirrored, holds: (overview: Overview) => boolean): Promise<Overview> {
  return eventually(async () => {
    const overview = await operator.overview(id);
    expect(holds(overview), JSON.stringify(overview)).toBe(true);
    return overview;
  });
}

function kindOf(path: string): string {
  return path.replace(/^\/v1\//, "").replace(/\?.*$/, "");
}

function idsOf(records: ReturnType<Network["truth"]>["clients"]): string[] {
  return records.map(({ id }) => String(id)).sort();
}

function driftOf(kind: KindFigures | undefined): number {
  return Object.values(kind?.drift ?? {}).reduce((sum, count) => sum + count, 0);
}

function lastSeen(kind: KindFigures | undefined): number | undefined {
  return kind?.last_sweep?.seen;
}
