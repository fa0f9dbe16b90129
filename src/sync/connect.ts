// Connecting an upstream account, and letting go of it again. Registering the webhook is the worker's own
// work: no person handles the signing secret.

import { describeFailure, type Failure } from "../core/failure.ts";
import type { CallClass } from "../core/gate.ts";
import type { ConnectionId } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import type { Account, Source, Upstream } from "../sources/source.ts";
import type { Gate, Queues } from "./ports.ts";
import type { Connection, ConnectionStore } from "./stores.ts";
import { sweptKinds } from "./sweep.ts";

export interface ConnectDeps {
  readonly now: () => number;
  readonly newNonce: () => string;
  readonly connections: ConnectionStore;
  readonly queues: Pick<Queues, "sendJobs">;
  readonly gate: (id: ConnectionId) => Gate;
  readonly source: (id: string) => Source;
  /** Opened with the given account, through the connection's gate. */
  readonly upstream: (id: ConnectionId, source: string, account: Account, callClass: CallClass) => Upstream;
}

export interface ConnectRequest {
  readonly id: ConnectionId;
  readonly source: string;
  readonly account: Account;
  readonly webhook:
    | { readonly by: "us"; readonly publicUrl: string; readonly events?: readonly string[] | undefined }
    | { readonly by: "hand"; readonly signingSecret: string; readonly webhookId?: string | undefined };
}

export type Connected =
  | { readonly result: "connected"; readonly connection: Connection }
  | { readonly result: "exists" }
  | { readonly result: "refused"; readonly reason: string };

/**
 * The row is written before the upstream is asked, with the nonce that makes asking idempotent: a crash after
 * the upstream answered is repaired by asking again with the same nonce, and no second webhook appears. A
 * refusal leaves nothing behind.
 */
export async function connect(deps: ConnectDeps, request: ConnectRequest): Promise<Connected> {
  const { id, source, account, webhook } = request;
  const nonce = deps.newNonce();
  const webhookEvents = webhook.by === "us" ? webhook.events : undefined;
  const row = { id, source, ...account, webhookEvents, createdAt: deps.now() };
  const begun = await deps.connections.begin({ ...row, nonce });
  const openNonce = begun ? nonce : await deps.connections.unfinished(id);
  if (openNonce === undefined) return { result: "exists" };
  if (!begun) {
    await deps.connections.remove(id);
    await deps.connections.begin({ ...row, nonce: openNonce });
  }
  // A gate of this name may remember an earlier connection's pause.
  await deps.gate(id).resume();

  const registered = await registerOrTake(deps, request, openNonce);
  if (!registered.ok) {
    await deps.connections.remove(id);
    await deps.gate(id).clear();
    return { result: "refused", reason: describeFailure(registered.failure) };
  }
  const { secret, webhookId } = registered;
  await deps.connections.addSecret(id, secret, deps.now(), deps.now());
  const url = webhook.by === "us" ? webhookUrl(webhook.publicUrl, id) : "";
  await deps.connections.activate(id, { ...(webhookId === undefined ? {} : { id: webhookId }), url });
  // The first sweep pulls nothing; it sets the instant from which nothing can be missed any more (SW1).
  await deps.queues.sendJobs([{ job: "sweep", connection: id, kinds: sweptKinds(deps.source(source)) }]);
  const connection = await deps.connections.get(id);
  if (connection === undefined) throw new Error("the connection was removed while it was being made");
  return { result: "connected", connection };
}

/** The path RCMS is given. */
export function webhookUrl(publicUrl: string, id: ConnectionId): string {
  return `${publicUrl.replace(/\/+$/, "")}/hooks/${id}`;
}

export type Disconnected =
  | {
      readonly result: "removed";
      readonly rows: Readonly<Record<string, number>>;
      readonly webhook: "removed" | "left";
    }
  | { readonly result: "absent" }
  | { readonly result: "refused"; readonly reason: string };

/**
 * Removes the upstream webhook first: while the row lives, a failure can be repeated. A key that is no longer
 * accepted cannot remove anything and does not hold the rest up.
 * @param force let go even if the upstream cannot be reached; its webhook then stays behind
 */
export async function disconnect(
  deps: ConnectDeps,
  id: ConnectionId,
  options: { readonly force: boolean; readonly clearState: () => Promise<void> },
): Promise<Disconnected> {
  const connection = await deps.connections.get(id);
  if (connection === undefined) return { result: "absent" };
  const removed = await removeWebhook(deps, connection);
  if (!removed.ok && !options.force && !cannotEver(removed.failure)) {
    return { result: "refused", reason: describeFailure(removed.failure) };
  }
  const rows = await deps.connections.remove(id);
  await options.clearState();
  await deps.gate(id).clear();
  return { result: "removed", rows, webhook: removed.ok ? "removed" : "left" };
}

/**
 * After a pause: the operator's word that the key is good again, or a new key. What was parked meanwhile is
 * sent again.
 * @returns false when there is no such connection
 */
export async function resume(deps: ConnectDeps, id: ConnectionId, apiKey?: string): Promise<boolean> {
  const connection = await deps.connections.get(id);
  if (connection === undefined) return false;
  if (apiKey !== undefined) await deps.connections.setApiKey(id, apiKey);
  await deps.gate(id).resume();
  await deps.connections.unpause(id);
  await deps.queues.sendJobs([{ job: "replay", connection: id, parkedBefore: deps.now() + 1 }]);
  return true;
}

/** The newest secret is used by RCMS from now on; what it signed with an older one may still be under way. */
export async function addSecret(deps: ConnectDeps, id: ConnectionId, secret: string): Promise<boolean> {
  const now = deps.now();
  if ((await deps.connections.get(id)) === undefined) return false;
  await deps.connections.addSecret(id, secret, now, now + limits.secretOverlapMs);
  return true;
}

type Registered =
  | { readonly ok: true; readonly secret: string; readonly webhookId?: string | undefined }
  | { readonly ok: false; readonly failure: Failure };

async function registerOrTake(
  deps: ConnectDeps,
  request: ConnectRequest,
  nonce: string,
): Promise<Registered> {
  const { id, source, account, webhook } = request;
  if (webhook.by === "hand") return { ok: true, secret: webhook.signingSecret, webhookId: webhook.webhookId };
  const reply = await deps.upstream(id, source, account, "interactive").registerWebhook({
    url: webhookUrl(webhook.publicUrl, id),
    description: `rcms-mirror ${id}`,
    idempotencyKey: nonce,
    ...(webhook.events === undefined ? {} : { events: webhook.events }),
  });
  return reply.ok ? { ok: true, secret: reply.value.signingSecret, webhookId: reply.value.id } : reply;
}

async function removeWebhook(deps: ConnectDeps, connection: Connection) {
  const { id, source, webhookId } = connection;
  if (webhookId === undefined) return { ok: true } as const;
  // A pause must not keep the last call from going out.
  await deps.gate(id).resume();
  return deps.upstream(id, source, connection, "interactive").removeWebhook(webhookId);
}

function cannotEver(failure: Failure): boolean {
  return failure.kind === "key_rejected" || failure.kind === "forbidden";
}
