// The port every upstream system is reached through. Differences between upstreams, and between the kinds of
// one upstream, are data here; nothing in sync/ asks which source it is talking to.

import type { Failure, Result } from "../core/failure.ts";
import type { EventId, Kind, RecordId, Ref } from "../core/ids.ts";
import type { Json, JsonObject } from "../core/json.ts";
import type { Sight, Snapshot } from "../core/record.ts";
import type { Verdict } from "./signature.ts";

export interface Source {
  readonly id: string;
  readonly kinds: Readonly<Record<Kind, KindSpec>>;
  /** An event's `created_at` may run ahead of its record's `updated_at` by this much and still speak of it. */
  readonly eventSlackMs: number;
  /** A write is expected in GETs after this long; webhooks may be faster. */
  readonly writeLagMs: number;
  /** After this long a write is in every GET, whatever happens: what `as_of` allows for. */
  readonly visibilityLagMs: number;
  /** The host or key does not fit: one sentence for the operator, or undefined. */
  accountProblem(account: Account): string | undefined;
  verify(delivery: Delivery, secrets: readonly string[], nowMs: number): Promise<Verdict>;
  /** Only ever called with a delivery that `verify` let in. A delivery may hold several events. */
  parse(delivery: Delivery): readonly ParsedEvent[];
  /** @param send already goes through the connection's gate */
  open(account: Account, send: Send, digest: Digest): Upstream;
}

/** Everything about a kind that differs between kinds or upstreams. */
export interface KindSpec {
  readonly payload: "thin" | "full";
  /** Present for kinds with a list that takes a since-filter. */
  readonly list?: { readonly path: string };
  /** Path of one record. Absent for full-payload kinds: there is nothing to fetch. */
  readonly single?: (id: RecordId) => string;
  /** `assumed`: RCMS does not document the route, so a 404 means nothing until one read has succeeded. */
  readonly singleRoute: "documented" | "assumed";
  readonly isTerminal: (record: JsonObject) => boolean;
  /** How the record is known when the upstream's answer carries no id of its own (a per-client document). */
  readonly idFromRef: boolean;
  readonly upkeep: Upkeep;
}

/** How a kind is kept fresh. What is absent is the environment's to say. */
export interface Upkeep {
  readonly sweepEveryMinutes?: number;
  /** How far before the watermark its sweep asks. */
  readonly overlapSeconds?: number;
  /** Records looked at in one run, for a kind without a since-filter. */
  readonly rowsPerRun?: number;
  /** How old a copy may be before a reader's ask refreshes it. */
  readonly ttlSeconds?: number;
}

export interface Account {
  readonly baseUrl: string;
  readonly apiKey: string;
  /** Per kind, the fields that may be kept; a kind without an entry keeps all. */
  readonly fields: Readonly<Partial<Record<Kind, readonly string[]>>>;
  /** Counts the changes of `fields`: what was cut to an outdated list is not stored. Absent: none yet. */
  readonly fieldsVersion?: number;
}

export interface Delivery {
  readonly header: (name: string) => string | null;
  readonly body: Uint8Array;
}

export type ParsedEvent =
  /** Thin: fetch the record it names. */
  | (EventHead & {
      readonly what: "changed";
      readonly ref: Ref;
      /** It also says that the client took an assessment. */
      readonly assessmentTaken?: true;
      /** It also says that a client who had left is back. */
      readonly readmitted?: true;
    })
  /** Full: the event is the record. */
  | (EventHead & { readonly what: "record"; readonly ref: Ref; readonly payload: JsonObject })
  /** The upstream's own trial delivery. */
  | (EventHead & { readonly what: "test" })
  /** Authentic, but of a type we do not know, or without what its type needs. Kept for the operator. */
  | (EventHead & { readonly what: "unknown"; readonly why: "type" | "envelope" });

export interface EventHead {
  /** Absent when the envelope has none; the receiver then derives one from the bytes. */
  readonly id?: EventId;
  readonly type: string;
  /** The upstream's clock, ms. */
  readonly createdAt?: number;
  readonly organizationId?: RecordId;
}

/** One account, opened. Every call goes through the gate. */
export interface Upstream {
  /** @param hint what the asker already knows and the answer may omit */
  fetchOne(ref: Ref, hint?: { readonly organizationId?: string }): Promise<Result<Look>>;
  /**
   * One page of what changed since (inclusive).
   * @param since ms, upstream's clock; undefined asks for everything: a rebuild, never a schedule
   * @param pageUrl the previous page's `nextUrl`
   */
  listChanged(kind: Kind, since: number | undefined, pageUrl?: string): Promise<Result<Page>>;
  registerWebhook(webhook: WebhookRequest): Promise<Result<Webhook>>;
  /** The upstream's own log of what it sent, newest first; `missing` when it knows no such webhook. */
  deliveries(webhookId: string): Promise<Result<DeliveryLog>>;
  /** Asks for a trial delivery. */
  sendTest(webhookId: string): Promise<Result<void>>;
  /** Removing what is already gone is success. */
  removeWebhook(webhookId: string): Promise<Result<void>>;
}

/** What a single read showed, and the id the upstream itself gave it when that is another than asked. */
export type Look = Sight & { readonly routeMissing?: boolean };

export interface Page {
  readonly snapshots: readonly Snapshot[];
  /** Rows that could not be understood: counted, never guessed at. */
  readonly unreadable: number;
  readonly nextUrl?: string;
  /** The upstream's clock when it answered, ms. */
  readonly upstreamNow?: number;
  /** When it was asked, by the earlier of both clocks, ms. Absent where the upstream told no time. */
  readonly asOf?: number;
}

export interface WebhookRequest {
  readonly url: string;
  readonly events?: readonly string[];
  readonly description: string;
  readonly idempotencyKey: string;
}

export interface Webhook {
  readonly id: string;
  readonly signingSecret: string;
}

export type DeliveryLog =
  | { readonly webhook: "missing" }
  | { readonly webhook: "known" | "disabled"; readonly entries: readonly DeliveryEntry[] };

export interface DeliveryEntry {
  readonly eventId?: EventId;
  readonly type: string;
  readonly status: "delivered" | "pending" | "failed";
  readonly attempts: number;
  /** Upstream's clock, ms. */
  readonly createdAt?: number;
}

export interface UpstreamRequest {
  readonly method: "GET" | "POST" | "DELETE";
  /** A path below the base URL, or a whole URL that must lie below it. */
  readonly target: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Json;
  readonly idempotencyKey?: string;
}

/** An answer below 300, or one of the statuses that mean something to an adapter (404, 405, 410). */
export interface UpstreamAnswer {
  readonly status: number;
  /** Absent for an empty body. */
  readonly json?: Json;
  /** When the request was started, by our clock, ms. */
  readonly startedAt: number;
  /** The `Date` header, ms. */
  readonly upstreamNow?: number;
  /** When it was asked, by the earlier of both clocks, ms. Absent without `Date`. */
  readonly asOf?: number;
  /** The upstream says its allowance is spent for this long. */
  readonly holdMs?: number;
}

export type Send = (request: UpstreamRequest) => Promise<Result<UpstreamAnswer>>;

/** Text → hex digest. */
export type Digest = (text: string) => string;

export function badAnswer(why: Extract<Failure, { kind: "bad_answer" }>["why"]): {
  readonly ok: false;
  readonly failure: Failure;
} {
  return { ok: false, failure: { kind: "bad_answer", why } };
}
