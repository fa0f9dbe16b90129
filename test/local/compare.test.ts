// The proof of `npm start -- --once` is worth something only if it can fail.

import { afterAll, beforeAll, expect, it } from "vitest";
import type { Network } from "../fake-rcms/network.ts";
import type { Fields } from "../fake-rcms/records.ts";
import { type FakeRcms, startFakeRcms } from "../fake-rcms/server.ts";
import { type Announced, announcements } from "./announced.ts";
import { createLife, OPENING } from "./changes.ts";
import { compare } from "./compare.ts";
import type { MirrorReader } from "./mirror-reader.ts";

let fake: FakeRcms;
let network: Network;
let changes: Announced[];

beforeAll(async () => {
  fake = await startFakeRcms();
  network = fake.createNetwork({ seed: { organizations: 1, staff: 2, clients: 3 } });
  network.parts.webhooks.register({ url: "http://127.0.0.1:9/", events: [...OPENING] }, { scope: "network" });
  const announced = announcements(network);
  const life = createLife(network, 1);
  for (const type of OPENING) life.next(type);
  changes = announced();
});

afterAll(() => fake.close());

it("LO1 the script's opening makes all sixteen event types happen, each announced once", () => {
  expect(new Set(changes.map(({ type }) => type)).size).toBe(16);
  expect(changes).toHaveLength(16);
});

it("LO1 a mirror that holds exactly what the changes touched equals the upstream", async () => {
  const { compared, differences } = await compare(mirror(), network, changes);
  expect(differences).toEqual([]);
  expect(Object.fromEntries(compared)).toEqual({
    organizations: 1,
    staff: 1,
    clients: 1,
    "assessment-status": 1,
    reminders: 2,
  });
});

it("LO1 a record that is absent, differs, is unknown upstream or held twice is named", async () => {
  const client = touched("clients");
  const differing = async (rows: Fields[]) =>
    (await compare(mirror({ clients: rows }), network, changes)).differences;
  expect(await differing([])).toEqual([{ kind: "clients", id: client.id, what: "is not in the mirror" }]);
  expect(await differing([{ ...client, phone: "1", extra: true }])).toEqual([
    { kind: "clients", id: client.id, what: "differs in phone, extra" },
  ]);
  expect(await differing([client, { ...client, id: "client_x" }])).toEqual([
    { kind: "clients", id: "client_x", what: "is in the mirror but not upstream" },
  ]);
  expect(await differing([client, client])).toEqual([
    { kind: "clients", id: "list", what: "holds a record twice" },
  ]);
});

it("LO1 a reminder that stayed open after the assessment was taken is a difference", async () => {
  const reminders = heldReminders().map((reminder) => ({ ...reminder, status: "open" }));
  const { differences } = await compare(mirror({ reminders }), network, changes);
  expect(differences.map(({ what }) => what)).toEqual(["differs in status", "differs in status"]);
});

function touched(kind: "organizations" | "staff" | "clients"): Fields {
  const id = changes.find((change) => change.kind === kind)?.id;
  return network.truth()[kind].find((record) => record.id === id) ?? {};
}

function heldReminders(): Fields[] {
  return changes
    .filter(({ kind }) => kind === "reminders")
    .map(({ id, type, record, organizationId, createdAt }) => {
      const made = { organization_id: organizationId, created_at: createdAt, acknowledged_at: null };
      return { ...record, id, type, status: "closed", ...made };
    });
}

function mirror(held: Readonly<Record<string, Fields[]>> = {}): MirrorReader {
  return {
    list: async (kind) => held[kind] ?? [touched(kind)],
    reminders: async () => held.reminders ?? heldReminders(),
    assessmentStatus: async (id) =>
      network.truth()["assessment-status"].find(({ client_id }) => client_id === id),
  };
}
