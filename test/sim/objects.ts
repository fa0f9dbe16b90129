// The Durable Objects of a simulated mirror: the writer of each shard, and the gate. An object's memory dies with it,
// its storage does not, and whoever was calling is told.

import type { Doubt } from "../../src/core/decide.ts";
import { acquire, type GateBudget, type GateState, openGate, report, resume } from "../../src/core/gate.ts";
import { type ConnectionId, refKey } from "../../src/core/ids.ts";
import { createLeases, type Leasing, leasedElsewhere } from "../../src/core/leases.ts";
import { limits } from "../../src/core/limits.ts";
import type { Gate, WalkingWriters } from "../../src/sync/ports.ts";
import { createShardWriter, type ShardWriterDeps } from "../../src/sync/shard-writer.ts";
import { shardedWriters } from "../../src/sync/shards.ts";
import type { RecordStore } from "../../src/sync/stores.ts";
import type { DoubtStore } from "../../src/sync/write.ts";
import type { Chance } from "./chance.ts";
import type { Clock } from "./clock.ts";
import type { Faults } from "./faults.ts";
import { type How, type Life, lived } from "./life.ts";

export interface ObjectsWorld {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly faults: () => Faults;
  readonly connection: ConnectionId;
  readonly budget: GateBudget;
  readonly shards: number;
  /** How a call to an object goes. */
  readonly remote: How;
  readonly newLife: () => Life;
  readonly servicesOf: (life: Life) => ShardWriterDeps;
  /** The rows, as a life reaches them. */
  readonly recordsOf: (life: Life) => Pick<RecordStore, "versions" | "commit">;
  readonly onOverlap: (what: string) => void;
  /** The gate let something through that RCMS had asked it not to. */
  readonly onBreach: (what: string) => void;
  readonly counters: { gatesLost: number; leasesRefused: number; held: number };
}

/** The gate forgets its leases at a call, at a rate of 1. */
const GATE_CALLS = 30;

/** From the gate's answer to the call: a few steps of a few ms. */
const LAST_STEPS_MS = 50;

export function createObjects(world: ObjectsWorld) {
  const {
    budget,
    chance,
    clock,
    connection,
    counters,
    faults,
    newLife,
    onBreach,
    onOverlap,
    remote,
    servicesOf,
  } = world;

  const doubts = new Map<string, Doubt>();
  const doubtStore: DoubtStore = {
    get: (ref) => doubts.get(refKey(ref)),
    set: (ref, doubt) => void doubts.set(refKey(ref), doubt),
    delete: (ref) => void doubts.delete(refKey(ref)),
  };
  const shards = new Map<number, { readonly writers: WalkingWriters; readonly life: Life }>();

  function shardOf(number: number): WalkingWriters {
    const ask = <T>(call: (writers: WalkingWriters) => Promise<T>): Promise<T> => {
      let shard = shards.get(number);
      if (!shard?.life.alive) {
        const life = newLife();
        shard = { life, writers: createShardWriter(servicesOf(life), connection, doubtStore) };
        shards.set(number, shard);
      }
      const { life, writers } = shard;
      return new Promise((resolve, reject) => {
        life.onDeath(() => reject(new Error("the object was reset")));
        call(writers).then(resolve, reject);
      });
    };
    return {
      look: (asks) => ask((one) => one.look(asks)),
      walk: (asks, permits) => ask((one) => one.walk(asks, permits)),
      offer: (seen) => ask((one) => one.offer(seen)),
    };
  }

  const asShards = Array.from({ length: world.shards }, (_, number) => lived(shardOf(number), remote));

  let gateState: GateState | undefined;
  /** Our own book of what RCMS asked of us, and since when the gate has known. */
  const asked = { quietUntil: 0, quietSince: 0, keyRejected: false, rejectedSince: 0 };
  const current = () => gateState ?? openGate(budget, clock.now());
  const leases = createLeases();
  /** Our own book of who holds what. */
  const holders = new Map<string, { readonly holder: string; readonly until: number }>();

  function forgetLeases(): void {
    leases.clear();
    holders.clear();
  }

  function takeLease(leasing: Leasing): boolean {
    if (chance.happens(faults().crash / GATE_CALLS)) {
      counters.gatesLost++;
      forgetLeases();
    }
    const { name, holder, forMs, instead } = leasing;
    const now = clock.now();
    const granted = leases.take(leasing, now);
    if (instead !== undefined && holders.get(instead.name)?.holder === instead.holder)
      holders.delete(instead.name);
    const held = holders.get(name);
    if (granted && held !== undefined && held.holder !== holder && held.until > now)
      onOverlap(`the lease ${name} has two holders`);
    if (granted) holders.set(name, { holder, until: now + forMs });
    else counters.leasesRefused++;
    return granted;
  }

  const gate: Gate = {
    async acquire(ask, under) {
      if (under !== undefined && !takeLease(under)) return leasedElsewhere(under);
      const { state, permit } = acquire(current(), ask, budget, clock.now());
      gateState = state;
      if (!permit.granted) counters.held++;
      else if (asked.keyRejected) onBreach("a call was let through with a key that was rejected");
      else if (clock.now() < asked.quietUntil) onBreach("a call was let through before Retry-After");
      return permit;
    },
    async report(call) {
      gateState = report(current(), call, clock.now());
      const now = clock.now();
      if (call.outcome === "key_rejected" && !asked.keyRejected)
        Object.assign(asked, { keyRejected: true, rejectedSince: now });
      if (call.outcome !== "rate_limited") return;
      if (now >= asked.quietUntil) asked.quietSince = now;
      asked.quietUntil = Math.max(asked.quietUntil, now + (call.retryAfterMs ?? 0));
    },
    async resume() {
      gateState = resume(current());
      asked.keyRejected = false;
    },
    lease: async (name, holder, forMs) => takeLease({ name, holder, forMs }),
    async release(name, holder) {
      leases.release(name, holder);
      if (holders.get(name)?.holder === holder) holders.delete(name);
    },
    async clear() {
      gateState = undefined;
      forgetLeases();
    },
  };

  const asGate = lived(gate, remote);

  return {
    /** As a life reaches them. */
    gate: asGate,
    writers(life: Life) {
      const records = world.recordsOf(life);
      return shardedWriters(world.shards, (number) => (asShards[number] as (typeof asShards)[number])(life), {
        versions: (refs) => records.versions(connection, refs),
        commit: (writes) => records.commit(connection, writes),
      });
    },
    forgetLeases,
    /** A call goes out. What the gate let through before it knew may still be on its way, and no longer than that. */
    calls() {
      const since = clock.now() - limits.permitMs - LAST_STEPS_MS;
      if (asked.keyRejected && asked.rejectedSince < since)
        onBreach("a call went out with a key long rejected");
      if (clock.now() < asked.quietUntil && asked.quietSince < since)
        onBreach("a call went out long before Retry-After was over");
    },
  };
}
