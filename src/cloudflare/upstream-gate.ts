// The gate's Durable Object, named `<connection>`: storage around the machine of core/gate.ts.

import { DurableObject } from "cloudflare:workers";
import {
  acquire,
  type CallClass,
  type CallReport,
  type GateState,
  openGate,
  type Permit,
  report,
  resume,
} from "../core/gate.ts";
import { type Env, parseSettings } from "./env.ts";

const STATE = "state";

export class UpstreamGate extends DurableObject<Env> {
  /** Budgets survive eviction: a fresh bucket after every idle minute would not be a budget. */
  #state: GateState | undefined = this.ctx.storage.kv.get<GateState>(STATE);

  readonly #leases = new Map<string, { readonly holder: string; readonly until: number }>();

  acquire(ask: { readonly class: CallClass; readonly retry: boolean }): Permit {
    const now = Date.now();
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

  /**
   * In memory on purpose: a lease that dies with this object lets the next sweep go on at once, and two sweeps
   * at the same time only repeat each other's work.
   */
  lease(name: string, holder: string, forMs: number): boolean {
    const now = Date.now();
    const held = this.#leases.get(name);
    if (held !== undefined && held.holder !== holder && held.until > now) return false;
    this.#leases.set(name, { holder, until: now + forMs });
    return true;
  }

  release(name: string, holder: string): void {
    if (this.#leases.get(name)?.holder === holder) this.#leases.delete(name);
  }

  async clear(): Promise<void> {
    this.#leases.clear();
    this.#state = undefined;
    await this.ctx.storage.deleteAll();
  }

  #current(now: number): GateState {
    return this.#state ?? openGate(this.#budget(), now);
  }

  #budget() {
    const { UPSTREAM_PER_MINUTE, UPSTREAM_BURST } = parseSettings(this.env);
    return { perMinute: UPSTREAM_PER_MINUTE, burst: UPSTREAM_BURST };
  }

  #keep(state: GateState): void {
    this.#state = state;
    // Unconfirmed: a permit need not wait for the disk. Losing the last one in a crash costs a single call.
    void this.ctx.storage.put(STATE, state, { allowUnconfirmed: true });
  }
}
