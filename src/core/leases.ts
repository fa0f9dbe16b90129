// Leases: one holder at a time, for a while. Kept in memory on purpose: a lease that dies with its keeper lets the
// next sweep go on at once, and two sweeps at the same time only repeat each other's work.

import type { Permit } from "./gate.ts";

export interface Lease {
  readonly name: string;
  readonly holder: string;
}

export interface Leasing extends Lease {
  readonly forMs: number;
  /** A lease given back first. */
  readonly instead?: Lease | undefined;
}

/** The answer to whoever asks for a call under a lease that another holds: after so long it is free at the latest. */
export function leasedElsewhere({ forMs }: Leasing): Permit {
  return { granted: false, by: "lease", waitMs: forMs };
}

export interface Leases {
  /** Asking again extends. @returns false while another holds it */
  take(leasing: Leasing, now: number): boolean;
  release(name: string, holder: string): void;
  clear(): void;
}

export function createLeases(): Leases {
  const leases = new Map<string, { readonly holder: string; readonly until: number }>();
  function release(name: string, holder: string): void {
    if (leases.get(name)?.holder === holder) leases.delete(name);
  }
  return {
    take({ name, holder, forMs, instead }, now) {
      if (instead !== undefined) release(instead.name, instead.holder);
      const held = leases.get(name);
      if (held !== undefined && held.holder !== holder && held.until > now) return false;
      leases.set(name, { holder, until: now + forMs });
      return true;
    },
    release,
    clear: () => leases.clear(),
  };
}
