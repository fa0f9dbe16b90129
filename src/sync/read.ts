// One record for a reader: the copy that is held, or fetched now, as core/freshness.ts says (RD3).

import { recordAsOf, type Vouch } from "../core/as-of.ts";
import { NO_WISHES, type ReadRule, type ReadState, readRule, type Wishes } from "../core/freshness.ts";
import { type ConnectionId, type Kind, type Ref, refKey } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import type { MirrorRecord } from "../core/record.ts";
import type { Looked, Queues, Shown, Writers } from "./ports.ts";
import { type ReplicaDeps, replicaFor } from "./replica.ts";
import type { RecordStore, RefreshStore } from "./stores.ts";

export interface ReadDeps extends ReplicaDeps, KeptDeps {
  readonly records: Pick<RecordStore, "one">;
  readonly refreshes: Pick<RefreshStore, "claim">;
  readonly queues: Pick<Queues, "sendJobs">;
  /** An old answer only claims less. */
  readonly vouch: (connection: ConnectionId, kind: Kind) => Promise<Vouch | undefined>;
  readonly writers: (connection: ConnectionId) => Pick<Writers, "look">;
  readonly sleep: (ms: number) => Promise<void>;
  /** Lets work finish after its reader was answered. */
  readonly keepAlive: (work: Promise<unknown>) => void;
  /** Refs lately found to exist nowhere, so that guessing ids costs the upstream nothing. */
  readonly absent: { has(key: string): boolean; add(key: string): void };
}

/** What an isolate knows without a trip anywhere. */
export interface KeptDeps {
  readonly now: () => number;
  readonly ttlMs: (kind: Kind) => number;
  readonly visibilityLagMs: number;
  /** Copies kept for a moment (RD5). */
  readonly copies: Copies;
  /** What looks have lately shown to be unchanged: nothing is written for that, so it is only remembered. */
  readonly shown: { get(key: string): Shown | undefined; set(key: string, shown: Shown): void };
}

/** A row as it was read, with what vouched for it **before** it was read: read later, it could vouch for more. */
export interface Held {
  readonly record: MirrorRecord;
  readonly vouch: Vouch | undefined;
}

export interface Copies {
  get(connection: ConnectionId, ref: Ref): Held | undefined;
  /** Called before a row is read. What it returns keeps the row, unless it was written meanwhile. */
  begin(connection: ConnectionId, ref: Ref): (held: Held) => void;
}

/** How an answer came about, for `Cache-Status` (RFC 9211). */
export type Via =
  | { readonly hit: true; readonly why?: "terminal" | "upstream-unavailable" | "unconfirmed" }
  | { readonly hit: false; readonly fwd: "miss" | "stale" | "request"; readonly stored: boolean };

export interface FoundRecord {
  readonly result: "found";
  readonly record: MirrorRecord;
  /** ms */
  readonly asOf: number;
  readonly ttlMs: number;
  readonly via: Via;
  /** Of the replica it came from. */
  readonly bookmark?: string | undefined;
}

export type Read =
  | FoundRecord
  | { readonly result: "absent" }
  /** Only a copy was wanted, and there is none that will do. */
  | { readonly result: "not_held" }
  /** Neither the mirror nor, in time, the upstream could say. */
  | { readonly result: "unavailable" };

export interface Asked {
  readonly ref: Ref;
  /** May the reader see it? What it may not see takes the very path of what does not exist, outages included. */
  readonly visible: (record: MirrorRecord) => boolean;
  /** What is known of the record's organization, where its own document omits it. */
  readonly organizationId?: string | undefined;
  readonly wishes: Wishes;
  /** The reader knows of a change with this `seq`: a copy kept from before may not show it. */
  readonly minSeq?: number | undefined;
  /** A copy of the database that has come this far will do; empty: any copy. */
  readonly bookmark?: string | undefined;
}

