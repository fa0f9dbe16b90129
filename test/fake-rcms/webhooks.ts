// The webhooks a network's keys have registered. Sending is not done here.

import { randomBytes } from "node:crypto";
import type { Core } from "./core.ts";
import { EVENT_TYPES } from "./events.ts";
import { ApiError } from "./exchange.ts";
import type { Scope } from "./keys.ts";
import type { Fields } from "./records.ts";
import { stamp } from "./render.ts";

export interface Webhook {
  id: string;
  url: string;
  events: string[];
  description: string | null;
  signing_secret: string;
  status: "active" | "disabled";
  created_at: string;
  owner: Scope;
  failuresInARow: number;
}

export interface Webhooks {
  register(body: Fields, owner: Scope): Webhook;
  find(id: string): Webhook | undefined;
  all(): Webhook[];
  remove(id: string): void;
}

export function createWebhooks(core: Core): Webhooks {
  const webhooks = new Map<string, Webhook>();
  return {
    register(body, owner) {
      if (core.settings.refuse_webhook_registration)
        throw new ApiError(422, "webhook registration is refused for this network");
      const webhook: Webhook = {
        id: `wh_${randomBytes(12).toString("hex")}`,
        url: checkedUrl(body.url, core.settings.allow_http_webhooks),
        events: checkedEvents(body.events),
        description: checkedDescription(body.description),
        signing_secret: `whsec_${randomBytes(24).toString("base64url")}`,
        status: "active",
        created_at: stamp(core.now(), core.settings),
        owner,
        failuresInARow: 0,
      };
      webhooks.set(webhook.id, webhook);
      return webhook;
    },
    find: (id) => webhooks.get(id),
    all: () => [...webhooks.values()],
    remove: (id) => void webhooks.delete(id),
  };
}

/** As the API shows it after registration: the secret is never shown again. */
export function shownWebhook(webhook: Webhook): Fields {
  const { id, url, events, description, status, created_at } = webhook;
  return { id, url, events, description, status, created_at };
}

function checkedUrl(url: unknown, allowHttp: boolean): string {
  const parsed = typeof url === "string" && URL.canParse(url) ? new URL(url) : null;
  if (parsed === null) throw new ApiError(400, "url must be an absolute URL", "url");
  const fine = parsed.protocol === "https:" || (allowHttp && parsed.protocol === "http:");
  if (!fine) throw new ApiError(400, "url must be HTTPS", "url");
  return String(url);
}

function checkedEvents(events: unknown): string[] {
  if (!Array.isArray(events) || events.length === 0)
    throw new ApiError(400, "events must be a non-empty list of event types", "events");
  const known: readonly string[] = [...EVENT_TYPES, "webhook.test"];
  for (const type of events)
    if (!known.includes(type)) throw new ApiError(400, `unknown event type ${String(type)}`, "events");
  return events.map(String);
}

function checkedDescription(description: unknown): string | null {
  if (description === undefined || description === null) return null;
  if (typeof description !== "string") throw new ApiError(400, "description must be a text", "description");
  return description;
}
