// A small world for tests of the spine: a clock in the hand, an upstream that holds records and answers when told,
// and the mirror's stores in memory, put together as in production.

import type { Doubt } from "../../src/core/decide.ts";
import type { Failure, Result } from "../../src/core/failure.ts";
import {
  type ConnectionId,
  connectionId,
  type EventId,
  eventId,
  type Kind,
  type Ref,
  refKey,
} from "../../src/core/ids.ts";
import type { Look } from "../../src/sources/source.ts";
import { lookInOrder } from "../../src/sync/in-order.ts";
import type { EventMessage, Queued } from "../../src/sync/messages.ts";
import type { Log, LookAsk, WalkingWriters, Writers } from "../../src/sync/ports.ts";
import { noteAlias } from "../../src/sync/purge.ts";
import type { Connection } from "../../src/sync/stores.ts";
import { createWriter, type DoubtStore, type WriterDeps } from "../../src/sync/write.ts";
import { refOf, snapshotOf } from "../core/samples.ts";
import { createMemory, type Memory } from "./memory.ts";

/** @throws when the text is no id: a sample must be one */
export function connectionOf(text: string): ConnectionId {
  const id = connectionId(text);
  if (id === undefined) throw new Error(`${text} is no connection id`);
  return id;
}

export const HERE = connectionOf("here");
export const START = 1_800_000_000_000;

export function handClock(start = START) {
  let at = start;
  return {
    now: () => at,
    pass(ms: number) {
      at += ms;
    },
  };
}

/** A mirror with one active connection. */
export async function connectedMemory(fields: Connection["fields"] = {}) {
  const memory = createMemory();
  const account = { baseUrl: "https://up.example/v1", apiKey: "key", fields };
  await memory.connections.begin({ id: HERE, source: "rcms", ...account, nonce: "nonce", createdAt: START });
  await memory.connections.activate(HERE, { url: "https://mirror.example/hooks/here" });
  const connection = await memory.connections.get(HERE);
  if (connection === undefined) throw new Error("it was just made");
  return { memory, connection };
}

export interface Version {
  readonly updatedAt?: number | undefined;
  readonly hash: string;
}

/** One fetch that has started and waits for the test to let it answer. */
export interface Fetch {
  readonly ref: Ref;
  readonly ask: Omit<LookAsk, "ref"> & { readonly retry: boolean };
  readonly startedAt: number;
  answer(result: Result<Look>): void;
}

/** An upstream in the hand: every fetch waits until the test answers it. */
export function heldUpstream(now: () => number) {
  const open: Fetch[] = [];
  const started: Fetch[] = [];
  return {
    /** Fetches under way, oldest first. */
    open,
    started,
    fetchOne(ref: Ref, ask: Fetch["ask"]): Promise<Result<Look>> {
      const { promise, resolve } = Promise.withResolvers<Result<Look>>();
      const fetch: Fetch = {
        ref,
        ask,
        startedAt: now(),
        answer(result) {
          open.splice(open.indexOf(fetch), 1);
          resolve(result);
        },
      };
      open.push(fetch);
      started.push(fetch);
      return promise;
    },
  };
}

export function saw(fetch: Fetch, version: Version): Result<Look> {
  const { kind, id } = fetch.ref;
  return {
    ok: true,
    value: { kind: "record", snapshot: snapshotOf({ ...version, kind, id, fetchedAt: fetch.startedAt }) },
  };
}

export function missed(fetch: Fetch, more: { readonly routeMissing?: boolean } = {}): Result<Look> {
  return { ok: true, value: { kind: "gone", ref: fetch.ref, fetchedAt: fetch.startedAt, ...more } };
}

export function failed(failure: Failure): Result<never> {
  return { ok: false, failure };
}

/** Lets everything that can go on without a clock or an answer do so. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 60; i++) await Promise.resolve();
}

export function doubtMemory(): DoubtStore & { readonly size: () => number } {
  const doubts = new Map<string, Doubt>();
  return {
    get: (ref) => doubts.get(refKey(ref)),
    set: (ref, doubt) => void doubts.set(refKey(ref), doubt),
    delete: (ref) => void doubts.delete(refKey(ref)),
    size: () => doubts.size,
  };
}

/** A writer over a mirror in memory; every part of it can be replaced. */
/** Walks as a shard's writer makes them, permits aside: the writer beneath is not asked through a gate. */
export function walking(writers: Writers): WalkingWriters {
  return { ...writers, walk: (asks) => lookInOrder(writers.look, asks) };
}

export function writerOver(
  memory: Memory,
  fetchOne: WriterDeps["fetchOne"],
  replaced: Partial<WriterDeps> = {},
) {
  return createWriter({
    fetchOne,
    versions: (refs) => memory.records.versions(HERE, refs),
    commit: (writes) => memory.records.commit(HERE, writes),
    suppressed: (refs) => memory.records.suppressed(HERE, refs),
    whyRefused: (writes) => memory.records.whyRefused(HERE, writes),
    addAlias: (kind, alias, id) => noteAlias({ ...memory, now: () => START }, HERE, { kind, id: alias }, id),
    isProven: (kind) => memory.kinds.isProven(HERE, kind),
    markProven: (kind) => memory.kinds.markProven(HERE, kind),
    doubts: doubtMemory(),
    ...replaced,
  });
}

interface EventParts {
  readonly id?: string;
  readonly kind?: Kind;
  readonly record?: string;
  readonly createdAt?: number | undefined;
  readonly receivedAt?: number;
  readonly attempts?: number;
  readonly taken?: true;
}

/** A thin event about a record, as the queue hands it over. */
export function changedEvent(parts: EventParts = {}): Queued<EventMessage> {
  const {
    id = "evt_1",
    kind = "clients",
    record = "x",
    createdAt,
    receivedAt = START,
    attempts = 1,
    taken,
  } = parts;
  const what = {
    is: "changed" as const,
    ref: refOf(record, kind),
    ...(taken ? { assessmentTaken: taken } : {}),
  };
  return { attempts, body: { ...eventHead(id, receivedAt, createdAt), type: "client.updated", what } };
}

export function otherEvent(
  what: EventMessage["what"],
  parts: EventParts & { readonly type: string },
): Queued<EventMessage> {
  const { id = "evt_1", createdAt, receivedAt = START, attempts = 1, type } = parts;
  return { attempts, body: { ...eventHead(id, receivedAt, createdAt), type, what } };
}

/** @throws when the text is no id: a sample must be one */
export function eventIdOf(text: string): EventId {
  const id = eventId(text);
  if (id === undefined) throw new Error(`${text} is no event id`);
  return id;
}

function eventHead(text: string, receivedAt: number, createdAt: number | undefined) {
  return {
    connection: HERE,
    eventId: eventIdOf(text),
    receivedAt,
    ...(createdAt === undefined ? {} : { createdAt }),
  };
}

export function logMemory() {
  const lines: string[] = [];
  const log: Log = (level, event, fields) =>
    void lines.push(`${level} ${event} ${JSON.stringify(fields ?? {})}`);
  return { log, lines };
}
