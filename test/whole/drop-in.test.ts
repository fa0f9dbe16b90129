// An app written for RCMS works with the mirror by changing its base URL and its key: the same client, unchanged,
// is given the same answers by both.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRcmsClient, type ListName, type RcmsClient, RcmsError } from "../drop-in/rcms-client.ts";
import type { SettingsPatch } from "../fake-rcms/settings.ts";
import { eventually } from "./eventually.ts";
import { asked, LISTED, type Mirrored, mirror, newKey, untilDone } from "./mirrored.ts";
import { startWhole, type WholeSystem } from "./system.ts";

const SEED = { organizations: 3, staff: 20, clients: 230 };

// Where RCMS's documentation is silent it may be like the first, or quite unlike it.
const UPSTREAMS: readonly (readonly [string, SettingsPatch])[] = [
  ["as it shows itself", {}],
  [
    "with numbers for ids, other paging and fields nobody knows",
    { id_style: "number", paging: "offset", page_size: 50, extra_fields: true, timestamp_grain: "s" },
  ],
];

let system: WholeSystem;
beforeAll(async () => {
  system = await startWhole();
});
afterAll(() => system?.stop());

describe.each(UPSTREAMS)("a network %s", (what, settings) => {
  let mirrored: Mirrored;
  let rcms: RcmsClient;
  let app: RcmsClient;

  beforeAll(async () => {
    const id = what.startsWith("as") ? "plain" : "strange";
    mirrored = await mirror(system, id, { seed: SEED, settings });
    await rebuilt(mirrored);
    const { network, key } = mirrored;
    rcms = createRcmsClient(network.baseUrl, network.apiKey);
    app = createRcmsClient(`${system.url}/v1`, key);
  });

  it.each(LISTED)("RD1 every page of %s brings the same records, whole", async (name) => {
    const expected = await rcms.list(name);
    expect(expected).toHaveLength(SEED[name]);
    mirrored.network.log.clear();
    expect(byId(await app.list(name))).toEqual(byId(expected));
    // From the mirror, not through it.
    expect(asked(mirrored.network)).toEqual([]);
  });

  it.each(LISTED)("RD1 updated_after brings the same part of %s, its own instant included", async (name) => {
    const all = await rcms.list(name);
    const middle = String(all.map(({ updated_at }) => String(updated_at)).sort()[Math.floor(all.length / 2)]);
    const expected = await rcms.list(name, middle);
    expect(expected.length).toBeGreaterThan(0);
    expect(expected.length).toBeLessThan(all.length);
    expect(expected.map(({ updated_at }) => updated_at)).toContain(middle);
    expect(byId(await app.list(name, middle))).toEqual(byId(expected));
    expect(await app.list(name, "2100-01-01T00:00:00Z")).toEqual([]);
  });

  it("RD1 every single record and every client's scores are the same", async () => {
    const { network } = mirrored;
    const singles = async (client: RcmsClient) => {
      const answers: unknown[] = [];
      for (const name of LISTED)
        for (const { id } of network.truth()[name]) answers.push(await client.one(name, String(id)));
      for (const { id } of network.truth().clients) answers.push(await client.assessmentStatus(String(id)));
      return answers;
    };
    const expected = await singles(rcms);
    expect(expected).toHaveLength(SEED.organizations + SEED.staff + 2 * SEED.clients);
    network.log.clear();
    expect(await singles(app)).toEqual(expected);
    expect(asked(network)).toEqual([]);
  });

  it("RD1 a key of one organization sees the same of everything, and the same absence of the rest", async () => {
    const { network, operator, id } = mirrored;
    const [own, other] = network.truth().organizations.map((organization) => String(organization.id));
    const narrow = createRcmsClient(
      network.baseUrl,
      network.createKey({ scope: "organization", id: String(own) }),
    );
    const key = await newKey(operator, id, { organizations: [own] });
    const narrowApp = createRcmsClient(`${system.url}/v1`, key);
    for (const name of LISTED)
      expect(byId(await narrowApp.list(name))).toEqual(byId(await narrow.list(name)));
    const foreign = network.truth().clients.find((client) => String(client.organization_id) === other);
    const reads: ((client: RcmsClient) => Promise<unknown>)[] = [
      (client) => client.one("organizations", String(other)),
      (client) => client.one("clients", String(foreign?.id)),
      (client) => client.assessmentStatus(String(foreign?.id)),
    ];
    for (const read of reads)
      expect([await status(read(narrow)), await status(read(narrowApp))]).toEqual([404, 404]);
  });

  it("RD1 what is not there, not understood or not allowed has the same status", async () => {
    const { network } = mirrored;
    const strangers = [
      createRcmsClient(network.baseUrl, "rcms_test_x"),
      createRcmsClient(`${system.url}/v1`, "rmk_x"),
    ];
    const wrong: readonly (readonly [number, (client: RcmsClient) => Promise<unknown>])[] = [
      ...LISTED.map((name) => [404, (client: RcmsClient) => client.one(name, "nobody_1")] as const),
      [404, (client) => client.assessmentStatus("nobody_1")],
      [404, (client) => client.one("invoices" as ListName, "1")],
      [404, (client) => client.list("invoices" as ListName)],
      [400, (client) => client.list("clients", "yesterday")],
    ];
    for (const [expected, read] of wrong)
      expect([await status(read(rcms)), await status(read(app))]).toEqual([expected, expected]);
    for (const stranger of strangers) expect(await status(stranger.list("clients"))).toBe(401);
  });

  it("RD1 a change upstream is in both, and in the delta that asks from its instant", async () => {
    const { network } = mirrored;
    const [client] = network.truth().clients;
    const changed = network.world.updateClient(String(client?.id), { first_name: "Renamed" });
    const scored = network.world.submitAssessment(String(client?.id));
    await untilDone(mirrored, [changed.event_id, scored.event_id]);
    const since = String((await rcms.one("clients", String(client?.id))).updated_at);
    const delta = await rcms.list("clients", since);
    expect(delta).toMatchObject([{ first_name: "Renamed" }]);
    expect(await app.list("clients", since)).toEqual(delta);
    const id = String(client?.id);
    expect(await app.assessmentStatus(id)).toEqual(await rcms.assessmentStatus(id));
  });
});

async function rebuilt({ operator, id }: Mirrored): Promise<void> {
  const { status: ordered } = await operator.ask("POST", `/connections/${id}/rebuild`);
  expect(ordered).toBe(202);
  await eventually(async () => {
    const { body, text } = await operator.ask("GET", `/connections/${id}/rebuild`);
    const states = (body.data as { status: string }[]).map((rebuild) => rebuild.status);
    expect(states, text).toEqual(["done", "done", "done", "done"]);
  });
}

function byId<T extends { readonly id?: unknown }>(records: readonly T[]): Map<unknown, T> {
  const found = new Map(records.map((record) => [record.id, record]));
  expect(found.size).toBe(records.length);
  return found;
}

/** Of a read that must fail. */
async function status(read: Promise<unknown>): Promise<number> {
  const error = await read.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof RcmsError) return error.status;
  throw new Error(`the read did not fail with a status: ${error}`);
}
