// The webhooks of a simulated RCMS: events are signed and sent some time after the change, retried on RCMS's ladder,
// logged, and a webhook that failed fifty times in a row is disabled for good.

import { createHmac } from "node:crypto";
import type { Json, JsonObject } from "../../src/core/json.ts";
import { isJsonObject, property } from "../../src/core/json.ts";
import type { UpstreamAnswer, UpstreamRequest } from "../../src/sources/source.ts";
import type { Chance } from "./chance.ts";
import type { Clock } from "./clock.ts";
import type { Faults } from "./faults.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** RCMS's own: after 30 s, 2 m, 10 m, 30 m, 1 h, 2 h, 6 h, 12 h; then given up. */
const LADDER = [30 * SECOND, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR, 12 * HOUR];
const DISABLED_AFTER = 50;
const LOGGED = 100;
/** "Delivery may be delayed": far beyond the ledger's looks again, not beyond a sweep. */
const LATE_MS = 10 * MINUTE;

export interface SimDelivery {
  readonly body: Uint8Array;
  readonly signature: string;
}

/** Answers with the status the mirror gave; undefined when nobody answered. */
export type Deliver = (delivery: SimDelivery) => Promise<number | undefined>;

interface Webhook {
  readonly id: string;
  readonly secret: string;
  status: "active" | "disabled";
  failuresInARow: number;
  readonly log: LogEntry[];
}

interface LogEntry {
  readonly eventId: string;
  readonly type: string;
  readonly createdAt: number;
  status: "pending" | "delivered" | "failed";
  attempts: number;
  lastAttemptAt: number;
}

export interface SimEvent {
  readonly id: string;
  readonly type: string;
  /** Our clock, ms. */
  readonly at: number;
  /** In the order they were made. */
  readonly number: number;
  readonly text: string;
}