/** What `readOne` would serve of this isolate's copies to a reader with no wishes, where that leaves nothing to do. */
export function readKept(
  deps: KeptDeps,
  connection: ConnectionId,
  { ref, visible }: Pick<Asked, "ref" | "visible">,
): FoundRecord | undefined {
  const kept = deps.copies.get(connection, ref);
  if (kept === undefined || kept.record.deletedAt !== undefined || !visible(kept.record)) return undefined;
  const asOf = asOfHeld(deps, connection, kept);
  const rule = ruleOf(deps, ref.kind, { asOf, terminal: kept.record.terminal }, NO_WISHES);
  if (rule.do !== "serve" || rule.refresh) return undefined;
  return { result: "found", record: kept.record, asOf, ttlMs: deps.ttlMs(ref.kind), via: HIT };
}

const HIT: Via = { hit: true };

export async function readOne(deps: ReadDeps, connection: ConnectionId, asked: Asked): Promise<Read> {
  const kept = keptCopy(deps, connection, asked);
  const keptRule = kept && ruleFor(deps, connection, asked, kept);
  if (keptRule?.do === "serve") return serve(deps, connection, asked, kept, keptRule);
  if (asked.bookmark !== undefined) {
    const near = await loadNear(deps, connection, asked, asked.bookmark);
    if (near !== undefined) return near;
  }
  const held = await load(deps, connection, asked);
  const rule = ruleFor(deps, connection, asked, held);
  switch (rule.do) {
    case "serve":
      return serve(deps, connection, asked, held, rule);
    case "refuse":
      return { result: "not_held" };
    case "fetch":
      return fetchNow(deps, connection, asked, held, rule);
  }
}

type Serving = Extract<ReadRule, { do: "serve" }>;
type Fetching = Extract<ReadRule, { do: "fetch" }>;

function ruleFor(deps: KeptDeps, connection: ConnectionId, asked: Asked, held: Held | undefined): ReadRule {
  const copy = held && { asOf: asOfHeld(deps, connection, held), terminal: held.record.terminal };
  return ruleOf(deps, asked.ref.kind, copy, asked.wishes);
}

function ruleOf(deps: KeptDeps, kind: Kind, copy: ReadState["copy"], wishes: Wishes): ReadRule {
  return readRule({
    now: deps.now(),
    ttlMs: deps.ttlMs(kind),
    lagMs: deps.visibilityLagMs,
    copy,
    wishes,
    missMs: limits.missCacheMs,
  });
}

/** Its own fetch, the sweeps, or a look that found it unchanged: whichever says most. */
function asOfHeld(deps: KeptDeps, connection: ConnectionId, { record, vouch }: Held): number {
  const asOf = recordAsOf(record, vouch, deps.visibilityLagMs);
  const shown = deps.shown.get(keyOf(connection, record));
  if (shown?.hash !== record.hash || record.deletedAt !== undefined) return asOf;
  return Math.max(asOf, shown.asOf - deps.visibilityLagMs);
}

function keptCopy(deps: KeptDeps, connection: ConnectionId, asked: Asked): Held | undefined {
  const kept = deps.copies.get(connection, asked.ref);
  if (kept === undefined || kept.record.seq < (asked.minSeq ?? 0)) return undefined;
  return asked.visible(kept.record) ? kept : undefined;
}

/** From a replica, when its row can be served as it is. Whatever else there is to do begins at the primary. */
async function loadNear(
  deps: ReadDeps,
  connection: ConnectionId,
  asked: Asked,
  bookmark: string,
): Promise<Read | undefined> {
  const { ref, visible, minSeq } = asked;
  const vouch = await deps.vouch(connection, ref.kind);
  const replica = replicaFor(deps, bookmark, [vouch]);
  const record = await replica?.records.one(connection, ref);
  if (record === undefined || record.deletedAt !== undefined || !visible(record)) return undefined;
  if (record.seq < (minSeq ?? 0)) return undefined;
  const held = { record, vouch };
  const rule = ruleFor(deps, connection, asked, held);
  if (rule.do !== "serve") return undefined;
  const read = serve(deps, connection, asked, held, rule);
  return read.result === "found" ? { ...read, bookmark: replica?.bookmark() } : read;
}

