// Reads put together over a mirror in memory: a real writer, an upstream in the hand, caches as plain maps.

import type { Vouch } from "../../src/core/as-of.ts";
import { NO_WISHES, type Wishes } from "../../src/core/freshness.ts";
import { refKey } from "../../src/core/ids.ts";
import type { MirrorRecord } from "../../src/core/record.ts";
import type { JobMessage } from "../../src/sync/messages.ts";
import type { LookAsk, Shown } from "../../src/sync/ports.ts";
import { type Asked, type Held, type ReadDeps, readOne } from "../../src/sync/read.ts";
import type { WriterDeps } from "../../src/sync/write.ts";
import { refOf, snapshotOf } from "../core/samples.ts";
import { replicated } from "./replicas.ts";
import { connectedMemory, doubtMemory, HERE, handClock, heldUpstream, writerOver } from "./world.ts";

export const MINUTE = 60_000;
export const TTL = 30 * MINUTE;
export const LAG = 10_000;

interface HeldParts {
  readonly id?: string;
  readonly hash?: string;
  /** How long ago it was fetched, by both clocks. */
  readonly ago?: number;
  readonly terminal?: boolean;
}

export async function setUp(replaced: Partial<WriterDeps> = {}) {
  const clock = handClock();
  const { memory } = await connectedMemory();
  await memory.kinds.markProven(HERE, "clients");
  const upstream = heldUpstream(clock.now);
  const writer = writerOver(memory, upstream.fetchOne, { doubts: doubtMemory(), ...replaced });
  const asks: LookAsk[] = [];
  const jobs: { readonly job: JobMessage; readonly delaySeconds: number }[] = [];
  const sleeps: { readonly ms: number; wake(): void }[] = [];
  const alive: Promise<unknown>[] = [];
  const absent = new Set<string>();
  const kept = new Map<string, Held>();
  const state = { vouch: undefined as Vouch | undefined, behind: 0 };
  const near = replicated(memory, (least, latest) => Math.max(least, latest - state.behind));
  const deps: ReadDeps = {
    now: clock.now,
    records: memory.records,
    replica: near.replica,
    refreshes: memory.refreshes,
    queues: {
      sendJobs: async (sent, delaySeconds = 0) =>
        void jobs.push(...sent.map((job) => ({ job, delaySeconds }))),
    },
    vouch: async () => state.vouch,
    ttlMs: () => TTL,
    visibilityLagMs: LAG,
    writers: () => ({
      look: (one) => {
        asks.push(...one);
        return writer.look(one);
      },
    }),
    sleep: (ms) => new Promise((wake) => sleeps.push({ ms, wake })),
    keepAlive: (work) => void alive.push(work),
    absent,
    copies: {
      get: (_, ref) => kept.get(refKey(ref)),
      begin: (_, ref) => (held) => void kept.set(refKey(ref), held),
    },
    shown: new Map<string, Shown>(),
  };
  return {
    clock,
    memory,
    upstream,
    asks,
    jobs,
    sleeps,
    alive,
    absent,
    kept,
    state,
    near,
    deps,
    read: (organizationId?: string, visible: (record: MirrorRecord) => boolean = () => true) =>
      readOne(deps, HERE, { ref: refOf("x"), visible, organizationId, wishes: NO_WISHES }),
    ask: (wishes: Partial<Wishes> = {}, more: Partial<Asked> = {}) =>
      readOne(deps, HERE, {
        ref: refOf("x"),
        visible: () => true,
        wishes: { ...NO_WISHES, ...wishes },
        ...more,
      }),
    /** The mirror holds this. */
    hold: ({ id, hash, ago = 0, terminal = false }: HeldParts = {}) => {
      const at = clock.now() - ago;
      const content = { id: id ?? "x", hash: hash ?? "a", updatedAt: at, fetchedAt: at };
      const snapshot = { ...snapshotOf(content), asOf: at, terminal };
      return memory.records.commit(HERE, [{ write: "put", snapshot }]);
    },
  };
}
