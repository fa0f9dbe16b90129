// The operator's view of a connection: numbers that answer "is my mirror fresh, and how do I know?". No secret,
// no name of a person, no payload.

import { KINDS, type Kind } from "../core/ids.ts";
import { isoInstant } from "../core/instant.ts";
import type { Cursors, Queues, SweepSummary } from "./ports.ts";
import type { ConnectionHead, DeadLetterStore, KindStore, Ledger, RecordStore } from "./stores.ts";

export interface OverviewDeps {
  readonly now: () => number;
  readonly records: Pick<RecordStore, "counts" | "openReminders">;
  readonly queues: Pick<Queues, "backlog">;
  readonly ledger: Pick<Ledger, "latency" | "lastReceivedAt">;
  readonly deadLetters: Pick<DeadLetterStore, "count">;
  readonly cursors: Cursors;
  readonly kinds: Pick<KindStore, "drift" | "completeKinds">;
  readonly verifyBudget: number;
  readonly sweepMinutes: number;
}

export async function overview(deps: OverviewDeps, connection: ConnectionHead) {
  const { id } = connection;
  const [
    counts,
    reminders,
    backlog,
    latency,
    lastReceivedAt,
    deadLetters,
    drift,
    complete,
    verified,
    ...cursors
  ] = await Promise.all([
    deps.records.counts(id),
    deps.records.openReminders(id, deps.now()),
    deps.queues.backlog(),
    deps.ledger.latency(id),
    deps.ledger.lastReceivedAt(id),
    deps.deadLetters.count(id),
    deps.kinds.drift(id),
    deps.kinds.completeKinds(id),
    deps.cursors.read(id, "verify"),
    ...KINDS.map((kind) => deps.cursors.read(id, kind)),
  ]);
  const kinds = KINDS.map((kind, i) => [
    kind,
    {
      records: counts[kind] ?? 0,
      complete: complete.includes(kind),
      watermark: optionalInstant(cursors[i]?.watermark),
      last_sweep: sweepFigures(cursors[i]?.last),
      drift: drift[kind] ?? { missed: 0, late: 0, rewritten: 0, deleted: 0 },
    },
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
    last_event_at: optionalInstant(lastReceivedAt),
    latency: latency ? { p50_ms: latency.p50, p95_ms: latency.p95, events: latency.events } : null,
    queues: backlog ?? null,
    dead_letters: deadLetters,
    reminders: {
      open: reminders.open,
      oldest_open_at: optionalInstant(reminders.oldest),
      open_over_1_hour: reminders.overHour,
      open_over_1_day: reminders.overDay,
    },
    kinds: Object.fromEntries(kinds),
    verifier: verifierFigures(deps, verified.last, verifiedKinds(counts)),
  };
}

/** Deletions show up when the verifier's round comes past: records ÷ budget × interval. */
function verifierFigures(deps: OverviewDeps, last: SweepSummary | undefined, records: number) {
  const rounds = deps.verifyBudget === 0 ? null : Math.ceil(records / deps.verifyBudget);
  return {
    last_run_at: optionalInstant(last?.at),
    checked: last?.seen ?? 0,
    drifted: last?.drifted ?? 0,
    deletions_noticed_within_minutes: rounds === null ? null : rounds * deps.sweepMinutes,
  };
}

function verifiedKinds(counts: Readonly<Partial<Record<Kind, number>>>): number {
  return KINDS.reduce((sum, kind) => (kind === "reminders" ? sum : sum + (counts[kind] ?? 0)), 0);
}

function sweepFigures(last: SweepSummary | undefined) {
  return last ? { at: isoInstant(last.at), pages: last.pages, seen: last.seen, drifted: last.drifted } : null;
}

function optionalInstant(at: number | undefined): string | null {
  return at === undefined ? null : isoInstant(at);
}
