// Does the upstream still deliver? Its own log tells: failures, a disabled or vanished endpoint, deliveries it
// calls done that never reached the ledger. A dead webhook is registered anew; silence is tested.

import type { Result } from "../core/failure.ts";
import { describeFailure, type Failure } from "../core/failure.ts";
import type { EventId } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import type { DeliveryEntry, DeliveryLog, Source, Upstream } from "../sources/source.ts";
import type { Cursors, Log, Queues } from "./ports.ts";
import type { Connection, ConnectionStore, Ledger } from "./stores.ts";
import { sweptKinds } from "./sweep.ts";

export interface SubscriptionDeps {
  readonly now: () => number;
  readonly source: Source;
  /** Through the gate, as class `sweep`. */
  readonly upstream: Pick<Upstream, "deliveries" | "registerWebhook" | "removeWebhook" | "sendTest">;
  readonly connections: ConnectionStore;
  readonly ledger: Pick<Ledger, "known" | "lastReceivedAt">;
  readonly cursors: Cursors;
  readonly queues: Pick<Queues, "sendJobs">;
  readonly digest: (text: string) => string;
  readonly silenceMs: number;
  /** How long the ledger remembers. */
  readonly ledgerMs: number;
  readonly log: Log;
}

export interface DeliveryReport {
  readonly webhook: "active" | "disabled" | "missing" | "unknown";
  readonly deliveries: number;
  readonly failed: readonly DeliveryEntry[];
  /** Attempts that failed since the last one that succeeded. */
  readonly failuresInARow: number;
  /** Called delivered by the upstream, and not in the ledger. */
  readonly missing: readonly DeliveryEntry[];
}

/** Reads the upstream's delivery log and holds it against the ledger. Changes nothing. */
export async function readDeliveryReport(
  deps: Pick<SubscriptionDeps, "now" | "upstream" | "ledger" | "ledgerMs">,
  connection: Connection,
): Promise<Result<DeliveryReport>> {
  const empty = { deliveries: 0, failed: [], failuresInARow: 0, missing: [] };
  if (connection.webhookId === undefined) return { ok: true, value: { ...empty, webhook: "unknown" } };
  const log = await deps.upstream.deliveries(connection.webhookId);
  if (!log.ok) return log;
  if (log.value.webhook === "missing") return { ok: true, value: { ...empty, webhook: "missing" } };
  const { entries } = log.value;
  const failuresInARow = countFailures(entries);
  return {
    ok: true,
    value: {
      webhook: isDead(log.value, failuresInARow) ? "disabled" : "active",
      deliveries: entries.length,
      failed: entries.filter(({ status }) => status === "failed"),
      failuresInARow,
      missing: await notInLedger(deps, connection, entries),
    },
  };
}

/** One round of the guard. @returns why the delivery log could not be read: the round is to be repeated then */
export async function guardSubscription(
  deps: SubscriptionDeps,
  connection: Connection,
): Promise<Failure | undefined> {
  const report = await readDeliveryReport(deps, connection);
  if (report.ok) {
    const { webhook, failed, failuresInARow, missing } = report.value;
    const dead = webhook === "missing" || webhook === "disabled";
    // The silence of a dead webhook is explained; its successor is listened to from the next round on.
    if (dead) {
      await revive(deps, connection, webhook, failed);
      return undefined;
    }
    await tell(deps, connection, "webhook/dead", false);
    const failing = failuresInARow > 0;
    await tell(
      deps,
      connection,
      "webhook/failing",
      failing && `The last ${failuresInARow} deliveries of RCMS failed.`,
    );
    const lost = missing.length > 0;
    if (lost) deps.log("warn", "deliveries_missing", { connection: connection.id, count: missing.length });
    await tell(
      deps,
      connection,
      "webhook/missing",
      lost && `${missing.length} deliveries that RCMS calls done are not in the ledger.`,
    );
  }
  await listenForSilence(deps, connection);
  return report.ok ? undefined : report.failure;
}

/**
 * A dead webhook only comes back as a new one. The key of the registration is made from the dead one's id, so
 * that however often this is repeated there is one successor; the old secret stays valid for what is under way.
 */
