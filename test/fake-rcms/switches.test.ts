// Every switch does what its name says. The table of proofs is typed by the settings, so a switch without a proof
// does not compile.

import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { handClock, type Proof, type Receiver, startReceiver } from "./fixture.ts";
import type { Network } from "./network.ts";
import { type FakeRcms, startFakeRcms } from "./server.ts";
import type { Settings } from "./settings.ts";
import { deliverProofs, faultProofs } from "./switches-faults.ts";
import { shapeProofs } from "./switches-shape.ts";

const proofs: Record<Exclude<keyof Settings, "deliver">, Proof> = { ...shapeProofs, ...faultProofs };

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
  network = fake.createNetwork({ seed: { organizations: 1, staff: 1 } });
  for (let i = 0; i < 5; i += 1) network.world.enrolClient();
  clock.advance(1000);
});
afterEach(() => receiver.close());

it.each(Object.entries(proofs))("FK3 the switch %s does what it says", (_name, proof) =>
  proof({ network, receiver, clock }),
);

it.each(Object.entries(deliverProofs))("FK3 the switch deliver.%s does what it says", (_name, proof) =>
  proof({ network, receiver, clock }),
);

it("FK3 every switch the settings show has a proof", () => {
  expect(Object.keys(network.settings()).sort()).toEqual([...Object.keys(proofs), "deliver"].sort());
  expect(Object.keys(network.settings().deliver).sort()).toEqual(Object.keys(deliverProofs).sort());
});

it("FK3 one network's switches, records and requests are nobody else's", async () => {
  const other = fake.createNetwork();
  network.patchSettings({ error_rate: 1, page_size: 1 });
  expect(other.settings()).toMatchObject({ error_rate: 0, page_size: 100 });
  expect(other.truth().clients).toEqual([]);
  expect(other.log.read().requests).toEqual([]);
});
