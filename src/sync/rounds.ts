// The order in which walks go round what is held: kind by kind and id by id, but within a window of ids writer by
// writer, so that a slice of a walk is few calls of few writers, however many there are.

import { KINDS, type Kind, type RecordId, type Ref, refKey } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import { shardOf } from "../core/shard.ts";
import type { Cursor } from "./ports.ts";
import type { Connection, RecordStore } from "./stores.ts";

/** Where a round stands. Absent, or the empty text: at its start. */
export type Place = Pick<Cursor, "walkedTo" | "windowTo" | "within">;

export interface RoundStep {
  readonly ref: Ref;
  readonly organizationId?: string | undefined;
  /** Where the round stands once this record was looked at. */
  readonly reached: Place;
}

export interface RoundDeps {
  readonly records: Pick<RecordStore, "ids">;
  /** Writers of the connection: among so many its refs are spread. */
  readonly shards: number;
}

const START: Place = { walkedTo: "", windowTo: undefined, within: undefined };

/**
 * The next refs of a round; past the last one it starts over. Guarantee (SW5, SW9): whoever goes on from a place that
 * was reached meets every record of the round that was there all the time. Records that come into a window may push
 * its end forward or back: it is never taken to reach further than it did when it was begun, and what was pushed out
 * is in the next one. What is new in it was fetched just now and may be left to the next round.
 * @param refOf what is looked at of an id held; an id itself, where a kind is walked by another's
 */
export async function nextInRound(
  deps: RoundDeps,
  connection: Connection,
  kinds: readonly Kind[],
  refOf: (held: Ref) => Ref,
  from: Place,
  budget: number,
): Promise<{ readonly steps: readonly RoundStep[]; readonly end: Place }> {
  const steps: RoundStep[] = [];
  let place = from;
  // Every window but one begun earlier has a step to give.
  for (let windows = 0; steps.length < budget && windows <= budget; windows++) {
    const { open, to, isLast } = await openWindow(deps, connection, kinds, refOf, place);
    const taken = open.slice(0, budget - steps.length);
    const behind: Place = isLast ? START : { walkedTo: to, windowTo: undefined, within: undefined };
    for (const { held, organizationId } of taken) {
      const reached = { walkedTo: place.walkedTo, windowTo: to, within: refKey(held) };
      steps.push({ ref: refOf(held), organizationId, reached });
    }
    place = taken.length === open.length ? behind : (steps.at(-1)?.reached ?? place);
    if (isLast) break;
  }
  return { steps, end: place };
}

interface Held {
  readonly held: Ref;
  readonly organizationId?: string | undefined;
}

/** What is still to be looked at of the window the round stands in, or of the next one, in order. */
async function openWindow(
  deps: RoundDeps,
  connection: Connection,
  kinds: readonly Kind[],
  refOf: (held: Ref) => Ref,
  { walkedTo = "", windowTo, within }: Place,
): Promise<{ readonly open: readonly Held[]; readonly to: string; readonly isLast: boolean }> {
  const found = await idsAfter(deps, connection, kinds, walkedTo, limits.walkWindow);
  const last = found.at(-1);
  if (last === undefined) return { open: [], to: walkedTo, isLast: true };
  const reaches = windowTo === undefined ? last.held : earlier(parsed(windowTo), last.held);
  const rank = (ref: Ref) => shardOf(refOf(ref), deps.shards);
  const inOrder = (a: Ref, b: Ref) => rank(a) - rank(b) || byPlace(a, b);
  const after = within === undefined ? undefined : parsed(within);
  const inWindow = found.filter(({ held }) => byPlace(held, reaches) <= 0);
  const open = inWindow.filter(({ held }) => after === undefined || inOrder(held, after) > 0);
  const isLast = found.length < limits.walkWindow && inWindow.length === found.length;
  return { open: open.sort((a, b) => inOrder(a.held, b.held)), to: refKey(reaches), isLast };
}

/** In the order of kinds and ids. Ids are ASCII, so this is the database's order, too. */
function byPlace(a: Ref, b: Ref): number {
  return KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

const earlier = (a: Ref, b: Ref) => (byPlace(a, b) <= 0 ? a : b);

function parsed(key: string): Ref {
  const [kind, id = ""] = key.split("/");
  return { kind: kind as Kind, id: id as RecordId };
}

async function idsAfter(
  { records }: RoundDeps,
  connection: Connection,
  kinds: readonly Kind[],
  walkedTo: string,
  most: number,
): Promise<readonly Held[]> {
  const from = parsed(walkedTo);
  const start = Math.max(0, kinds.indexOf(from.kind));
  const found: Held[] = [];
  for (let at = start; at < kinds.length && found.length < most; at++) {
    const kind = kinds[at] as Kind;
    const after = at === start ? from.id : "";
    const ids = await records.ids(connection.id, kind, after, most - found.length);
    found.push(
      ...ids.map(({ id, organizationId }) => ({ held: { kind, id: id as RecordId }, organizationId })),
    );
  }
  return found;
}
