// Signing secrets that are exchanged while deliveries keep coming, at isolates that each remember what they read.

import { expect, it, vi } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { between, pick, seededRandom } from "../fake-rcms/random.ts";
import { isolateTests, passSeconds } from "../support/each-test.ts";
import { event } from "../support/events.ts";
import { createMirror, newConnectionId, secretOf } from "../support/mirror.ts";

isolateTests();
vi.setConfig({ testTimeout: 120_000 });

async function fourIsolates() {
  const isolates = Array.from({ length: 4 }, () => createMirror());
  const [first] = isolates;
  if (first === undefined) throw new Error("there are four");
  const id = newConnectionId();
  await first.connect(id);
  const change = () => event("client.updated", { client_id: "client_1" });
  return {
    isolates,
    rotate: async (secret: string, at = first) => {
      const json = { signing_secret: secret };
      expect((await at.admin(`/admin/connections/${id}/secrets`, { json })).status).toBe(201);
    },
    deliver: async (at: (typeof isolates)[number], secret: string) =>
      (await at.deliver(id, change(), secret)).status,
    secret: secretOf(id),
  };
}

it("IN4 twenty rotations in a stream of deliveries, by either secret at any isolate, and not one is rejected", async () => {
  const { isolates, rotate, deliver, secret } = await fourIsolates();
  const random = seededRandom(5);
  let [before, now] = [secret, secret];
  let accepted = 0;
  for (let rotation = 0; rotation < 20; rotation++) {
    const next = `whsec_rotated_${rotation}`;
    await rotate(next, pick(random, isolates));
    [before, now] = [now, next];
    for (let i = 0; i < 24; i++) {
      // RCMS signs anew at each attempt, some of its own nodes with the old secret still. Every isolate meets both.
      const isolate = isolates[i % isolates.length] ?? pick(random, isolates);
      const status = await deliver(isolate, i < isolates.length || random() < 0.5 ? now : before);
      expect([rotation, i, status]).toEqual([rotation, i, 202]);
      accepted++;
      // Also just at, before and after the end of what an isolate remembers.
      if (i % 4 === 3) passSeconds(pick(random, [0, 1, 5, 59, 60, 61, between(random, [0, 120])]));
    }
    passSeconds(limits.rereadEveryMs / 1_000);
  }
  expect(accepted).toBe(480);
});

it("IN4 a replaced secret is good for 24 h and a minute at most, the new one from its first moment", async () => {
  const { isolates, rotate, deliver, secret } = await fourIsolates();
  for (const isolate of isolates) expect(await deliver(isolate, secret)).toBe(202);
  await rotate("whsec_the_new_one");
  for (const isolate of isolates) expect(await deliver(isolate, "whsec_the_new_one")).toBe(202);
  const day = limits.secretOverlapMs / 1_000;
  passSeconds(day - 1);
  for (const isolate of isolates) expect(await deliver(isolate, secret)).toBe(202);
  passSeconds(1 + limits.connectionCacheMs / 1_000);
  for (const isolate of isolates) {
    expect(await deliver(isolate, secret)).toBe(401);
    expect(await deliver(isolate, "whsec_the_new_one")).toBe(202);
  }
});

it("IN4 under a flood of wrong signatures the old secret passes always, a new one within seconds", async () => {
  const { isolates, rotate, deliver, secret } = await fourIsolates();
  const [here, there] = isolates;
  if (here === undefined || there === undefined) throw new Error("there are four");
  const flood = async () => {
    for (let i = 0; i < 20; i++) expect(await deliver(there, `whsec_guess_${i}`)).toBe(401);
  };
  expect(await deliver(there, secret)).toBe(202);
  await flood();
  await rotate("whsec_in_the_flood", here);
  await flood();
  expect(await deliver(there, secret)).toBe(202);
  passSeconds(limits.rereadEveryMs / 1_000);
  // The flood spends its own ration on exactly what the next delivery needs.
  await flood();
  expect(await deliver(there, "whsec_in_the_flood")).toBe(202);
  expect(await deliver(there, secret)).toBe(202);
});
