// What the platform charges beyond what the paid plan includes, and what that plan includes in a month. Cloudflare's
// public price pages for Workers, Queues, D1, Durable Objects and KV, in US dollars, as of 2026-11-22.

import { type Counts, queueOperations } from "./counts.ts";

export const PLAN_DOLLARS = 5;

const MILLION = 1_000_000;

/** Each a share of the bill: how much of it was used, its price per million, what the plan includes. */
const SHARES: Readonly<
  Record<
    string,
    { readonly used: (counts: Counts) => number; readonly perMillion: number; readonly included: number }
  >
> = {
  "worker requests": { used: ({ requests }) => requests, perMillion: 0.3, included: 10 * MILLION },
  "queue operations": { used: queueOperations, perMillion: 0.4, included: MILLION },
  "rows written": { used: ({ rowsWritten }) => rowsWritten, perMillion: 1, included: 50 * MILLION },
  "rows read": { used: ({ rowsRead }) => rowsRead, perMillion: 0.001, included: 25_000 * MILLION },
  "object requests": { used: ({ objectRequests }) => objectRequests, perMillion: 0.15, included: MILLION },
  /** An object holds 0.128 GB while a call is under way. */
  "object GB-s": {
    used: ({ objectMs }) => (objectMs / 1_000) * 0.128,
    perMillion: 12.5,
    included: 400_000,
  },
  "KV reads": { used: ({ kvReads }) => kvReads, perMillion: 0.5, included: 10 * MILLION },
  "KV writes": { used: ({ kvWrites }) => kvWrites, perMillion: 5, included: MILLION },
};

export interface Bill {
  readonly dollars: number;
  /** The shares that matter, largest first. */
  readonly shares: readonly { readonly name: string; readonly used: number; readonly dollars: number }[];
}

/** Of so many of what was counted, on top of a plan that is used up. */
export function billOf(counts: Counts, times: number): Bill {
  return bill(counts, times, () => 0);
}

/** Of a month in which nothing else happens: what exceeds the plan. */
export function billBeyondPlan(counts: Counts): Bill {
  return bill(counts, 1, ({ included }) => included);
}

function bill(counts: Counts, times: number, free: (share: { readonly included: number }) => number): Bill {
  const shares = Object.entries(SHARES).map(([name, share]) => {
    const used = share.used(counts) * times;
    return { name, used, dollars: (Math.max(0, used - free(share)) / MILLION) * share.perMillion };
  });
  return {
    dollars: shares.reduce((sum, share) => sum + share.dollars, 0),
    shares: shares.sort((a, b) => b.dollars - a.dollars),
  };
}

/** `rows written $5.00, queue operations $1.20, …`: what makes up nearly all of it. */
export function shownBill({ shares }: Bill): string {
  const shown = shares.filter(({ dollars }) => dollars >= 0.005);
  return shown.map(({ name, dollars }) => `${name} $${dollars.toFixed(2)}`).join(", ");
}
