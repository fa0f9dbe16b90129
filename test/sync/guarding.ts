// The guard of a subscription over a mirror in memory, with a webhook desk as RCMS keeps one.

import type { Failure, Result } from "../../src/core/failure.ts";
import { eventId } from "../../src/core/ids.ts";
import type { DeliveryEntry, Webhook, WebhookRequest } from "../../src/sources/source.ts";
import { guardSubscription, readDeliveryReport, type SubscriptionDeps } from "../../src/sync/subscription.ts";
import { digest } from "./consumer.ts";
import { MINUTE, sweeping } from "./sweeping.ts";
import { HERE, START } from "./world.ts";

export const SILENCE = 6 * 60 * MINUTE;

/** @throws when the text is no event id: a sample must be one */
export function evt(text: string) {
  const id = eventId(text);
  if (id === undefined) throw new Error(`${text} is no event id`);
  return id;
}

export function delivery(id: string, more: Partial<DeliveryEntry> = {}): DeliveryEntry {
  return {
    eventId: evt(id),
    type: "client.updated",
    status: "delivered",
    attempts: 1,
    createdAt: START,
    ...more,
  };
}

function webhookDesk() {
  const registered = new Map<string, Webhook & WebhookRequest>();
  const removed: string[] = [];
  const tested: string[] = [];
  const state = {
    webhook: "known" as "known" | "disabled" | "missing",
    /** Newest first. */
    entries: [] as readonly DeliveryEntry[],
    failure: undefined as Failure | undefined,
    refuseNew: undefined as Failure | undefined,
  };
  const failed = (): Result<never> | undefined => state.failure && { ok: false, failure: state.failure };
  const upstream: SubscriptionDeps["upstream"] = {
    async deliveries() {
      const { webhook, entries } = state;
      return failed() ?? { ok: true, value: webhook === "missing" ? { webhook } : { webhook, entries } };
    },
    async registerWebhook(request) {
      if (state.refuseNew) return { ok: false, failure: state.refuseNew };
      const n = registered.size + 2;
      const made = registered.get(request.idempotencyKey) ?? {
        ...request,
        id: `wh_${n}`,
        signingSecret: `whsec_${n}`,
      };
      registered.set(request.idempotencyKey, made);
      return { ok: true, value: { id: made.id, signingSecret: made.signingSecret } };
    },
    async removeWebhook(id) {
      removed.push(id);
      return { ok: true, value: undefined };
    },
    async sendTest(id) {
      tested.push(id);
      return failed() ?? { ok: true, value: undefined };
    },
  };
  return { upstream, registered, removed, tested, state };
}

export const URL = "https://mirror.example/hooks/here";

interface Registered {
  readonly id?: string;
  readonly url: string;
  readonly webhookEvents?: readonly string[];
}

/** Connected just now: by us as `wh_1`, unless told otherwise. */
export async function guarding(registered: Registered = { id: "wh_1", url: URL }) {
  const { webhookEvents, ...webhook } = registered;
  const world = await sweeping();
  const { memory, clock, cursors, sent, deps: swept } = world;
  const desk = webhookDesk();
  const account = { source: "rcms", baseUrl: "https://up.example/v1", apiKey: "key", fields: {} };
  await memory.connections.remove(HERE);
  await memory.connections.begin({ id: HERE, ...account, webhookEvents, nonce: "n", createdAt: START });
  await memory.connections.addSecret(HERE, "whsec_1", START, START);
  await memory.connections.activate(HERE, webhook);
  const deps: SubscriptionDeps = {
    now: clock.now,
    source: swept.source,
    upstream: desk.upstream,
    connections: memory.connections,
    ledger: memory.ledger,
    cursors,
    queues: swept.queues,
    digest,
    silenceMs: SILENCE,
    ledgerMs: 72 * 60 * MINUTE,
    log: swept.log,
  };
  async function connection() {
    const found = await memory.connections.get(HERE);
    if (found === undefined) throw new Error("it was just made");
    return found;
  }
  return {
    ...world,
    desk,
    deps,
    sent,
    connection,
    guard: async (more: Partial<SubscriptionDeps> = {}) =>
      guardSubscription({ ...deps, ...more }, await connection()),
    report: async () => readDeliveryReport(deps, await connection()),
    hear: (id: string, more: { doneAt?: number; outcome?: "test" | "parked" } = {}) =>
      memory.ledger.record(HERE, [
        {
          eventId: evt(id),
          type: "client.updated",
          receivedAt: clock.now(),
          outcome: more.outcome ?? "update",
          attempts: 1,
          ...(more.outcome === "parked" ? {} : { doneAt: clock.now() }),
        },
      ]),
    secrets: async () => (await memory.connections.receiver(HERE, clock.now()))?.signingSecrets,
  };
}
