// One proof per switch that varies what records, lists and events look like. Run by switches.test.ts.

import { expect } from "vitest";
import { api, asObject, nextUrl, type Proof, register, rows, type Stage } from "./fixture.ts";
import type { Settings } from "./settings.ts";

const clientOf = ({ network }: Stage) => String(network.truth().clients[0]?.id);
const single = async ({ network }: Stage, path: string) => (await api(network, path)).body;

function singleProof(setting: keyof Settings, path: (stage: Stage) => string): Proof {
  return async (stage) => {
    const codes: number[] = [];
    for (const mode of ["ok", "404", "405"] as const) {
      stage.network.patchSettings({ [setting]: mode });
      codes.push((await api(stage.network, path(stage))).status);
    }
    expect(codes).toEqual([200, 404, 405]);
    expect((await api(stage.network, "/clients")).status).toBe(200);
  };
}

async function idShapes({ network }: Stage): Promise<void> {
  const minted = (id_style: Settings["id_style"]) => {
    network.patchSettings({ id_style });
    const { id, record } = network.world.createStaff();
    expect(String(record?.id)).toBe(id);
    return record?.id;
  };
  expect(minted("number")).toBe(260);
  expect(minted("number")).toBe(261);
  expect(minted("ulid")).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
  expect(minted("uuid")).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(minted("prefixed")).toMatch(/^staff_[0-9A-HJKMNP-TV-Z]{26}$/);
  expect((await api(network, "/staff/260")).body).toMatchObject({ data: { id: 260 } });
}

async function eventIdPlaces(stage: Stage): Promise<void> {
  const { network, receiver } = stage;
  await register(network, receiver.url, ["client.updated", "organization.updated", "assessment.locked"]);
  const organization = String(network.truth().organizations[0]?.id);
  const client = clientOf(stage);
  const sent = async (act: () => void) => {
    act();
    await network.idle();
    return receiver.arrivals.at(-1)?.event;
  };
  const touchClient = () => void network.world.updateClient(client);
  const touchOrganization = () => void network.world.updateOrganization(organization);

  network.patchSettings({ event_id_place: "id" });
  expect((await sent(touchClient))?.data).toMatchObject({ id: client });
  expect(asObject((await sent(touchClient))?.data)).not.toHaveProperty("client_id");
  expect((await sent(touchOrganization))?.data).toMatchObject({ id: organization });
  const locked = asObject((await sent(() => void network.world.lockAssessment(client)))?.data);
  expect(locked).toMatchObject({ client_id: client });
  expect(locked).toHaveProperty("id");
  expect(locked).not.toHaveProperty("assessment_id");

  network.patchSettings({ event_id_place: "envelope" });
  expect(await sent(touchOrganization)).toMatchObject({
    organization_id: organization,
    data: { status: "active" },
  });
  expect(asObject(receiver.arrivals.at(-1)?.event.data)).not.toHaveProperty("organization_id");
  expect((await sent(touchClient))?.data).toMatchObject({ client_id: client });
}

