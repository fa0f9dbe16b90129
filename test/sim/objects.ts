// The Durable Objects of a simulated mirror: the writer of each shard, and the gate. An object's memory dies with it,
// its storage does not, and whoever was calling is told.

import type { Doubt } from "../../src/core/decide.ts";
import { acquire, type GateBudget, type GateState, openGate, report, resume } from "../../src/core/gate.ts";
import { type ConnectionId, refKey } from "../../src/core/ids.ts";
import { createLeases } from "../../src/core/leases.ts";
import type { Gate, Writers } from "../../src/sync/ports.ts";
import { createShardWriter, type ShardWriterDeps } from "../../src/sync/shard-writer.ts";
import { shardedWriters } from "../../src/sync/shards.ts";
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
  readonly onOverlap: (what: string) => void;
  /** The gate let something through that RCMS had asked it not to. */
  readonly onBreach: (what: string) => void;
  readonly counters: { gatesLost: number; leasesRefused: number; held: number };
}

/** The gate forgets its leases at a call, at a rate of 1. */
const GATE_CALLS = 30;

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
  const shards = new Map<number, { readonly writers: Writers; readonly life: Life }>();

  function shardOf(number: number): Writers {
    const ask = <T>(call: (writers: Writers) => Promise<T>): Promise<T> => {
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
    return { look: (asks) => ask((one) => one.look(asks)), offer: (seen) => ask((one) => one.offer(seen)) };
  }

  const asShards = Array.from({ length: world.shards }, (_, number) => lived(shardOf(number), remote));

  let gateState: GateState | undefined;
  /** Our own book of what RCMS asked of us. */
  const asked = { quietUntil: 0, keyRejected: false };
  const current = () => gateState ?? openGate(budget, clock.now());
  const leases = createLeases();
  /** Our own book of who holds what. */
  const holders = new Map<string, { readonly holder: string; readonly until: number }>();

  function forgetLeases(): void {
    leases.clear();
    holders.clear();
  }

  const gate: Gate = {
    async acquire(ask) {
      const { state, permit } = acquire(current(), ask, budget, clock.now());
      gateState = state;
      if (!permit.granted) counters.held++;
      else if (asked.keyRejected) onBreach("a call was let through with a key that was rejected");
      else if (clock.now() < asked.quietUntil) onBreach("a call was let through before Retry-After");
      return permit;
    },
    async report(call) {
      gateState = report(current(), call, clock.now());
      if (call.outcome === "key_rejected") asked.keyRejected = true;
      if (call.outcome === "rate_limited")
        asked.quietUntil = Math.max(asked.quietUntil, clock.now() + (call.retryAfterMs ?? 0));
    },
    async resume() {
      gateState = resume(current());
      asked.keyRejected = false;
    },
    async lease(name, holder, forMs) {
      if (chance.happens(faults().crash / GATE_CALLS)) {
        counters.gatesLost++;
        forgetLeases();
      }
      const now = clock.now();
      const granted = leases.take(name, holder, forMs, now);
      const held = holders.get(name);
      if (granted && held !== undefined && held.holder !== holder && held.until > now)
        onOverlap(`the lease ${name} has two holders`);
      if (granted) holders.set(name, { holder, until: now + forMs });
      else counters.leasesRefused++;
      return granted;
    },
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
    writers: (life: Life) =>
      shardedWriters(world.shards, (number) => (asShards[number] as (typeof asShards)[number])(life)),
    forgetLeases,
  };
}
