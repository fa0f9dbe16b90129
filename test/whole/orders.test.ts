// What someone asks the mirror to do: an operator a rebuild, an app the hydration of a client at login and the
// keeping of a reminder.

import { afterAll, beforeAll, expect, it } from "vitest";
import { asObject, call, type Reply } from "../fake-rcms/fixture.ts";
import { eventually } from "./eventually.ts";
import { asked, LISTED, type Mirrored, mirror, untilDone } from "./mirrored.ts";
import { startWhole, type WholeSystem } from "./system.ts";

let system: WholeSystem;
beforeAll(async () => {
  system = await startWhole();
});
afterAll(() => system?.stop());

it("RB1 a rebuild, its worker killed half-way and ordered again, ends whole and says so", async () => {
  const mirrored = await mirror(system, "rebuilt", {
    seed: { organizations: 3, staff: 12, clients: 60 },
    settings: { page_size: 4, latency_ms: [30, 60] },
  });
  const { network, reader } = mirrored;
  network.log.clear();
  await order(mirrored, "clients");
  await eventually(() => expect(asked(network).length).toBeGreaterThan(4));
  await system.kill();
  network.patchSettings({ latency_ms: [0, 0] });
  await system.start();
  expect(await completeness(mirrored, "clients")).toBe(false);
  await order(mirrored, "clients");
  await untilDoneWith(mirrored, ["clients"]);

  // It went on where it was: the page it was killed over may have been read again.
  const pages = asked(network);
  expect(pages.length - new Set(pages).size).toBeLessThanOrEqual(1);
  expect(new Set(pages).size).toBe(15);
  const others = ["organizations", "staff", "assessment-status"];
  await order(mirrored, ...others);
  await untilDoneWith(mirrored, ["clients", ...others]);
  const truth = network.truth();
  for (const kind of LISTED) {
    await eventually(async () => expect(await completeness(mirrored, kind)).toBe(true));
    expect(byId(await reader.list(kind))).toEqual(byId(truth[kind]));
  }
  for (const status of truth["assessment-status"])
    expect(await reader.assessmentStatus(String(status.client_id))).toEqual(status);
});

it("BF1 fifty logins at once for one client are one backfill, and one fetch of each record", async () => {
  const mirrored = await mirror(system, "logins", { seed: { organizations: 1, clients: 3 } });
  const { network, key } = mirrored;
  const [client, another] = network.truth().clients;
  network.log.clear();

  const login = (who = client) =>
    call(`${system.url}/v1/logins`, { key, json: { user_id: "user-1", client_id: who?.id } });
  const answers = await Promise.all(Array.from({ length: 50 }, () => login()));
  expect(answers.map(({ status }) => status).sort()).toEqual([...Array(49).fill(200), 202]);
  const ids = new Set(answers.map(({ body }) => (body.data as { id: string }).id));
  expect(ids.size).toBe(1);
  await untilBackfilled(mirrored, answers[0]);
  // Whatever else the fifty may have queued is over when this one, queued after them, is.
  await untilBackfilled(mirrored, await login(another));

  const expected = [client, another].flatMap((one) => [
    `/v1/clients/${one?.id}`,
    `/v1/clients/${one?.id}/assessment-status`,
    `/v1/organizations/${one?.organization_id}`,
  ]);
  expect(asked(network).sort()).toEqual(expected.sort());
  expect(byId(await mirrored.reader.list("clients"))).toEqual(byId([client ?? {}, another ?? {}]));
  expect((await login()).status).toBe(200);
});

it("RM1 a reminder is listed, acknowledged once, and closed by the assessment it asked for", async () => {
  const mirrored = await mirror(system, "reminders", { seed: { organizations: 1, clients: 2 } });
  const { network, key } = mirrored;
  const [first, second] = network.truth().clients.map(({ id }) => String(id));
  const due = network.world.assessmentDueSoon(String(first));
  const overdue = network.world.assessmentOverdue(String(second));
  await untilDone(mirrored, [due.event_id, overdue.event_id]);
  expect(await reminders(mirrored, "open")).toEqual([due.event_id, overdue.event_id].sort());

  const ack = () => call(`${system.url}/v1/reminders/${due.event_id}/ack`, { key, method: "POST" });
  const [once, twice] = [await ack(), await ack()];
  expect([once.status, twice.status]).toEqual([200, 200]);
  expect(twice.text).toBe(once.text);
  const taken = network.world.submitAssessment(String(second));
  await untilDone(mirrored, [taken.event_id]);

  await eventually(async () => {
    expect(await reminders(mirrored, "open")).toEqual([]);
    expect(await reminders(mirrored, "acknowledged")).toEqual([due.event_id]);
    expect(await reminders(mirrored, "closed")).toEqual([overdue.event_id]);
  });
  expect(asked(network).filter((path) => path.includes("reminder"))).toEqual([]);
});

async function order({ operator, id }: Mirrored, ...kinds: string[]): Promise<void> {
  const { status, text } = await operator.ask("POST", `/connections/${id}/rebuild`, { kinds });
  expect(status, text).toBe(202);
}

function untilDoneWith({ operator, id }: Mirrored, kinds: readonly string[]): Promise<void> {
  return eventually(async () => {
    const { body, text } = await operator.ask("GET", `/connections/${id}/rebuild`);
    const rebuilds = body.data as { kind: string; status: string }[];
    const done = rebuilds.filter(({ status }) => status === "done").map(({ kind }) => kind);
    expect(done.sort(), text).toEqual([...kinds].sort());
  });
}

function untilBackfilled({ read }: Mirrored, login: Reply | undefined): Promise<void> {
  const id = asObject(login?.body.data).id;
  return eventually(async () => {
    const { body, text } = await read(`/backfills/${id}`);
    expect((body.data as { status: string }).status, text).toBe("done");
  });
}

async function completeness({ read }: Mirrored, kind: string): Promise<unknown> {
  return ((await read(`/${kind}?limit=1`)).body.meta as { complete: unknown }).complete;
}

async function reminders({ read }: Mirrored, status: string): Promise<string[]> {
  const { body } = await read(`/reminders?status=${status}`);
  return (body.data as { id: string }[]).map(({ id }) => id).sort();
}

function byId<T extends { id?: unknown }>(records: readonly T[]): Map<unknown, T> {
  return new Map(records.map((record) => [record.id, record]));
}
