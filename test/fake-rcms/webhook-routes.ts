// The public routes under /v1/webhooks: register, look, test, read deliveries, delete.

import type { Delivery } from "./delivery.ts";
import { newEvent } from "./events.ts";
import { type Answer, ApiError, type Exchange, json, jsonBody } from "./exchange.ts";
import { type ApiKey, manages } from "./keys.ts";
import type { NetworkParts } from "./network.ts";
import type { Fields } from "./records.ts";
import { stamp } from "./render.ts";
import type { Settings } from "./settings.ts";
import { shownWebhook, type Webhook } from "./webhooks.ts";

const LISTED_DELIVERIES = 100;

export function answerWebhooks(
  parts: NetworkParts,
  key: ApiKey,
  exchange: Exchange,
  id: string | undefined,
  tail: string | undefined,
): Answer {
  const { webhooks, courier, core } = parts;
  const { method } = exchange;
  if (id === undefined) {
    if (method === "POST") return registered(webhooks.register(jsonBody(exchange), key.scope));
    if (method !== "GET") throw new ApiError(405, "only GET and POST here");
    const own = webhooks.all().filter((webhook) => manages(key.scope, webhook.owner));
    return json(200, { data: own.map(shownWebhook), meta: { next_url: null } });
  }
  const webhook = webhooks.find(id);
  if (webhook === undefined || !manages(key.scope, webhook.owner)) throw new ApiError(404, "not found");
  if (tail === undefined && method === "GET") return json(200, { data: shownWebhook(webhook) });
  if (tail === undefined && method === "DELETE") {
    courier.giveUp(webhook);
    webhooks.remove(id);
    return { status: 204, body: "" };
  }
  if (tail === "test" && method === "POST") return sendTest(parts, webhook);
  if (tail === "deliveries" && method === "GET")
    return json(200, {
      data: latestDeliveries(courier.deliveries(), webhook, core.settings),
      meta: { next_url: null },
    });
  if (tail === undefined || tail === "test" || tail === "deliveries")
    throw new ApiError(405, "not this method here");
  throw new ApiError(404, "not found");
}

function registered(webhook: Webhook): Answer {
  const { id, url, events, description, signing_secret, status, created_at } = webhook;
  return json(201, { data: { id, url, events, description, signing_secret, status, created_at } });
}

function sendTest(parts: NetworkParts, webhook: Webhook): Answer {
  if (webhook.status !== "active") throw new ApiError(409, "the webhook is disabled");
  const event = newEvent(parts.core, { type: "webhook.test", data: { webhook_id: webhook.id } });
  parts.remember(event);
  parts.courier.send(webhook, event);
  return json(202, { data: { event_id: event.id } });
}

function latestDeliveries(all: readonly Delivery[], webhook: Webhook, settings: Settings): Fields[] {
  return all
    .filter((delivery) => delivery.webhook === webhook && delivery.status !== "dropped")
    .slice(-LISTED_DELIVERIES)
    .reverse()
    .map((delivery) => shownDelivery(delivery, settings));
}

export function shownDelivery(delivery: Delivery, settings: Settings): Fields {
  const time = (ms: number | null) => (ms === null ? null : stamp(ms, settings));
  return {
    id: delivery.id,
    event_id: delivery.event.id,
    event_type: delivery.event.type,
    status: delivery.status,
    response_code: delivery.responseCode,
    attempt_count: delivery.attemptCount,
    created_at: time(delivery.createdAtMs),
    last_attempt_at: time(delivery.lastAttemptAtMs),
    next_attempt_at: time(delivery.nextAttemptAtMs),
  };
}
