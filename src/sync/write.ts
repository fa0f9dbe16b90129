// The writer: the only way a record enters the mirror. One exists per shard of a connection's refs; it runs
// each ref's fetches one at a time and commits what they bring in groups. The Durable Object around it is
// wiring (cloudflare/record-writer.ts).
//
// A Durable Object does not serialise across `fetch` or database awaits, so the state is explicit: a ref is
// idle (not in `flights`), fetching, or fetching with a trailing look asked for.

import { fetchedAsOf } from "../core/as-of.ts";
import { type Doubt, decide } from "../core/decide.ts";
import type { Result } from "../core/failure.ts";
import { type Kind, type RecordId, type Ref, refKey } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import {
  refOfSight,
  refOfWrite,
  type Sight,
  type Snapshot,
  type Version,
  type Write,
} from "../core/record.ts";
import type { Look } from "../sources/source.ts";
import { createGroupCommit, createSlots } from "./grouping.ts";
import type { Door } from "./permits.ts";
import type { LookAsk, Looked, Shown, Writers } from "./ports.ts";
import type { Refusal } from "./stores.ts";

/** A look, and what its call goes through: the gate, unless permits were taken for it. */
export type DoorAsk = LookAsk & { readonly door?: Door };

export interface WriterDeps {
  /** Through the gate. */
  readonly fetchOne: (
    ref: Ref,
    ask: Omit<DoorAsk, "ref" | "notBefore"> & { readonly retry: boolean },
  ) => Promise<Result<Look>>;
  readonly versions: (refs: readonly Ref[]) => Promise<ReadonlyMap<string, Version>>;
  readonly commit: (writes: readonly Write[]) => Promise<ReadonlySet<string>>;
  /** Those of a purged client, by ref key. */
  readonly suppressed: (refs: readonly Ref[]) => Promise<ReadonlySet<string>>;
  readonly whyRefused: (writes: readonly Write[]) => Promise<ReadonlyMap<string, Refusal>>;
  /** Resolves once whatever a purge left under either name is gone, too. */
  readonly addAlias: (kind: Kind, alias: RecordId, id: RecordId) => Promise<void>;
  /** A 404 on this kind's route says something. */
  readonly isProven: (kind: Kind) => Promise<boolean>;
  readonly markProven: (kind: Kind) => Promise<void>;
  /** Durable: the second look may come to another life of this writer. */
  readonly doubts: DoubtStore;
}

export interface DoubtStore {
  get(ref: Ref): Doubt | undefined;
  set(ref: Ref, doubt: Doubt): void;
  delete(ref: Ref): void;
}

interface Flight {
  /** Readers who take the present fetch, should it prove to have started late enough for them. */
  readers: { readonly ask: DoorAsk; readonly resolve: (looked: Promise<Looked>) => void }[];
  /** Everyone who asked after the present fetch started; one fetch will answer them all. */
  trailing: { ask: DoorAsk; promise: Promise<Looked>; resolve: (looked: Looked) => void } | undefined;
}

