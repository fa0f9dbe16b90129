// What connecting needs of the world: an upstream's webhook desk, a gate that remembers what it was told.

import type { Failure, Result } from "../../src/core/failure.ts";
import { rcms } from "../../src/sources/rcms/rcms.ts";
import type { Upstream, Webhook, WebhookRequest } from "../../src/sources/source.ts";
import { type ConnectDeps, type ConnectRequest, disconnect } from "../../src/sync/connect.ts";
import type { JobMessage } from "../../src/sync/messages.ts";
import { createMemory } from "./memory.ts";
import { connectionOf, handClock } from "./world.ts";

export const ID = connectionOf("wales");
export const REQUEST: ConnectRequest = {
  id: ID,
  source: "rcms",
  account: { baseUrl: "https://up.example/v1", apiKey: "key-1", fields: {} },
  webhook: { by: "us", publicUrl: "https://mirror.example/" },
};

/** Registers each Idempotency-Key once, as RCMS does, and answers a repeat with the first answer. */
function webhookDesk() {
  const registered = new Map<string, Webhook & WebhookRequest>();
  const removed: string[] = [];
  let failure: Failure | undefined;
  const fail = (): Result<never> | undefined => failure && { ok: false, failure };
  const unused = () => Promise.reject(new Error("connecting asks for nothing else"));
  const upstream: Upstream = {
    fetchOne: unused,
    listChanged: unused,
    deliveries: unused,
    sendTest: unused,
    async registerWebhook(request) {
      const failed = fail();
      if (failed) return failed;
      const n = registered.size + 1;
      const webhook = registered.get(request.idempotencyKey) ?? {
        ...request,
        id: `wh_${n}`,
        signingSecret: `whsec_${n}`,
      };
      registered.set(request.idempotencyKey, webhook);
      return { ok: true, value: { id: webhook.id, signingSecret: webhook.signingSecret } };
    },
    async removeWebhook(id) {
      const failed = fail();
      if (failed) return failed;
      removed.push(id);
      return { ok: true, value: undefined };
    },
  };
  return {
    upstream,
    registered,
    removed,
    failWith: (next: Failure | undefined) => {
      failure = next;
    },
  };
}

export function setUp(replaced: (deps: ConnectDeps) => Partial<ConnectDeps> = () => ({})) {
  const clock = handClock();
  const memory = createMemory();
  const desk = webhookDesk();
  const gate: string[] = [];
  const jobs: JobMessage[] = [];
  let nonces = 0;
  const own: ConnectDeps = {
    now: clock.now,
    newNonce: () => `nonce-${++nonces}`,
    connections: memory.connections,
    queues: { sendJobs: async (sent) => void jobs.push(...sent) },
    gate: () => ({
      acquire: async () => ({ granted: true, report: false }),
      report: async () => {},
      resume: async () => void gate.push("resume"),
      clear: async () => void gate.push("clear"),
      lease: async () => true,
      release: async () => {},
    }),
    source: () => rcms,
    upstream: () => desk.upstream,
  };
  const deps = { ...own, ...replaced(own) };
  const letGo = (force = false) =>
    disconnect(deps, ID, { force, clearState: async () => void gate.push("clear state") });
  return { clock, memory, desk, gate, jobs, deps, letGo };
}
