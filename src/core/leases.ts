// Leases: one holder at a time, for a while. Kept in memory on purpose: a lease that dies with its keeper lets the
// next sweep go on at once, and two sweeps at the same time only repeat each other's work.

interface Lease {
  readonly name: string;
  readonly holder: string;
}

export interface Leases {
  /** Asking again extends. @param instead given back first @returns false while another holds it */
  take(name: string, holder: string, forMs: number, now: number, instead?: Lease): boolean;
  release(name: string, holder: string): void;
  clear(): void;
}

export function createLeases(): Leases {
  const leases = new Map<string, { readonly holder: string; readonly until: number }>();
  function release(name: string, holder: string): void {
    if (leases.get(name)?.holder === holder) leases.delete(name);
  }
  return {
    take(name, holder, forMs, now, instead) {
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
