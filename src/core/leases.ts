// Leases: one holder at a time, for a while. Kept in memory on purpose: a lease that dies with its keeper lets the
// next sweep go on at once, and two sweeps at the same time only repeat each other's work.

export interface Leases {
  /** Asking again extends. @returns false while another holds it */
  take(name: string, holder: string, forMs: number, now: number): boolean;
  release(name: string, holder: string): void;
  clear(): void;
}

export function createLeases(): Leases {
  const leases = new Map<string, { readonly holder: string; readonly until: number }>();
  return {
    take(name, holder, forMs, now) {
      const held = leases.get(name);
      if (held !== undefined && held.holder !== holder && held.until > now) return false;
      leases.set(name, { holder, until: now + forMs });
      return true;
    },
    release(name, holder) {
      if (leases.get(name)?.holder === holder) leases.delete(name);
    },
    clear: () => leases.clear(),
  };
}
