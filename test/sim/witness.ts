// Watches a history while it happens: every row the mirror writes, every cursor it saves, every fetch, every answer
// to an app. What must never be, not even for a moment, is noted with its instant and the name of what it breaks.

import type { MirrorRecord } from "../../src/core/record.ts";
import { isWanted } from "../../src/sync/rebuild.ts";
import { accountEvents } from "./accounts.ts";
import type { Shown } from "./api.ts";
import { type Claims, createClaims } from "./claims.ts";
import { TTL_MS } from "./isolates.ts";
import { truth } from "./network.ts";
import type { Simulation } from "./simulation.ts";
import { nameOf, versionOf } from "./versions.ts";

/** "A few seconds", generously: what as_of allows for. */
const VISIBILITY_MS = 10_000;
const CONFIRM_MS = 60_000;
/** More of one history say nothing new. */
const ENOUGH = 20;

/** @param invariant its name, the first word of the violation */
export type Blame = (invariant: string, what: string) => void;

export interface Held {
  readonly number: number;
  readonly at: number;
}

export interface Witness {
  readonly violations: string[];
  readonly blame: Blame;
  readonly claims: Claims;
  /** By `<kind>/<id>`: the versions the mirror came to hold, and when. */
  readonly held: ReadonlyMap<string, readonly Held[]>;
  readonly counters: Readonly<Record<string, number>>;
  /** What became of events, by the ledger's own words. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly fetchedSince: (key: string, at: number) => readonly Shown[];
  /** Of everything that happened, in order. */
  hash(): string;
  /** Something happened. */
  trace(entry: string): void;
}

export function watch(sim: Simulation): Witness {
  const { clock, mirror } = sim;
  const violations: string[] = [];
  const counters = {
    commits: 0,
    tombstones: 0,
    revived: 0,
    watermarks: 0,
    checkpoints: 0,
    changedInFlight: 0,
    refreshes: 0,
  };
  const { trace, hash } = createTrace();
  const blame: Blame = (invariant, what) => {
    if (violations.length < ENOUGH)
      violations.push(`${invariant}: ${clock.now() - sim.startedAt} ms: ${what}`);
  };
  const held = new Map<string, Held[]>();

  let lastSeq = 0;
  mirror.watched.wrote = (before, after) => {
    counters.commits++;
    trace(`${clock.now()} ${nameOf(after)} ${after.seq} ${after.hash}`);
    if (after.seq <= lastSeq) blame("seq", `${after.seq} after ${lastSeq}`);
    lastSeq = after.seq;
    if (after.kind === "reminders") checkReminder(before, after, blame);
    else if (after.deletedAt !== undefined) {
      counters.tombstones++;
      if (before?.deletedAt !== undefined) blame("same-content", `${nameOf(after)} was buried twice`);
      checkBurial(sim, after, blame);
    } else {
      const number = versionOf(after);
      const all = held.get(nameOf(after));
      if (all === undefined) held.set(nameOf(after), [{ number, at: clock.now() }]);
      else all.push({ number, at: clock.now() });
      if (before?.deletedAt !== undefined) counters.revived++;
      else if (before !== undefined) checkUpdate(before, after, blame);
      const upstream = sim.network.get(after.kind, after.id);
      if (upstream !== undefined && truth(upstream).at > after.fetchedAt) counters.changedInFlight++;
    }
  };

  mirror.watched.cursorSaved = (name, cursor) => {
    trace(`${clock.now()} cursor ${name} ${cursor.watermark} ${cursor.run?.pages}`);
    if (cursor.run !== undefined) counters.checkpoints++;
    if (cursor.watermark === undefined || cursor.run !== undefined) return;
    counters.watermarks++;
    checkWatermark(sim, name, cursor.watermark, blame);
  };

  const refreshed = new Map<string, number>();
  mirror.watched.refreshed = (ref) => {
    counters.refreshes++;
    const name = nameOf(ref);
    if (clock.now() - (refreshed.get(name) ?? Number.NEGATIVE_INFINITY) < TTL_MS)
      blame("refresh", `${name} is refreshed twice within its time to live`);
    refreshed.set(name, clock.now());
  };

  mirror.watched.breached = (what) => blame("gate", what);
  mirror.watched.overlapped = (what) => blame("at-most-one", what);
  const { outcomes, fetchedSince } = accountEvents(sim, blame);
  sim.api.watched.asked = ({ path, whole }) => {
    trace(`${clock.now()} ${path}`);
    if (whole) checkOrdered(sim, path.slice(1), blame);
  };
  const claims = createClaims(sim, blame);
  return { violations, blame, claims, held, counters, outcomes, fetchedSince, hash, trace };
}