export function createWriter(
  deps: WriterDeps,
): Writers & { look(asks: readonly DoorAsk[]): ReturnType<Writers["look"]> } {
  const flights = new Map<string, Flight>();
  const failed = new Set<string>();
  const recent = new Map<string, { readonly startedAt: number; readonly looked: Promise<Looked> }>();
  const slots = createSlots(limits.fetchesAtOnce);
  const commit = createGroupCommit<Sight, Looked>({
    keyOf: (sight) => refKey(refOfSight(sight)),
    sizeOf: (sight) => (sight.kind === "record" ? new TextEncoder().encode(sight.snapshot.body).length : 0),
    run: (sights) => commitSights(deps, sights),
  });

  /**
   * Guarantees: at most one fetch of a ref is in flight (WR1), and a look asked for after a fetch started is
   * never answered by that fetch (WR2): it joins the one trailing look instead. Only a reader, who said how old a
   * fetch may be, takes one that is lately done or under way: a thousand readers cost one (RD3).
   */
  function look(ask: DoorAsk): Promise<Looked> {
    const key = refKey(ask.ref);
    const known = ask.notBefore === undefined ? undefined : recent.get(key);
    if (known && known.startedAt >= (ask.notBefore ?? 0)) return known.looked;
    const flight = flights.get(key);
    const { promise, resolve } = Promise.withResolvers<Looked>();
    if (flight === undefined) {
      const started: Flight = { readers: [], trailing: undefined };
      flights.set(key, started);
      void fly(started, key, ask, resolve);
      return promise;
    }
    if (ask.notBefore === undefined) return joinTrailing(flight, ask);
    flight.readers.push({ ask, resolve });
    return promise;
  }

  function joinTrailing(flight: Flight, ask: DoorAsk): Promise<Looked> {
    flight.trailing ??= { ask, ...Promise.withResolvers<Looked>() };
    // A reader waiting behind an event's look makes it a reader's look.
    if (ask.class === "interactive") flight.trailing.ask = { ...flight.trailing.ask, class: "interactive" };
    flight.trailing.ask = {
      ...flight.trailing.ask,
      organizationId: flight.trailing.ask.organizationId ?? ask.organizationId,
    };
    return flight.trailing.promise;
  }

  async function fly(flight: Flight, key: string, firstAsk: DoorAsk, answer: (looked: Looked) => void) {
    let ask = firstAsk;
    let resolve = answer;
    for (;;) {
      const fetched = await slots(() => fetchSafely(ask, failed.has(key)));
      noteFailure(key, fetched.ok);
      // The fetch is over: the next may start while this one's result is being committed, in order.
      const looked = settle(ask.ref, fetched);
      void looked.then(resolve);
      if (fetched.ok) remember(key, startOf(fetched.value), looked);
      for (const reader of flight.readers.splice(0)) {
        // A fetch that failed just now failed for whoever waited for it, too.
        const serves = !fetched.ok || startOf(fetched.value) >= (reader.ask.notBefore ?? 0);
        reader.resolve(serves ? looked : joinTrailing(flight, reader.ask));
      }
      const { trailing } = flight;
      if (trailing === undefined) break;
      flight.trailing = undefined;
      ask = trailing.ask;
      resolve = trailing.resolve;
    }
    flights.delete(key);
  }

  function remember(key: string, startedAt: number, looked: Promise<Looked>) {
    recent.delete(key);
    recent.set(key, { startedAt, looked });
    const [oldest] = recent.keys();
    if (recent.size > limits.recentLooks && oldest !== undefined) recent.delete(oldest);
    // What could not be committed, or waits for a second look, is nothing to go by.
    void looked.then((one) => {
      const open = !one.ok || (one.doubt !== undefined && one.version !== undefined);
      if (open && recent.get(key)?.looked === looked) recent.delete(key);
    });
  }

  async function fetchSafely({ ref, notBefore: _, ...ask }: DoorAsk, retry: boolean): Promise<Result<Look>> {
    try {
      return await deps.fetchOne(ref, { ...ask, retry });
    } catch {
      return { ok: false, failure: { kind: "interrupted" } };
    }
  }

  function noteFailure(key: string, ok: boolean) {
    failed.delete(key);
    if (ok) return;
    if (failed.size >= limits.failedRefs) failed.clear();
    failed.add(key);
  }

  async function settle(asked: Ref, fetched: Result<Look>): Promise<Looked> {
    if (!fetched.ok) return fetched;
    try {
      const sight = fetched.value;
      if (sight.kind === "gone") {
        const unproven = sight.routeMissing || !(await deps.isProven(asked.kind));
        if (unproven) return { ok: true, decision: "unchanged", unproven: true };
      } else {
        await deps.markProven(asked.kind);
        const { id } = sight.snapshot;
        if (id !== asked.id) await deps.addAlias(asked.kind, asked.id, id);
      }
      return await commit(sight);
    } catch {
      return INTERRUPTED;
    }
  }

  async function offerOne(snapshot: Snapshot): Promise<Looked> {
    try {
      return await commit({ kind: "record", snapshot });
    } catch {
      return INTERRUPTED;
    }
  }

  /** For a purged client nobody is asked; a fetch that was under way already is refused by the statement. */
  async function lookAll(asks: readonly DoorAsk[]): Promise<readonly Looked[]> {
    try {
      const suppressed = await deps.suppressed(asks.map(({ ref }) => ref));
      return await Promise.all(asks.map((ask) => (suppressed.has(refKey(ask.ref)) ? SUPPRESSED : look(ask))));
    } catch {
      return asks.map(() => INTERRUPTED);
    }
  }

  return {
    look: lookAll,
    offer: (snapshots) => Promise.all(snapshots.map(offerOne)),
  };
}

