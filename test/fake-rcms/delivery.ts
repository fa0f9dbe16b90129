// Deliveries: every attempt to bring one event to one webhook, the retry ladder, and the disabling of a webhook
// that keeps failing. At least once, in no promised order.

import { randomBytes } from "node:crypto";
import { type Core, chance } from "./core.ts";
import type { WebhookEvent } from "./events.ts";
import { createLanes, type Lanes } from "./lanes.ts";
import type { Post } from "./post.ts";
import { between, shuffled } from "./random.ts";
import { signatureHeader } from "./signature.ts";
import type { Webhook } from "./webhooks.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

export const RETRY_LADDER_MS = [
  30 * SECOND,
  2 * MINUTE,
  10 * MINUTE,
  30 * MINUTE,
  HOUR,
  2 * HOUR,
  6 * HOUR,
  12 * HOUR,
] as const;
export const FAILURES_UNTIL_DISABLED = 50;

// Enough to look back over any test; pending ones are never forgotten.
const KEPT_FINISHED = 20_000;

export interface Delivery {
  id: string;
  webhook: Webhook;
  event: WebhookEvent;
  /** "dropped" was never sent and is invisible in the API: an event lost on the way. */
  status: "pending" | "delivered" | "failed" | "dropped";
  responseCode: number | null;
  attemptCount: number;
  createdAtMs: number;
  lastAttemptAtMs: number | null;
  nextAttemptAtMs: number | null;
  signedAtSeconds: number | null;
  cancelTimer: (() => void) | null;
}

export interface Courier {
  send(webhook: Webhook, event: WebhookEvent): void;
  /** Stops everything still pending for this webhook. */
  giveUp(webhook: Webhook): void;
  /** Attempts at once whatever is due by the clock: for clocks that are moved by hand. */
  sendDue(): number;
  /** Resolves when no attempt is being made or queued; waiting retries do not count. */
  idle(): Promise<void>;
  deliveries(): readonly Delivery[];
}

interface Desk {
  core: Core;
  post: Post;
  lanes: Lanes<Delivery>;
  kept: Delivery[];
  /** Waiting to be shuffled. */
  held: Delivery[];
}

export function createCourier(core: Core, post: Post): Courier {
  const lanes = createLanes<Delivery>(
    () => core.settings.delivery_concurrency,
    (delivery) => attempt(desk, delivery),
  );
  const desk: Desk = { core, post, lanes, kept: [], held: [] };
  return {
    send: (webhook, event) => send(desk, webhook, event),
    giveUp: (webhook) => giveUp(desk, webhook),
    sendDue: () => sendDue(desk),
    idle: lanes.idle,
    deliveries: () => desk.kept,
  };
}

function send(desk: Desk, webhook: Webhook, event: WebhookEvent): void {
  const { settings, faultRandom } = desk.core;
  if (settings.webhooks_off || webhook.status !== "active") return;
  const { drop_rate, duplicate_rate, delay_ms, reorder } = settings.deliver;
  const copies = chance(faultRandom, duplicate_rate) ? 2 : 1;
  for (let copy = 0; copy < copies; copy += 1) {
    const delivery = newDelivery(webhook, event, desk.core.now());
    keep(desk, delivery);
    if (chance(faultRandom, drop_rate)) finish(delivery, "dropped");
    else if (reorder) hold(desk, delivery);
    else schedule(desk, delivery, between(faultRandom, delay_ms));
  }
}

function keep(desk: Desk, delivery: Delivery): void {
  desk.kept.push(delivery);
  if (desk.kept.length < 2 * KEPT_FINISHED) return;
  const pending = desk.kept.slice(0, KEPT_FINISHED).filter((each) => each.status === "pending");
  desk.kept = [...pending, ...desk.kept.slice(KEPT_FINISHED)];
}

function hold(desk: Desk, delivery: Delivery): void {
  desk.held.push(delivery);
  if (desk.held.length > 1) return;
  desk.core.timers.after(desk.core.settings.deliver.reorder_window_ms, () => {
    const released = shuffled(desk.core.faultRandom, desk.held);
    desk.held = [];
    for (const each of released) desk.lanes.push(each);
  });
}

function schedule(desk: Desk, delivery: Delivery, delayMs: number): void {
  const { core, lanes } = desk;
  delivery.nextAttemptAtMs = core.now() + delayMs;
  if (delayMs === 0) lanes.push(delivery);
  else delivery.cancelTimer = core.timers.after(delayMs, () => release(desk, delivery));
}

function release(desk: Desk, delivery: Delivery): void {
  delivery.cancelTimer?.();
  delivery.cancelTimer = null;
  desk.lanes.push(delivery);
}

async function attempt(desk: Desk, delivery: Delivery): Promise<void> {
  // Given up on while it waited for a lane.
  if (delivery.status !== "pending") return;
  const { webhook, event } = delivery;
  const { settings, now } = desk.core;
  const signedBefore = settings.sign_retries === "once" ? delivery.signedAtSeconds : null;
  const signedAt = signedBefore ?? Math.floor(now() / SECOND);
  delivery.signedAtSeconds = signedAt;
  delivery.attemptCount += 1;
  delivery.lastAttemptAtMs = now();
  delivery.nextAttemptAtMs = null;
  const headers = {
    "Content-Type": "application/json",
    "User-Agent": "RCMS-Webhooks/1.0",
    "X-RCMS-Event-Id": event.id,
    "X-RCMS-Signature": signatureHeader(webhook.signing_secret, signedAt, event.body),
  };
  const code = await desk.post(webhook.url, headers, event.body, settings.delivery_timeout_ms);
  delivery.responseCode = code;
  if (delivery.status === "pending") settle(desk, delivery, code !== null && code >= 200 && code < 300);
}

function settle(desk: Desk, delivery: Delivery, arrived: boolean): void {
  const { webhook } = delivery;
  if (arrived) {
    webhook.failuresInARow = 0;
    finish(delivery, "delivered");
    return;
  }
  webhook.failuresInARow += 1;
  const waitMs = RETRY_LADDER_MS[delivery.attemptCount - 1];
  if (waitMs === undefined) finish(delivery, "failed");
  else schedule(desk, delivery, Math.ceil(waitMs / desk.core.settings.retry_speed));
  if (webhook.failuresInARow < FAILURES_UNTIL_DISABLED) return;
  webhook.status = "disabled";
  giveUp(desk, webhook);
}

function giveUp(desk: Desk, webhook: Webhook): void {
  for (const delivery of desk.kept)
    if (delivery.webhook === webhook && delivery.status === "pending") finish(delivery, "failed");
}

function finish(delivery: Delivery, status: Delivery["status"]): void {
  delivery.cancelTimer?.();
  delivery.cancelTimer = null;
  delivery.status = status;
  delivery.nextAttemptAtMs = null;
}

function sendDue(desk: Desk): number {
  const now = desk.core.now();
  const due = desk.kept.filter((each) => each.cancelTimer !== null && (each.nextAttemptAtMs ?? 0) <= now);
  for (const delivery of due) release(desk, delivery);
  return due.length;
}

function newDelivery(webhook: Webhook, event: WebhookEvent, nowMs: number): Delivery {
  return {
    id: `dlv_${randomBytes(12).toString("hex")}`,
    webhook,
    event,
    status: "pending",
    responseCode: null,
    attemptCount: 0,
    createdAtMs: nowMs,
    lastAttemptAtMs: null,
    nextAttemptAtMs: null,
    signedAtSeconds: null,
    cancelTimer: null,
  };
}
