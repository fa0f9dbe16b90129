// Refs, snapshots and sights for tests of pure code: the smallest that mean something.

import { type Kind, type RecordId, type Ref, recordId } from "../../src/core/ids.ts";
import type { Sight, Snapshot } from "../../src/core/record.ts";

/** @throws when the text is no id: a sample must be one */
export function idOf(text: string): RecordId {
  const id = recordId(text);
  if (id === undefined) throw new Error(`${text} is no record id`);
  return id;
}

export function refOf(id: string, kind: Kind = "clients"): Ref {
  return { kind, id: idOf(id) };
}

interface Content {
  readonly fetchedAt: number;
  readonly updatedAt?: number | undefined;
  readonly hash?: string;
  readonly id?: string;
  readonly kind?: Kind;
  readonly body?: string;
}

export function snapshotOf({ fetchedAt, updatedAt, hash = "a", id = "x", kind, body }: Content): Snapshot {
  return {
    ...refOf(id, kind),
    fetchedAt,
    hash,
    terminal: false,
    body: body ?? `{"id":"${id}","v":"${hash}"}`,
    ...(updatedAt === undefined ? {} : { updatedAt }),
  };
}

export function recordSight(content: Content): Sight {
  return { kind: "record", snapshot: snapshotOf(content) };
}

export function goneSight(fetchedAt: number, id = "x", kind?: Kind): Sight {
  return { kind: "gone", ref: refOf(id, kind), fetchedAt };
}