export const shapeProofs = {
  seed: async ({ network, clock }) => {
    const next = (seed: number) => {
      network.patchSettings({ seed });
      const { first_name, last_name, email, date_of_birth } = asObject(network.world.enrolClient().record);
      return { first_name, last_name, email, date_of_birth };
    };
    clock.advance(1);
    const seven = next(7);
    expect(next(8)).not.toEqual(seven);
    expect(next(7)).toEqual(seven);
  },
  clock_skew_ms: async (stage) => {
    const { network, clock } = stage;
    network.patchSettings({ clock_skew_ms: -600_000 });
    const { headers } = await api(network, "/clients");
    expect(headers.get("date")).toBe(new Date(clock() - 600_000).toUTCString());
    const { record } = network.world.updateClient(clientOf(stage));
    expect(Date.parse(String(record?.updated_at))).toBe(clock() - 600_000);
  },
  visibility_lag_ms: async (stage) => {
    const { network, clock } = stage;
    network.patchSettings({ visibility_lag_ms: 3000 });
    const id = clientOf(stage);
    const before = await single(stage, `/clients/${id}`);
    const { record } = network.world.dischargeClient(id);
    const born = network.world.enrolClient();
    clock.advance(2999);
    expect(await single(stage, `/clients/${id}`)).toEqual(before);
    expect((await api(network, `/clients/${born.id}`)).status).toBe(404);
    expect(rows(await single(stage, "/clients?status=discharged"))).toEqual([]);
    clock.advance(1);
    expect(await single(stage, `/clients/${id}`)).toEqual({ data: record });
    expect(await single(stage, `/clients/${born.id}`)).toEqual({ data: born.record });
    expect(rows(await single(stage, "/clients?status=discharged"))).toEqual([record]);
  },
  timestamp_grain: async (stage) => {
    const { network, clock } = stage;
    clock.advance(1234);
    network.patchSettings({ timestamp_grain: "s" });
    const { id, record } = network.world.updateClient(clientOf(stage));
    const whole = `${new Date(clock()).toISOString().slice(0, 19)}Z`;
    expect(record?.updated_at).toBe(whole);
    expect(rows(await single(stage, `/clients?updated_after=${whole}`)).map((each) => each.id)).toEqual([id]);
    const precise = new Date(clock()).toISOString();
    expect(rows(await single(stage, `/clients?updated_after=${precise}`))).toEqual([]);
    network.patchSettings({ timestamp_grain: "ms" });
    expect(rows(await single(stage, `/clients?updated_after=${precise}`)).map((each) => each.id)).toEqual([
      id,
    ]);
  },
  id_style: idShapes,
  paging: async ({ network }) => {
    for (const paging of ["time", "id", "offset"] as const) {
      network.patchSettings({ paging });
      const link = new URL(nextUrl((await api(network, "/clients?limit=2")).body) ?? "");
      const cursor = Buffer.from(link.searchParams.get("cursor") ?? "", "base64url").toString();
      expect(JSON.parse(cursor)).toMatchObject({ style: paging });
    }
  },
  page_size: async ({ network }) => {
    network.patchSettings({ page_size: 3 });
    expect(rows((await api(network, "/clients")).body)).toHaveLength(3);
    expect(rows((await api(network, "/clients?limit=2")).body)).toHaveLength(2);
  },
  cursor_param: async ({ network }) => {
    network.patchSettings({ cursor_param: "page_token", page_size: 2 });
    const { body } = await api(network, "/clients");
    const link = nextUrl(body) ?? "";
    expect(new URL(link).searchParams.has("page_token")).toBe(true);
    expect(rows((await api(network, link)).body)).not.toEqual(rows(body));
  },
  single_envelope: async (stage) => {
    stage.network.patchSettings({ single_envelope: "bare" });
    expect(await single(stage, `/clients/${clientOf(stage)}`)).toEqual(stage.network.truth().clients[0]);
    expect(await single(stage, "/clients")).toHaveProperty("data");
  },
  organizations_single: singleProof(
    "organizations_single",
    ({ network }) => `/organizations/${network.truth().organizations[0]?.id}`,
  ),
  staff_single: singleProof("staff_single", ({ network }) => `/staff/${network.truth().staff[0]?.id}`),
  clients_single: singleProof("clients_single", (stage) => `/clients/${clientOf(stage)}`),
  assessment_status_single: singleProof(
    "assessment_status_single",
    (stage) => `/clients/${clientOf(stage)}/assessment-status`,
  ),
  omit_status_updated_at: async (stage) => {
    const path = `/clients/${clientOf(stage)}/assessment-status`;
    expect(asObject((await single(stage, path)).data)).toHaveProperty("updated_at");
    stage.network.patchSettings({ omit_status_updated_at: true });
    expect(asObject((await single(stage, path)).data)).not.toHaveProperty("updated_at");
    expect(asObject((await single(stage, `/clients/${clientOf(stage)}`)).data)).toHaveProperty("updated_at");
  },
  assessment_touches_client: async (stage) => {
    const { network, clock } = stage;
    const updatedAt = () => Date.parse(String(network.truth().clients[0]?.updated_at));
    const before = updatedAt();
    network.world.scoreAssessment(clientOf(stage));
    expect(updatedAt()).toBe(before);
    network.patchSettings({ assessment_touches_client: true });
    network.world.scoreAssessment(clientOf(stage));
    expect(updatedAt()).toBe(clock());
  },
  extra_fields: async (stage) => {
    const path = `/clients/${clientOf(stage)}`;
    const plain = asObject((await single(stage, path)).data);
    stage.network.patchSettings({ extra_fields: true });
    const extra = asObject((await single(stage, path)).data);
    expect(extra).toMatchObject(plain);
    expect(extra.custom_fields).toMatchObject({ intake: { source: "referral" } });
    expect(stage.network.truth().clients[0]).toEqual(extra);
  },
  event_id_place: eventIdPlaces,
  alias_ids: async (stage) => {
    const { network, receiver } = stage;
    network.patchSettings({ alias_ids: true });
    await register(network, receiver.url, ["client.updated"]);
    const { id, record } = network.world.updateClient(clientOf(stage));
    const [arrival] = await receiver.arrived(1);
    const alias = String(asObject(arrival?.event.data).client_id);
    expect(alias).not.toBe(id);
    expect(await single(stage, `/clients/${alias}`)).toEqual({ data: record });
  },
  hostile_next_url: async ({ network }) => {
    network.patchSettings({ hostile_next_url: "https://evil.example/v1/clients?cursor=x" });
    expect(nextUrl((await api(network, "/staff")).body)).toBe("https://evil.example/v1/clients?cursor=x");
    network.patchSettings({ hostile_next_url: null });
    expect(nextUrl((await api(network, "/staff")).body)).toBeNull();
  },
} satisfies Partial<Record<keyof Settings, Proof>>;
