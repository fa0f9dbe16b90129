// What the platform bills, as counted by test/bench/metered.ts.

export interface Counts {
  /** Invocations of the worker: requests, queue batches, cron. */
  requests: number;
  /** Trips to the database; a batch is one. */
  queries: number;
  statements: number;
  rowsRead: number;
  rowsWritten: number;
  objectRequests: number;
  /** Time in which a call to an object was under way, summed over calls: no less than what is billed. */
  objectMs: number;
  kvReads: number;
  /** Lists and deletions included. */
  kvWrites: number;
  /** Messages written, and messages read: a message that comes back is read again. */
  queueSends: number;
  queueReads: number;
}

export const NOTHING: Counts = {
  requests: 0,
  queries: 0,
  statements: 0,
  rowsRead: 0,
  rowsWritten: 0,
  objectRequests: 0,
  objectMs: 0,
  kvReads: 0,
  kvWrites: 0,
  queueSends: 0,
  queueReads: 0,
};

/** Written, read, deleted. */
export const queueOperations = ({ queueSends, queueReads }: Counts) => 2 * queueSends + queueReads;

/** What one of several cost. */
export function each(counts: Counts, times: number): Counts {
  return mapped((name) => counts[name] / times);
}

export function sum(...all: readonly Counts[]): Counts {
  return mapped((name) => all.reduce((total, counts) => total + counts[name], 0));
}

function mapped(value: (name: keyof Counts) => number): Counts {
  const names = Object.keys(NOTHING) as (keyof Counts)[];
  return Object.fromEntries(names.map((name) => [name, value(name)])) as unknown as Counts;
}