export function createWebhooks(world: {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly faults: () => Faults;
  readonly skewMs: number;
  readonly deliver: Deliver;
}) {
  const { clock, chance, faults, skewMs } = world;
  const webhooks = new Map<string, Webhook>();
  const registered = new Map<string, Webhook>();
  const events: SimEvent[] = [];
  const counters = {
    events: 0,
    sent: 0,
    dropped: 0,
    duplicated: 0,
    delayed: 0,
    reordered: 0,
    answersLost: 0,
    retried: 0,
    disabled: 0,
    registered: 0,
  };
  let made = 0;
  let newestSent = 0;

  /** An event of this type, fired within `withinMs` of now to every active webhook. */
  function fire(type: string, data: JsonObject, organizationId: string, withinMs: number): SimEvent {
    const at = clock.now();
    const id = `evt_${++made}`;
    const envelope = {
      id,
      type,
      created_at: new Date(at + skewMs).toISOString(),
      organization_id: organizationId,
      data,
    };
    return publish({ id, type, at, number: made, text: JSON.stringify(envelope) }, withinMs);
  }

  /** An authentic delivery with whatever text. */
  function fireText(text: string): void {
    publish({ id: `text ${++made}`, type: "", at: clock.now(), number: made, text }, 30_000);
  }

  function publish(event: SimEvent, withinMs: number): SimEvent {
    counters.events++;
    events.push(event);
    if (chance.happens(faults().drop)) {
      counters.dropped++;
      return event;
    }
    const late = chance.happens(faults().delay);
    if (late) counters.delayed++;
    const delayMs = chance.between(0, late ? LATE_MS : withinMs);
    for (const webhook of webhooks.values()) send(webhook, event, delayMs);
    return event;
  }

  function send(webhook: Webhook, event: SimEvent, delayMs: number): void {
    const entry: LogEntry = {
      eventId: event.id,
      type: event.type,
      createdAt: event.at,
      status: "pending",
      attempts: 0,
      lastAttemptAt: event.at,
    };
    clock.at(clock.now() + delayMs, () => {
      if (webhook.status !== "active") return;
      webhook.log.unshift(entry);
      if (webhook.log.length > LOGGED) webhook.log.pop();
      void attempt(webhook, event, entry);
    });
  }

  async function attempt(webhook: Webhook, event: SimEvent, entry: LogEntry): Promise<void> {
    if (webhook.status !== "active" || !webhooks.has(webhook.id)) return;
    counters.sent++;
    if (event.number < newestSent) counters.reordered++;
    newestSent = Math.max(newestSent, event.number);
    if (entry.attempts > 0) counters.retried++;
    if (chance.happens(faults().duplicate)) {
      counters.duplicated++;
      clock.at(clock.now() + chance.between(0, 5_000), () => void world.deliver(sign(webhook, event)));
    }
    const answered = await world.deliver(sign(webhook, event));
    const lost = chance.happens(faults().lostAnswer);
    if (lost) counters.answersLost++;
    const status = lost ? undefined : answered;
    entry.attempts++;
    entry.lastAttemptAt = clock.now();
    if (status !== undefined && status < 300) {
      entry.status = "delivered";
      webhook.failuresInARow = 0;
      return;
    }
    if (++webhook.failuresInARow >= DISABLED_AFTER) {
      webhook.status = "disabled";
      counters.disabled++;
    }
    const wait = LADDER[entry.attempts - 1];
    if (wait === undefined) entry.status = "failed";
    else clock.at(clock.now() + wait, () => void attempt(webhook, event, entry));
  }

  // Signing takes true time: a signer ten minutes off would be refused, whatever its records say.
  function sign(webhook: Webhook, event: SimEvent): SimDelivery {
    const t = Math.floor(clock.now() / 1_000);
    return {
      body: encoder.encode(event.text),
      signature: `t=${t},v1=${macOf(webhook.secret, t, event.text)}`,
    };
  }

  function register(key: string): Webhook {
    const known = registered.get(key);
    if (known) return known;
    const id = `wh_${registered.size + 1}`;
    const webhook: Webhook = {
      id,
      secret: `whsec_${id}_secret`,
      status: "active",
      failuresInARow: 0,
      log: [],
    };
    webhooks.set(id, webhook);
    registered.set(key, webhook);
    counters.registered++;
    return webhook;
  }

  function answer(request: UpstreamRequest, path: string): Pick<UpstreamAnswer, "status" | "json"> {
    const [, , id, rest] = path.split("/");
    if (request.method === "POST" && id === undefined) {
      const { body, idempotencyKey = `none ${clock.now()}` } = request;
      const webhook = register(idempotencyKey);
      const url = isJsonObject(body) ? (property(body, "url") ?? null) : null;
      return { status: 201, json: { data: { id: webhook.id, url, signing_secret: webhook.secret } } };
    }
    const webhook = webhooks.get(id ?? "");
    if (webhook === undefined) return { status: 404 };
    if (request.method === "DELETE") {
      webhooks.delete(webhook.id);
      return { status: 204 };
    }
    if (rest === "test") {
      fire("webhook.test", {}, "org_1", 1_000);
      return { status: 202 };
    }
    if (rest === "deliveries") return { status: 200, json: { data: webhook.log.map(shown) } };
    return { status: 200, json: { data: { id: webhook.id, status: webhook.status } } };
  }

  const shown = (entry: LogEntry): Json => ({
    event_id: entry.eventId,
    event_type: entry.type,
    status: entry.status,
    attempt_count: entry.attempts,
    created_at: new Date(entry.createdAt + skewMs).toISOString(),
    last_attempt_at: new Date(entry.lastAttemptAt + skewMs).toISOString(),
  });

  return {
    fire,
    fireText,
    answer,
    events,
    counters,
    /** The webhook is gone or dead, as an operator at RCMS might make it. */
    break(how: "disable" | "remove") {
      for (const webhook of webhooks.values()) {
        if (how === "disable") webhook.status = "disabled";
        else webhooks.delete(webhook.id);
      }
    },
    active: () => [...webhooks.values()].filter(({ status }) => status === "active"),
  };
}

const encoder = new TextEncoder();

const macOf = (secret: string, t: number, text: string) =>
  createHmac("sha256", secret).update(`${t}.${text}`).digest("hex");

/**
 * The signature's check without leaving the process for it: what the adapter's own check says of these deliveries is
 * tested beside it; here it only must not stop the clock.
 */
export function isSigned({ body, signature }: SimDelivery, secrets: readonly string[], now: number): boolean {
  const [, t, mac] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(signature) ?? [];
  if (t === undefined || Math.abs(now - Number(t) * 1_000) > 300_000) return false;
  const text = new TextDecoder().decode(body);
  return secrets.some((secret) => macOf(secret, Number(t), text) === mac);
}

export type Webhooks = ReturnType<typeof createWebhooks>;
