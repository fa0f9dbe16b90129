// What an operation means: first to the world both mirrors are told by, then to each mirror. What a mirror says to it
// is text, without what is random, so that two mirrors can be compared word by word.

import { createHmac } from "node:crypto";
import type { ConnectionId, RecordId } from "../../src/core/ids.ts";
import type { Write } from "../../src/core/record.ts";
import { ADMIN_TOKEN } from "../support/bindings.ts";
import type { Deployed } from "./deployed.ts";
import type { LateWrite, Operation } from "./operations.ts";
import { createQueues, shuffle } from "./queue.ts";
import type { FiredEvent, World } from "./world.ts";

const FIELDS = [
  {},
  { clients: ["note", "status", "updated_at", "organization_id"] },
  { clients: ["status"], staff: ["note"] },
  { reminders: ["client_id"], "assessment-status": ["overall_score"] },
] as const;

const idOf = (kind: string, number: number) =>
  kind === "organizations" ? `org_${number}` : kind === "staff" ? `staff_${number}` : `client_${number}`;

/** What the upstream does of itself. @returns the deliveries it makes by that, in order */
export function happens(world: World, operation: Operation): readonly FiredEvent[] {
  switch (operation.op) {
    case "change": {
      const { kind, number, lagMs, event, status } = operation;
      const id = idOf(kind, number);
      world.write(kind, id, { lagMs, ...(status === undefined ? {} : { status }) });
      if (event) world.fire(typeOf(kind), subjectOf(kind, id), world.organizationOf(id));
      return [];
    }
    case "move": {
      const id = idOf("clients", operation.number);
      const organization = idOf("organizations", operation.to);
      world.write("clients", id, { organization });
      if (operation.event) world.fire("client.updated", { client_id: id }, organization);
      return [];
    }
    case "vanish":
      world.write(operation.kind, idOf(operation.kind, operation.number), { gone: true });
      return [];
    case "backdate":
      world.write(operation.kind, idOf(operation.kind, operation.number), { backMs: 3_600_000 });
      return [];
    case "remind": {
      const client_id = idOf("clients", operation.number);
      const data = { client_id, assessment_id: `asmt_${world.fired.length}`, first_name: "Kim" };
      world.fire("assessment.due_soon", data, world.organizationOf(client_id));
      return [];
    }
    case "tell": {
      const client_id = idOf("clients", operation.number);
      world.fire(operation.type, { client_id }, world.organizationOf(client_id));
      return [];
    }
    case "lose":
      for (const event of shuffle(world.outbox, operation.order).slice(0, operation.most))
        world.outbox.splice(world.outbox.indexOf(event), 1);
      return [];
    case "deliver": {
      const taken = shuffle(world.outbox, operation.order).slice(0, operation.most);
      const twice = taken.slice(0, operation.twice);
      if (operation.forged) return taken;
      for (const event of [...taken, ...twice]) event.sent++;
      for (const event of taken) world.outbox.splice(world.outbox.indexOf(event), 1);
      return [...taken, ...twice];
    }
    default:
      return [];
  }
}

interface Entry {
  readonly seq: number;
}

interface FeedPage {
  readonly data: readonly Entry[];
  readonly meta: { readonly next_after: number; readonly has_more: boolean };
}

export type Performer = Awaited<ReturnType<typeof createPerformer>>;