const SUPPRESSED: Looked = { ok: true, decision: "unchanged", suppressed: true };
export const INTERRUPTED: Looked = { ok: false, failure: { kind: "interrupted" } };

/**
 * Decides a group of sights against one read of what the mirror holds, and writes what is new in one guarded
 * statement. What the guard refuses was overtaken meanwhile: older, a purged client's, or cut to a field list that
 * has changed since: then the look is to be repeated. Nothing new: nothing written.
 */
async function commitSights(deps: WriterDeps, sights: readonly Sight[]): Promise<readonly Looked[]> {
  const stored = await deps.versions(sights.map(refOfSight));
  const decided = sights.map((sight) => {
    const ref = refOfSight(sight);
    return { sight, ref, ...decide(stored.get(refKey(ref)), sight, deps.doubts.get(ref)) };
  });
  const writes = decided.flatMap(({ write }) => write ?? []);
  const written = writes.length === 0 ? new Set<string>() : await deps.commit(writes);
  const refused = writes.filter((write) => !written.has(refKey(refOfWrite(write))));
  const why = refused.length === 0 ? undefined : await deps.whyRefused(refused);
  // A doubt names its record: of a purged client there must be none.
  const doubted = decided.flatMap(({ ref, doubt }) => (doubt ? ref : []));
  const purged = doubted.length === 0 ? undefined : await deps.suppressed(doubted);

  return decided.map(({ sight, ref, decision, write, doubt }): Looked => {
    const key = refKey(ref);
    const refusal = write && why?.get(refKey(refOfWrite(write)));
    if (refusal === "outdated") return INTERRUPTED;
    if (refusal === "suppressed" || purged?.has(key)) {
      deps.doubts.delete(ref);
      return SUPPRESSED;
    }
    if (doubt) deps.doubts.set(ref, doubt);
    else deps.doubts.delete(ref);
    const applied = write !== undefined && written.has(refKey(refOfWrite(write)));
    const version = applied ? versionOf(sight) : stored.get(key);
    const showing = sight.kind === "record" && (applied || decision === "unchanged");
    const shown = showing ? shownBy(sight.snapshot) : undefined;
    return {
      ok: true,
      decision: write !== undefined && !applied ? "older" : decision,
      ...(version === undefined ? {} : { version }),
      ...(doubt === undefined ? {} : { doubt }),
      ...(shown === undefined ? {} : { shown }),
    };
  });
}

export function shownBy(snapshot: Snapshot): Shown {
  return { hash: snapshot.hash, asOf: fetchedAsOf(snapshot) };
}

/** Our clock, ms. */
function startOf(look: Look): number {
  return look.kind === "gone" ? look.fetchedAt : look.snapshot.fetchedAt;
}

function versionOf(sight: Sight): Pick<Version, "updatedAt" | "fetchedAt" | "deletedAt"> {
  if (sight.kind === "gone") return { fetchedAt: sight.fetchedAt, deletedAt: sight.fetchedAt };
  // Only that: the body would travel back to whoever asked.
  const { updatedAt, fetchedAt } = sight.snapshot;
  return { fetchedAt, ...(updatedAt === undefined ? {} : { updatedAt }) };
}
