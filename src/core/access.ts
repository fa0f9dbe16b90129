// The access log: what an entry says, and entries as text, which they stay from the isolate to the row. What they have
// in common is said once, and nobody takes them apart before they are read: a tenth of what as many objects cost to send
// and to keep.

import { type ConnectionId, KINDS, type Kind, type RecordId } from "./ids.ts";
import { limits } from "./limits.ts";

export const ACTIONS = ["read", "list", "changes", "ack", "login", "backfill", "other"] as const;
export type AccessAction = (typeof ACTIONS)[number];

/** Which key asked for what, when: ids and counts, no content. */
export interface Access {
  readonly connection: ConnectionId;
  /** Our clock, ms. */
  readonly at: number;
  readonly keyId: string;
  readonly action: AccessAction;
  readonly kind?: Kind | undefined;
  /** Of a single record. */
  readonly recordId?: RecordId | undefined;
  /** How many a list brought. */
  readonly records?: number | undefined;
  /** As answered: 304 and 404 included. */
  readonly status: number;
}

export interface AccessEntry extends Access {
  /** Begins with the time in ms, 13 digits: sorts by time, and tells an entry that comes twice once. */
  readonly id: string;
}

/** What one isolate noted of a connection within one minute, all of one key, action, kind and status. */
export interface AccessPart {
  readonly connection: ConnectionId;
  /** Of the entries' time, counted since 1970. */
  readonly minute: number;
  /** The same entries have the same, however often they come. */
  readonly id: string;
  /** As it is sent and kept: `partsOf`. */
  readonly text: string;
}

const MINUTE_MS = 60_000;

export const minuteOf = (at: number) => Math.floor(at / MINUTE_MS);

/**
 * The same entries make the same parts, however often they are made. An entry's id is put together when it is read:
 * its time, `origin`, and its number, which is `first` and its place.
 * @param origin random, the isolate's own
 * @param first the number of the first entry among all of the isolate's
 */
export function partsOf(origin: string, first: number, entries: readonly Access[]): readonly AccessPart[] {
  let number = first;
  return groupsOf(entries).map((group): AccessPart => {
    const [{ connection, at: since, keyId: key, action, status, kind }] = group;
    const listed = group.map(
      ({ at, recordId = null, records }): Listed =>
        records === undefined ? [at - since, recordId] : [at - since, recordId, records],
    );
    const text = JSON.stringify({ origin, first: number, since, key, action, status, kind, entries: listed });
    const part = { connection, minute: minuteOf(since), id: `${origin}-${number}`, text };
    number += group.length;
    return part;
  });
}

interface Head {
  /** Our clock, ms: of the first entry. */
  readonly since: number;
  readonly key: string;
  readonly action: AccessAction;
  readonly status: number;
  readonly kind?: Kind | null;
}

/** ms after `since`, record, count. Those brought over from before say null where newer ones say nothing. */
type Listed = readonly [after: number, recordId: RecordId | null, records?: number | null];

type Group = [Access, ...Access[]];

function groupsOf(entries: readonly Access[]): readonly Group[] {
  const groups: Group[] = [];
  const open = new Map<string, Group>();
  let last: Group | undefined;
  for (const entry of entries) {
    // As a rule one is like the one before, and nothing has to be looked up.
    if (last === undefined || !isAlike(last[0], entry)) last = open.get(nameOf(entry));
    if (last !== undefined && last.length < limits.accessPartEntries) last.push(entry);
    else {
      last = [entry];
      groups.push(last);
      open.set(nameOf(entry), last);
    }
  }
  return groups;
}

function isAlike(a: Access, b: Access): boolean {
  const who = a.keyId === b.keyId && a.connection === b.connection;
  const what = a.action === b.action && a.kind === b.kind && a.status === b.status;
  return who && what && minuteOf(a.at) === minuteOf(b.at);
}

const nameOf = ({ connection, at, keyId, action, status, kind }: Access) =>
  [connection, minuteOf(at), keyId, action, status, kind].join();

const oneOf = (names: readonly string[]) => names.join("|");

const ENTRY = String.raw`\[-?\d{1,5},(?:null|"[A-Za-z0-9_-]{1,64}")(?:,\d{1,9})?\]`;
const TEXT = new RegExp(
  [
    String.raw`^\{"origin":"[A-Za-z0-9-]{1,48}","first":\d{1,15},"since":\d{1,15},"key":"[A-Za-z0-9-]{1,64}",`,
    String.raw`"action":"(?:${oneOf(ACTIONS)})","status":\d{3},(?:"kind":"(?:${oneOf(KINDS)})",)?`,
    String.raw`"entries":\[${ENTRY}(?:,${ENTRY})*\]\}$`,
  ].join(""),
);

/** Nothing else may get into a row: what reads it does not look at it again. */
export const isPartText = (text: string): boolean => TEXT.test(text);

/**
 * @param head JSON: a part without its entries
 * @param entry JSON: one of them. Both were checked before they were kept
 */
export function entryOf(connection: ConnectionId, id: string, head: string, entry: string): AccessEntry {
  const { since, key, action, status, kind } = JSON.parse(head) as Head;
  const [after, recordId, records] = JSON.parse(entry) as Listed;
  return {
    ...{ id, connection, at: since + after, keyId: key, action, status },
    ...(kind ? { kind } : {}),
    ...(recordId === null ? {} : { recordId }),
    ...(typeof records === "number" ? { records } : {}),
  };
}