/** @param placeOf a position of this mirror, as the memory has it */
export async function createPerformer(
  deployed: Deployed,
  connection: string,
  now: () => number,
  placeOf: (seq: number) => number,
) {
  const names = new Map<string, string>();
  // Ids are random: known ones go by what they stand for, every other by that it is one.
  const nameless = (text: string) =>
    text.replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, (id) => names.get(id) ?? "an id");
  const queues = createQueues(deployed, nameless, now);
  const { upstream } = deployed;

  async function ask(token: string, method: string, path: string, body?: unknown, headers = {}) {
    const init = { method, headers: { authorization: `Bearer ${token}`, ...headers } };
    const response = await deployed.fetch(path, {
      ...init,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, text, said: nameless(`${response.status} ${withoutRequestId(text)}`) };
  }
  const admin = async (method: string, path: string, body?: unknown) =>
    (await ask(ADMIN_TOKEN, method, path, body)).said;

  async function key(scope: object): Promise<string> {
    const { text } = await ask(ADMIN_TOKEN, "POST", "/admin/keys", { connection, name: "an app", ...scope });
    return (JSON.parse(text) as { data: { key: string } }).data.key;
  }

  const here = `/admin/connections/${connection}`;
  const connected = await admin("POST", "/admin/connections", {
    id: connection,
    source: "rcms",
    base_url: "https://upstream.test/v1",
    api_key: "upstream-key-1",
    webhook: { public_url: "https://mirror.test" },
  });
  if (!connected.startsWith("201")) throw new Error(`connecting ${deployed.name} answered ${connected}`);
  const keys = [await key({}), await key({ organizations: ["org_1"] })];
  const [whole = ""] = keys;
  const positions = keys.map(() => 0);

  async function deliver(event: FiredEvent, forged: boolean): Promise<string> {
    const t = Math.floor(now() / 1_000);
    const secret = forged ? "whsec_guessed" : (upstream.secret() ?? "whsec_none");
    const v1 = createHmac("sha256", secret).update(`${t}.${event.body}`).digest("hex");
    const response = await deployed.fetch(`/hooks/${connection}`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-rcms-signature": `t=${t},v1=${v1}` },
      body: event.body,
    });
    return `${event.id} ${response.status}`;
  }

  /**
   * The feed from where each key's follower stands, to its end, page by page: what it brought, in the order of the
   * memory's positions, and how it was cut into pages.
   */
  async function follow(limit: number): Promise<string> {
    const said: string[] = [];
    for (const [i, token] of keys.entries()) {
      const entries: Entry[] = [];
      for (let page = 0; page < 100; page++) {
        const { text } = await ask(token, "GET", `/v1/changes?after=${positions[i]}&limit=${limit}`);
        const { data, meta } = JSON.parse(text) as FeedPage;
        for (const entry of data) {
          if (entry.seq <= (entries.at(-1)?.seq ?? positions[i] ?? 0))
            said.push(`${entry.seq} is out of order`);
          entries.push(entry);
        }
        said.push(`a page of ${data.length}`);
        positions[i] = meta.next_after;
        if (!meta.has_more) break;
      }
      const placed = entries.map((entry) => ({ ...entry, seq: placeOf(entry.seq) }));
      placed.sort((a, b) => a.seq - b.seq);
      said.push(...placed.map((entry) => JSON.stringify(entry)), `up to ${positions[i]}`);
    }
    return said.join("\n");
  }

  async function perform(
    operation: Operation,
    deliveries: readonly FiredEvent[],
    wide: boolean,
  ): Promise<string> {
    switch (operation.op) {
      case "deliver": {
        const said: string[] = [];
        for (const event of deliveries) said.push(await deliver(event, operation.forged === true));
        return said.join(" ");
      }
      case "consume":
        return queues.consume(operation.queue, { ...operation, wide }, operation.again);
      case "give up":
        return queues.giveUp(operation.order);
      case "tick": {
        const said: string[] = [];
        for (let times = 0; times < operation.times; times++)
          said.push(
            await deployed.scheduled(operation.cron).then(
              () => "ticked",
              () => "threw",
            ),
          );
        return said.join(" ");
      }
      case "fault":
        upstream.arm(operation.fault);
        return "";
      case "heal":
        upstream.heal();
        return "";
      case "kill webhook":
        upstream.killWebhook(operation.how);
        return "";
      case "evict":
        await deployed.evict();
        return "";
      case "purge":
        return admin("DELETE", `${here}/clients/${idOf("clients", operation.number)}`);
      case "fields":
        return admin("PUT", `${here}/fields`, { fields: FIELDS[operation.list] });
      case "rebuild":
        return admin(
          "POST",
          `${here}/rebuild`,
          operation.kinds.length === 0 ? {} : { kinds: operation.kinds },
        );
      case "cancel":
        return admin("DELETE", `${here}/rebuild`);
      case "sweep":
        return admin("POST", `${here}/sweep`, operation.kinds.length === 0 ? {} : { kinds: operation.kinds });
      case "resume":
        return admin("POST", `${here}/resume`, {});
      case "replay":
        return admin("POST", "/admin/dead-letters/replay", {});
      case "acknowledge": {
        const open = await ask(whole, "GET", "/v1/reminders");
        const ids = (JSON.parse(open.text) as { data: { id: string }[] }).data.map(({ id }) => id).sort();
        const id = ids[operation.order % Math.max(1, ids.length)] ?? "none";
        return `${open.said} ${(await ask(whole, "POST", `/v1/reminders/${id}/ack`, {})).said}`;
      }
      case "login": {
        const user_id = `user_${operation.user}`;
        const client_id = idOf("clients", operation.number);
        const { text, status } = await ask(whole, "POST", "/v1/logins", { user_id, client_id });
        const id = (JSON.parse(text) as { data?: { id: string } }).data?.id;
        if (id !== undefined) names.set(id, `the backfill of ${user_id} for ${client_id}`);
        return nameless(`${status} ${withoutRequestId(text)}`);
      }
      case "read": {
        const { kind, number, wishes } = operation;
        const id = idOf(kind, number);
        const path = kind === "assessment-status" ? `/v1/clients/${id}/${kind}` : `/v1/${kind}/${id}`;
        const asked = await ask(whole, "GET", path, undefined, wishes ? { "cache-control": wishes } : {});
        return asked.said;
      }
      case "overtaken": {
        const { records } = deployed.kept;
        const id = connection as ConnectionId;
        const writes = await Promise.all(operation.writes.map((one) => lateWrite(records, id, one, now())));
        const written = [...(await records.commit(id, writes))].sort();
        const refused = [...(await records.whyRefused(id, writes))].map(String).sort();
        return JSON.stringify([written, refused]);
      }
      case "follow":
        return follow(operation.limit);
      default:
        return "";
    }
  }

  return { perform, queues, deployed };
}