/** Content of a record goes forward, and is new. */
function checkUpdate(before: MirrorRecord, after: MirrorRecord, blame: Blame): void {
  const moved = before.organizationId !== after.organizationId;
  if (before.hash === after.hash && !moved) blame("same-content", `${nameOf(after)} was written unchanged`);
  const [was, is] = [versionOf(before), versionOf(after)];
  if (is < was) blame("backwards", `${nameOf(after)} went from version ${was} to ${is}`);
}

const RANKS: Readonly<Record<string, number>> = { open: 0, acknowledged: 1, closed: 2 };

/** open, acknowledged, closed: only forward, each once. */
function checkReminder(before: MirrorRecord | undefined, after: MirrorRecord, blame: Blame): void {
  if (after.deletedAt !== undefined) blame("reminder", `${after.id} was deleted`);
  const rank = RANKS[after.status ?? ""] ?? -1;
  const rankBefore = before === undefined ? -1 : (RANKS[before.status ?? ""] ?? -1);
  if (before === undefined ? rank !== 0 : rank <= rankBefore)
    blame("reminder", `${after.id} went from ${before?.status} to ${after.status}`);
  const at = (row: MirrorRecord) =>
    (JSON.parse(row.body) as { readonly acknowledged_at: string | null }).acknowledged_at;
  if (before !== undefined && at(before) !== null && at(before) !== at(after))
    blame("reminder", `${after.id} was acknowledged twice`);
}

/** A tombstone speaks the truth, and two looks a minute apart have found it. */
function checkBurial({ api, network }: Simulation, row: MirrorRecord, blame: Blame): void {
  const record = network.records.get(nameOf(row));
  const gone = record?.versions.findLast(({ body, at }) => body === undefined && at <= row.fetchedAt);
  if (gone === undefined) {
    blame("buried-alive", nameOf(row));
    return;
  }
  const looks = (api.missed.get(nameOf(row)) ?? []).filter((at) => at >= gone.at);
  const [first] = looks;
  if (first === undefined || (looks.at(-1) ?? 0) - first < CONFIRM_MS - 1_000)
    blame("two-looks", `${nameOf(row)} was buried without two looks a minute apart`);
}

/** A saved watermark vouches for everything that changed before it: what the mirror lacks of that, it skipped. */
function checkWatermark(sim: Simulation, name: string, watermark: number, blame: Blame): void {
  if (name !== "organizations" && name !== "staff" && name !== "clients") return;
  const vouchedUntil = watermark - VISIBILITY_MS;
  for (const record of sim.network.of(name)) {
    const due = record.versions.findLast((version) => version.updatedAt <= vouchedUntil);
    if (due?.body === undefined || due.at < sim.connectedAt) continue;
    // Gone before a sweep could see it: the verifier's to notice.
    if (record.versions.some(({ body, number }) => body === undefined && number > due.number)) continue;
    const row = sim.mirror.rowOf(record.kind, record.id as MirrorRecord["id"]);
    if (row?.deletedAt !== undefined) continue;
    if (row === undefined || versionOf(row) < due.number)
      blame("cursor-skips", `the watermark of ${name} skipped ${record.id}, version ${due.number}`);
  }
}

/** A list is asked for whole only on an operator's order. Its last page may come in after the order was settled. */
function checkOrdered({ clock, mirror }: Simulation, kind: string, blame: Blame): void {
  const order = mirror.memory.rebuilds.of(kind);
  if (order === undefined || (!isWanted(order) && clock.now() - order.updatedAt > CONFIRM_MS))
    blame("full-table", `/${kind} was asked for whole without an order`);
}

/** FNV-1a over what happened. */
function createTrace() {
  let hash = 0x811c9dc5;
  return {
    trace(entry: string): void {
      for (let i = 0; i < entry.length; i++) hash = Math.imul(hash ^ entry.charCodeAt(i), 0x01000193);
    },
    hash: () => (hash >>> 0).toString(16).padStart(8, "0"),
  };
}
