// The admin routes of one network: settings, keys, changes, truth, requests, webhooks, deliveries and events.

import { makeChanges } from "./changes.ts";
import { type Answer, ApiError, type Exchange, json, jsonBody, parseJson } from "./exchange.ts";
import { keyPrefix, type Scope } from "./keys.ts";
import type { HandMadeEvent, Network } from "./network.ts";
import type { Fields } from "./records.ts";
import { shownDelivery } from "./webhook-routes.ts";
import type { Webhook } from "./webhooks.ts";

type Route = (network: Network, exchange: Exchange, name: string) => Answer;

const DONE: Answer = { status: 204, body: "" };

/** "METHOD path", where `*` is one segment handed to the route. */
const ROUTES: Record<string, Route> = {
  "GET settings": (network) => json(200, network.settings()),
  "PATCH settings": (network, exchange) => json(200, network.patchSettings(jsonBody(exchange))),
  "GET truth": (network) => json(200, network.truth()),
  "POST changes": changes,
  "GET keys": (network) => json(200, { keys: [...network.keys.values()].map(shownKey) }),
  "POST keys": (network, exchange) => json(201, { key: network.createKey(checkedScope(jsonBody(exchange))) }),
  "DELETE keys/*": (network, _exchange, key) => {
    network.revokeKey(key);
    return DONE;
  },
  "POST keys/*/restore": (network, _exchange, key) => {
    network.restoreKey(key);
    return DONE;
  },
  "GET requests": (network) => json(200, network.log.read()),
  "DELETE requests": (network) => {
    network.log.clear();
    return DONE;
  },
  "GET webhooks": (network) => json(200, { webhooks: network.parts.webhooks.all().map(shownToAdmin) }),
  "POST webhooks/*/disable": (network, _exchange, id) => json(200, shownToAdmin(network.disableWebhook(id))),
  "GET deliveries": (network) => json(200, { deliveries: deliveries(network) }),
  "POST deliveries/send-due": (network) => json(200, { sent: network.sendDue() }),
  "POST events": (network, exchange) =>
    json(202, { event_id: network.sendEvent(checkedEvent(jsonBody(exchange))) }),
  "POST redeliver": redeliver,
};

export function answerNetwork(network: Network, exchange: Exchange, segments: string[]): Answer {
  const [first = "", second, third] = segments;
  const exact = ROUTES[`${exchange.method} ${segments.join("/")}`];
  if (exact !== undefined) return exact(network, exchange, "");
  const named =
    ROUTES[`${exchange.method} ${[first, "*", third].filter((part) => part !== undefined).join("/")}`];
  if (named !== undefined && second !== undefined && segments.length <= 3)
    return named(network, exchange, second);
  throw new ApiError(404, `no route ${exchange.method} ${exchange.path}`, "path");
}

function changes(network: Network, exchange: Exchange): Answer {
  const body = parseJson(exchange.body);
  if (Array.isArray(body)) return json(200, { changes: body.flatMap((each) => makeChanges(network, each)) });
  const made = makeChanges(network, body);
  const bulk = typeof body === "object" && body !== null && "count" in body;
  return json(200, bulk ? { changes: made } : made[0]);
}

function redeliver(network: Network, exchange: Exchange): Answer {
  const { event_id } = jsonBody(exchange);
  if (typeof event_id !== "string") throw new ApiError(400, "event_id must be a text", "event_id");
  network.redeliver(event_id);
  return json(202, { event_id });
}

function checkedScope(body: Fields): Scope {
  const { scope, id } = body;
  if (scope === "network") return { scope };
  if (scope !== "organization" && scope !== "client")
    throw new ApiError(400, "scope must be one of network, organization, client", "scope");
  if (typeof id !== "string" && typeof id !== "number")
    throw new ApiError(400, `id must be the id of the ${scope}`, "id");
  return { scope, id: String(id) };
}

function checkedEvent(body: Fields): HandMadeEvent {
  const known = ["id", "type", "created_at", "organization_id", "data", "raw_body"];
  for (const name of Object.keys(body))
    if (!known.includes(name)) throw new ApiError(400, `unknown field ${name}`, name);
  for (const name of ["id", "type", "created_at", "raw_body"])
    if (body[name] !== undefined && typeof body[name] !== "string")
      throw new ApiError(400, `${name} must be a text`, name);
  if (body.type === undefined && body.raw_body === undefined)
    throw new ApiError(400, "type or raw_body is needed", "type");
  return body;
}

function shownKey({ key, scope, revoked }: { key: string; scope: Scope; revoked: boolean }) {
  return { key_prefix: keyPrefix(key), ...scope, revoked };
}

function shownToAdmin({ owner, failuresInARow, ...webhook }: Webhook) {
  return { ...webhook, owner, failures_in_a_row: failuresInARow };
}

function deliveries(network: Network): Fields[] {
  const { core, courier } = network.parts;
  return courier.deliveries().map((each) => ({
    ...shownDelivery(each, core.settings),
    webhook_id: each.webhook.id,
    body: each.event.body,
  }));
}