async function lateWrite(
  records: Deployed["kept"]["records"],
  connection: ConnectionId,
  late: LateWrite,
  at: number,
): Promise<Write> {
  const { kind, number, fetchedBackMs, datedByMs, over, fieldsVersion, organization } = late;
  const ref = { kind, id: idOf(kind, number) as RecordId };
  const fetchedAt = at - fetchedBackMs;
  if (late.tombstone) return { write: "tombstone", ref, fetchedAt };
  const held = await records.one(connection, ref);
  const heldHash = held?.hash ?? "none";
  const snapshot = {
    ...ref,
    fetchedAt,
    ...(datedByMs === undefined ? {} : { updatedAt: (held?.updatedAt ?? at) + datedByMs }),
    ...(organization === undefined ? {} : { organizationId: idOf("organizations", organization) }),
    ...(kind === "staff" ? {} : { clientId: ref.id }),
    fieldsVersion,
    terminal: false,
    hash: late.hash === "held" ? heldHash : `hash of ${number}`,
    body: JSON.stringify({ id: ref.id, late: true }),
  };
  const overHash = over === "held" ? heldHash : "another";
  return { write: "put", snapshot, ...(over === undefined ? {} : { overHash }) };
}

const withoutRequestId = (text: string) => text.replace(/"request_id":"[^"]*"/, '"request_id":"…"');

function typeOf(kind: string): string {
  switch (kind) {
    case "clients":
      return "client.updated";
    case "staff":
      return "staff.updated";
    case "organizations":
      return "organization.updated";
    default:
      return "assessment.scheduled";
  }
}

function subjectOf(kind: string, id: string): Record<string, string> {
  if (kind === "staff") return { staff_id: id };
  return kind === "organizations" ? { organization_id: id } : { client_id: id };
}
