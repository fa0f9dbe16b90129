// The operator's view of a connection: numbers that answer "is my mirror fresh, and how do I know?". No secret,
// no name of a person, no payload.

import { KINDS } from "../core/ids.ts";
import { isoInstant } from "../core/instant.ts";
import type { ConnectionHead, DeadLetterStore, Ledger, RecordStore } from "./ports.ts";

export interface OverviewDeps {
  readonly records: Pick<RecordStore, "counts">;
  readonly ledger: Pick<Ledger, "latency" | "lastReceivedAt">;
  readonly deadLetters: Pick<DeadLetterStore, "count">;
}

export async function overview(deps: OverviewDeps, connection: ConnectionHead) {
  const { id } = connection;
  const [counts, latency, lastReceivedAt, deadLetters] = await Promise.all([
    deps.records.counts(id),
    deps.ledger.latency(id),
    deps.ledger.lastReceivedAt(id),
    deps.deadLetters.count(id),
  ]);
  return {
    id,
    source: connection.source,
    base_url: connection.baseUrl,
    status: connection.status,
    status_reason: connection.statusReason ?? null,
    created_at: isoInstant(connection.createdAt),
    webhook_id: connection.webhookId ?? null,
    webhook_url: connection.webhookUrl ?? null,
    last_event_at: lastReceivedAt === undefined ? null : isoInstant(lastReceivedAt),
    latency: latency ? { p50_ms: latency.p50, p95_ms: latency.p95, events: latency.events } : null,
    dead_letters: deadLetters,
    kinds: Object.fromEntries(KINDS.map((kind) => [kind, { records: counts[kind] ?? 0 }])),
  };
}