async function revive(
  deps: SubscriptionDeps,
  connection: Connection,
  was: "missing" | "disabled",
  failed: readonly DeliveryEntry[],
): Promise<void> {
  const { id, webhookId, webhookUrl, webhookEvents } = connection;
  if (webhookId === undefined) return;
  if (webhookUrl === undefined) {
    await tell(
      deps,
      connection,
      "webhook/dead",
      `The webhook is ${was}; it was registered by hand and has to be again.`,
    );
    return;
  }
  const reply = await deps.upstream.registerWebhook({
    url: webhookUrl,
    description: `rcms-mirror ${id}`,
    idempotencyKey: deps.digest(`${id} ${webhookId} successor`),
    ...(webhookEvents === undefined ? {} : { events: webhookEvents }),
  });
  if (!reply.ok) {
    const reason = `The webhook is ${was} and could not be registered anew: ${describeFailure(reply.failure)}.`;
    await tell(deps, connection, "webhook/dead", reason);
    return;
  }
  const now = deps.now();
  await deps.connections.addSecret(id, reply.value.signingSecret, now, now + limits.secretOverlapMs);
  await deps.connections.activate(id, { id: reply.value.id, url: webhookUrl });
  if (was === "disabled") await deps.upstream.removeWebhook(webhookId);
  await tell(deps, connection, "webhook/dead", false);
  deps.log("warn", "webhook_registered_anew", { connection: id, was });
  await sweepOutage(deps, connection, failed);
}

/**
 * What happened while nothing was delivered, from the oldest failure the log still shows. Noted beside the
 * cursors, not in them: a sweep under way would write over it.
 */
async function sweepOutage(
  deps: SubscriptionDeps,
  connection: Connection,
  failed: readonly DeliveryEntry[],
): Promise<void> {
  const { id } = connection;
  const since = Math.min(...failed.map(({ createdAt }) => createdAt ?? Number.POSITIVE_INFINITY));
  const kinds = sweptKinds(deps.source);
  if (Number.isFinite(since)) {
    const listed = kinds.filter((kind) => deps.source.kinds[kind].list !== undefined);
    for (const kind of listed) await deps.cursors.write(id, `outage/${kind}`, { watermark: since });
  }
  await deps.queues.sendJobs([{ job: "sweep", connection: id, kinds }]);
}

/** Nothing heard for long: ask for a test, and expect it back. */
async function listenForSilence(deps: SubscriptionDeps, connection: Connection): Promise<void> {
  const now = deps.now();
  const heardAt = Math.max(connection.createdAt, (await deps.ledger.lastReceivedAt(connection.id)) ?? 0);
  if (now - heardAt < deps.silenceMs) return tell(deps, connection, "webhook/silent", false);
  const testedAt = connection.webhookTestedAt ?? 0;
  const unanswered = testedAt > heardAt && now - testedAt >= limits.testEchoMs;
  const hours = Math.floor((now - heardAt) / 3_600_000);
  if (unanswered) {
    const reason = `Nothing was heard from RCMS for ${hours} h, not even the test delivery.`;
    await tell(deps, connection, "webhook/silent", reason);
  }
  if (connection.webhookId === undefined || (testedAt > heardAt && !unanswered)) return;
  await deps.connections.noteTest(connection.id, now);
  await deps.upstream.sendTest(connection.webhookId);
}

async function tell(
  deps: SubscriptionDeps,
  { id }: Connection,
  name: string,
  reason: string | false,
): Promise<void> {
  if (reason === false) await deps.connections.clear(id, name);
  else await deps.connections.raise(id, { name, reason }, deps.now());
}

function isDead(log: Exclude<DeliveryLog, { webhook: "missing" }>, failuresInARow: number): boolean {
  return log.webhook === "disabled" || failuresInARow >= limits.deadAfterFailures;
}

/** @param entries newest first */
function countFailures(entries: readonly DeliveryEntry[]): number {
  const lastGood = entries.findIndex(({ status }) => status === "delivered");
  const since = lastGood < 0 ? entries : entries.slice(0, lastGood);
  return since.reduce((sum, { attempts }) => sum + attempts, 0);
}

async function notInLedger(
  deps: Pick<SubscriptionDeps, "now" | "ledger" | "ledgerMs">,
  connection: Connection,
  entries: readonly DeliveryEntry[],
): Promise<readonly DeliveryEntry[]> {
  // What was just delivered may still be on the queue; what is old the ledger has let go.
  const now = deps.now();
  const due = entries.filter(({ status, createdAt = 0 }) => {
    const age = now - createdAt;
    return status === "delivered" && age > limits.webhookDueMs && age < deps.ledgerMs;
  });
  const ids = due.flatMap(({ eventId }): readonly EventId[] => (eventId === undefined ? [] : [eventId]));
  const known = await deps.ledger.known(connection.id, ids);
  return due.filter(({ eventId }) => eventId !== undefined && !known.has(eventId));
}
