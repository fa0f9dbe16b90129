// The gate's Durable Object, named `<connection>`: storage around the machine of core/gate.ts.

import { DurableObject } from "cloudflare:workers";
import {
  acquire,
  type CallAsk,
  type CallReport,
  type GateBudget,
  type GateState,
  openGate,
  type Permit,
  report,
  resume,
} from "../core/gate.ts";
import { createLeases, type Leasing, leasedElsewhere } from "../core/leases.ts";
import { type Env, parseSettings } from "./env.ts";

const STATE = "state";

export class UpstreamGate extends DurableObject<Env> {
  /** Budgets survive eviction: a fresh bucket after every idle minute would not be a budget. */
  #state: GateState | undefined = this.ctx.storage.kv.get<GateState>(STATE);

  readonly #leases = createLeases();
  #allowed: GateBudget | undefined;

  acquire(ask: CallAsk, under?: Leasing): Permit {
    const now = Date.now();
    if (under !== undefined && !this.#leases.take(under, now)) return leasedElsewhere(under);
    const { state, permit } = acquire(this.#current(now), ask, this.#budget(), now);
    this.#keep(state);
    return permit;
  }

  report(call: CallReport): void {
    const now = Date.now();
    this.#keep(report(this.#current(now), call, now));
  }

  resume(): void {
    this.#keep(resume(this.#current(Date.now())));
  }

  lease(name: string, holder: string, forMs: number): boolean {
    return this.#leases.take({ name, holder, forMs }, Date.now());
  }

  release(name: string, holder: string): void {
    this.#leases.release(name, holder);
  }

  async clear(): Promise<void> {
    this.#leases.clear();
    this.#state = undefined;
    await this.ctx.storage.deleteAll();
  }

  #current(now: number): GateState {
    return this.#state ?? openGate(this.#budget(), now);
  }

  /** Read once in this life: a change of the environment begins a new one. */
  #budget(): GateBudget {
    if (this.#allowed === undefined) {
      const { UPSTREAM_PER_MINUTE, UPSTREAM_BURST } = parseSettings(this.env);
      this.#allowed = { perMinute: UPSTREAM_PER_MINUTE, burst: UPSTREAM_BURST };
    }
    return this.#allowed;
  }

  #keep(state: GateState): void {
    this.#state = state;
    // Unconfirmed: a permit need not wait for the disk. Losing the last one in a crash costs a single call.
    void this.ctx.storage.put(STATE, state, { allowUnconfirmed: true });
  }
}
