// The worker killed in the middle of a flood. What it answered with 2xx and what it never answered both have to
// end up in the mirror.
//
// Cloudflare's queue survives a worker; the local one lives in the memory of the process that is killed here, so
// what it had accepted dies with it. The sweep of the next tick is what brings that back, and so this proves more
// than production needs: nothing but a 2xx and the clock.

import { afterAll, beforeAll, expect, it } from "vitest";
import type { Network } from "../fake-rcms/network.ts";
import { pick, type Random, seededRandom } from "../fake-rcms/random.ts";
import { eventually } from "./eventually.ts";
import { type Mirrored, mirror, untilDelivered, untilEqual } from "./mirrored.ts";
import { startWhole, type WholeSystem } from "./system.ts";

let system: WholeSystem;
beforeAll(async () => {
  system = await startWhole();
});
afterAll(() => system?.stop());

it("IN6 a worker killed in a burst of 1,000 events, and started again, ends equal to the upstream", async () => {
  const mirrored = await mirror(system, "burst", {
    seed: { organizations: 5, staff: 25, clients: 120 },
    // RCMS's ladder of hours, in seconds: its last rung is 78 s away.
    settings: { retry_speed: 1_000 },
  });
  const { network, operator, id } = mirrored;
  neverDisabled(network);
  const random = seededRandom(7);

  for (let i = 0; i < 600; i++) somethingHappens(network, random);
  await eventually(() => expect(delivered(network)).toBeGreaterThan(200));
  await system.kill();
  expect(delivered(network)).toBeLessThan(600);
  for (let i = 0; i < 400; i++) somethingHappens(network, random);
  const startedAt = Date.now();
  await system.start();

  await untilDelivered(network);
  expect(delivered(network)).toBe(1_000);
  // What got its 2xx only now is mirrored by itself; what got it before the kill may need the clock.
  const later = recordsSpokenOf(mirrored, startedAt);
  expect(later.size).toBeGreaterThan(100);
  await eventually(async () => {
    const differences = await mirrored.differences();
    expect(differences.filter((one) => later.has(`${one.kind} ${one.id}`))).toEqual([]);
  });
  await system.tick();
  await untilEqual(mirrored);
  expect((await operator.overview(id)).dead_letters).toBe(0);
});

/** Fifty failures in a row end a webhook, and an outage in a flood has more. What then is another test's matter. */
function neverDisabled({ parts }: Network): void {
  for (const webhook of parts.webhooks.all())
    Object.defineProperty(webhook, "failuresInARow", { get: () => 0, set: () => {} });
}

function delivered({ parts }: Network): number {
  return parts.courier.deliveries().filter(({ status }) => status === "delivered").length;
}

/** `kind id` of every record that an event delivered since then is about. */
function recordsSpokenOf({ network, announced }: Mirrored, sinceMs: number): Set<string> {
  const deliveries = network.parts.courier.deliveries();
  const late = deliveries.filter(({ lastAttemptAtMs }) => (lastAttemptAtMs ?? 0) > sinceMs);
  const events = new Set(late.map(({ event }) => event.id));
  const about = announced().filter(({ eventId }) => events.has(eventId));
  return new Set(about.map(({ kind, id }) => `${kind} ${id}`));
}

/** Reminders are left out: their event is the record, so nothing but a queue that survives can keep them. */
function somethingHappens({ world, parts: { records } }: Network, random: Random): void {
  const idIn = (kind: "organizations" | "staff" | "clients") =>
    String(pick(random, records.allNewest(kind)).id);
  const client = idIn("clients");
  const change = pick(random, [
    () => world.updateClient(client),
    () => world.updateClient(client),
    () => world.updateClient(client),
    () => world.dischargeClient(client),
    () => world.readmitClient(client),
    () => world.scheduleAssessment(client),
    () => world.submitAssessment(client),
    () => world.scoreAssessment(client),
    () => world.updateStaff(idIn("staff")),
    () => world.updateStaff(idIn("staff")),
    () => world.updateOrganization(idIn("organizations")),
  ]);
  change();
}