/** From the database. What vouches is read first: whatever it vouches for is then in the rows. */
async function load(deps: ReadDeps, connection: ConnectionId, asked: Asked): Promise<Held | undefined> {
  const { ref, visible, wishes } = asked;
  const keep = deps.copies.begin(connection, ref);
  const vouch = await deps.vouch(connection, ref.kind);
  const record = await deps.records.one(connection, ref);
  if (record === undefined) return undefined;
  const held = { record, vouch };
  if (!wishes.noStore && record.id === ref.id) keep(held);
  return visible(record) ? held : undefined;
}

function serve(
  deps: ReadDeps,
  connection: ConnectionId,
  { ref }: Asked,
  held: Held | undefined,
  { stale, refresh: aged }: Serving,
): Read {
  if (held === undefined) return { result: "absent" };
  if (aged) deps.keepAlive(refresh(deps, connection, ref));
  const terminal = stale && held.record.terminal;
  return found(deps, connection, held, terminal ? { hit: true, why: "terminal" } : { hit: true });
}

/** The reader waits, a bounded time; whoever reads the same record meanwhile shares the call, at the writer. */
async function fetchNow(
  deps: ReadDeps,
  connection: ConnectionId,
  asked: Asked,
  held: Held | undefined,
  { why, notBefore }: Fetching,
): Promise<Read> {
  const { ref, organizationId, wishes } = asked;
  const key = keyOf(connection, ref);
  if (held === undefined && !wishes.noCache && deps.absent.has(key)) return { result: "absent" };

  const look = deps.writers(connection).look([{ ref, class: "interactive", organizationId, notBefore }]);
  deps.keepAlive(look);
  const late: readonly Looked[] = [];
  const [looked] = await Promise.race([look, deps.sleep(limits.readThroughMs).then(() => late)]);
  if (!looked?.ok) {
    if (held === undefined) return { result: "unavailable" };
    return found(deps, connection, held, { hit: true, why: "upstream-unavailable" });
  }

  const fetched = await load(deps, connection, asked);
  if (fetched === undefined) {
    deps.absent.add(key);
    return { result: "absent" };
  }
  if (looked.shown) deps.shown.set(keyOf(connection, fetched.record), looked.shown);
  if (looked.shown?.hash === fetched.record.hash) {
    const stored = looked.decision !== "unchanged";
    return found(deps, connection, fetched, { hit: false, fwd: why, stored });
  }
  // The upstream showed something that counts only if a second look agrees: until then the copy stands.
  if (looked.doubt) deps.keepAlive(refresh(deps, connection, ref, limits.confirmAfterMs / 1_000 + 1));
  return found(deps, connection, fetched, { hit: true, why: "unconfirmed" });
}

/** A page that many look at asks once per time to live. Failing to ask is no failure of the read. */
async function refresh(deps: ReadDeps, connection: ConnectionId, ref: Ref, delaySeconds = 0): Promise<void> {
  try {
    if (!(await deps.refreshes.claim(connection, ref, deps.now(), deps.ttlMs(ref.kind)))) return;
    await deps.queues.sendJobs([{ job: "look", connection, ref }], delaySeconds);
  } catch {
    // The next reader after the time to live asks again.
  }
}

function found(deps: KeptDeps, connection: ConnectionId, held: Held, via: Via): Read {
  const { record } = held;
  if (record.deletedAt !== undefined) return { result: "absent" };
  const asOf = asOfHeld(deps, connection, held);
  return { result: "found", record, asOf, ttlMs: deps.ttlMs(record.kind), via };
}

function keyOf(connection: ConnectionId, ref: Ref): string {
  return `${connection}/${refKey(ref)}`;
}
