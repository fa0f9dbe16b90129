// One isolated network, put together: its keys, records, world, webhooks, deliveries, switches and request log.
// This is the programmatic face; the admin port offers the same over HTTP.

import { type Core, createCore } from "./core.ts";
import { type Courier, createCourier } from "./delivery.ts";
import { type Envelope, newEvent, type WebhookEvent } from "./events.ts";
import { ApiError } from "./exchange.ts";
import { createFaults, type ThroughFaults } from "./faults.ts";
import { createOnce, type Once } from "./idempotency.ts";
import { type ApiKey, newApiKey, type Scope, sees } from "./keys.ts";
import type { Post } from "./post.ts";
import { createRecords, type Fields, KINDS, type Kind, type Records } from "./records.ts";
import { render } from "./render.ts";
import { createRequestLog, type RequestLog } from "./request-log.ts";
import { type Seed, seedRecords } from "./seed.ts";
import type { Settings, SettingsPatch } from "./settings.ts";
import type { Timers } from "./timers.ts";
import { createWebhooks, type Webhook, type Webhooks } from "./webhooks.ts";
import { createWorld, type World } from "./world.ts";

// Redelivery reaches back this many events.
const REMEMBERED_EVENTS = 20_000;

/** What the routes work with. */
export interface NetworkParts {
  core: Core;
  records: Records;
  webhooks: Webhooks;
  courier: Courier;
  remember(event: WebhookEvent): void;
}

export interface NetworkOptions {
  /** Letters, digits, "-" and "_"; made up when absent. */
  id?: string;
  settings?: SettingsPatch;
  seed?: Partial<Seed>;
}

export type HandMadeEvent = Partial<Envelope> & { raw_body?: string };

export interface Network {
  id: string;
  /** A network-wide key. */
  apiKey: string;
  /** `http://127.0.0.1:P/v1` */
  baseUrl: string;
  world: World;
  parts: NetworkParts;
  log: RequestLog;
  keys: Map<string, ApiKey>;
  throughFaults: ThroughFaults;
  once: Once;
  settings(): Settings;
  patchSettings(patch: SettingsPatch): Settings;
  createKey(scope?: Scope): string;
  revokeKey(key: string): void;
  restoreKey(key: string): void;
  /** Everything as the API will return it once all of it is visible. */
  truth(): Record<Kind, Fields[]>;
  /** Signs and sends any event to every active webhook, subscribed or not. */
  sendEvent(event: HandMadeEvent): string;
  redeliver(eventId: string): void;
  disableWebhook(id: string): Webhook;
  /** Attempts what is due by a clock that was moved by hand. */
  sendDue(): number;
  /** Resolves when no delivery attempt is under way or queued. */
  idle(): Promise<void>;
}

export interface NetworkDeps {
  id: string;
  baseUrl: string;
  clock(): number;
  timers: Timers;
  post: Post;
  speed: number;
}

export function createNetwork(deps: NetworkDeps, options: NetworkOptions): Network {
  const core = createCore(deps.clock, deps.timers, deps.speed, options.settings ?? {});
  const records = createRecords(deps.clock, () => core.settings.visibility_lag_ms);
  const webhooks = createWebhooks(core);
  const courier = createCourier(core, deps.post);
  const events = createEventMemory();
  const parts: NetworkParts = { core, records, webhooks, courier, remember: events.remember };
  const keys = new Map<string, ApiKey>();

  function createKey(scope: Scope = { scope: "network" }): string {
    const made = newApiKey(scope);
    keys.set(made.key, made);
    return made.key;
  }

  const world = createWorld({
    core,
    records,
    announce(type, kind, fields, data) {
      const organizationId = kind === "organizations" ? fields.id : fields.organization_id;
      const envelope = { type, organization_id: asId(organizationId), data };
      const event = newEvent(core, envelope, { kind, fields });
      events.remember(event);
      broadcast(parts, event);
      return event.id;
    },
  });
  seedRecords(core, records, options.seed ?? {});

  return {
    id: deps.id,
    apiKey: createKey(),
    baseUrl: deps.baseUrl,
    world,
    parts,
    log: createRequestLog(),
    keys,
    throughFaults: createFaults(core),
    once: createOnce(deps.clock),
    settings: () => structuredClone(core.settings),
    patchSettings(patch) {
      core.patch(patch);
      return structuredClone(core.settings);
    },
    createKey,
    revokeKey(key) {
      keyNamed(keys, key).revoked = true;
    },
    restoreKey(key) {
      keyNamed(keys, key).revoked = false;
    },
    truth: () => truthOf(parts),
    sendEvent(handMade) {
      const event = handMadeEvent(core, handMade);
      events.remember(event);
      broadcast(parts, event);
      return event.id;
    },
    redeliver: (eventId) => broadcast(parts, events.recall(eventId)),
    disableWebhook(id) {
      const webhook = webhooks.find(id);
      if (webhook === undefined) throw new ApiError(404, `no webhook has the id ${id}`, "id");
      webhook.status = "disabled";
      courier.giveUp(webhook);
      return webhook;
    },
    sendDue: courier.sendDue,
    idle: courier.idle,
  };
}

function broadcast(parts: NetworkParts, event: WebhookEvent): void {
  for (const webhook of parts.webhooks.all()) if (wants(webhook, event)) parts.courier.send(webhook, event);
}

function wants(webhook: Webhook, { about, type }: WebhookEvent): boolean {
  // A hand-made event is about no record and goes to everyone.
  if (about === null) return true;
  return webhook.events.includes(type) && sees(webhook.owner, about.kind, about.fields);
}

function handMadeEvent(core: Core, { raw_body, ...given }: HandMadeEvent): WebhookEvent {
  const envelope: Envelope = { ...given, type: given.type ?? "hand.made", data: given.data ?? {} };
  const event = newEvent(core, envelope);
  return raw_body === undefined ? event : { ...event, body: raw_body };
}

function createEventMemory() {
  const remembered = new Map<string, WebhookEvent>();
  return {
    remember(event: WebhookEvent): void {
      remembered.set(event.id, event);
      if (remembered.size <= REMEMBERED_EVENTS) return;
      for (const oldest of remembered.keys()) {
        remembered.delete(oldest);
        break;
      }
    },
    recall(id: string): WebhookEvent {
      const event = remembered.get(id);
      if (event === undefined) throw new ApiError(404, `no event has the id ${id}`, "event_id");
      return event;
    },
  };
}

function keyNamed(keys: Map<string, ApiKey>, key: string): ApiKey {
  const found = keys.get(key);
  if (found === undefined) throw new ApiError(404, "no such key in this network", "key");
  return found;
}

function truthOf({ core, records }: NetworkParts): Record<Kind, Fields[]> {
  const of = (kind: Kind) => records.allNewest(kind).map((fields) => render(kind, fields, core.settings));
  const [organizations, staff, clients, status] = KINDS.map(of);
  return {
    organizations: organizations ?? [],
    staff: staff ?? [],
    clients: clients ?? [],
    "assessment-status": status ?? [],
  };
}

function asId(value: unknown): string | number | null {
  return typeof value === "string" || typeof value === "number" ? value : null;
}
