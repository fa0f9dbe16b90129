// An app that follows the feed the whole time and keeps a copy of its own: what it holds in the end is what the
// mirror holds, and no position comes twice or goes back (FD1).

import type { MirrorRecord } from "../../src/core/record.ts";
import { type Isolate, L1_MS } from "./isolates.ts";
import { HERE } from "./mirror.ts";
import type { Simulation } from "./simulation.ts";
import { nameOf } from "./versions.ts";
import type { Witness } from "./witness.ts";

/** Pages of one poll; a follower asks again at once while there is more. */
const PAGES = 20;

export interface Follower {
  /** Everything there is from where it stands; nothing when its request dies. */
  poll(isolate: Isolate): Promise<void>;
  /** What its copy has wrong. */
  differences(): readonly string[];
  readonly polls: number;
}

/** @param organization it sees this one alone; undefined: everything */
export function createFollower(
  sim: Simulation,
  witness: Witness,
  limit: number,
  organization?: string,
): Follower {
  const copy = new Map<string, string>();
  const seen = new Set<number>();
  const organizations = organization === undefined ? undefined : [organization];
  let after = 0;
  let polls = 0;
  let busy = 0;

  function take(row: MirrorRecord, asOf: number): void {
    if (row.seq <= after || seen.has(row.seq)) witness.blame("feed-order", `${row.seq} came after ${after}`);
    seen.add(row.seq);
    if (organization === undefined) witness.claims.ofRow(row, asOf, "the feed");
    after = row.seq;
    if (row.deletedAt === undefined) copy.set(nameOf(row), row.body);
    else copy.delete(nameOf(row));
  }

  return {
    async poll(isolate) {
      // One request at a time; one that died has no answer to wait for.
      if (busy > sim.clock.now()) return;
      busy = sim.clock.now() + 10 * L1_MS;
      for (let pages = 0; pages < PAGES; pages++) {
        const from = after;
        const page = await isolate.changes({ after, limit, organizations });
        if (from !== after) return;
        polls++;
        for (const { row, asOf } of page.entries) take(row, asOf);
        if (page.next < after) witness.blame("feed-order", `next_after ${page.next} is behind ${after}`);
        after = page.next;
        if (!page.more) break;
      }
      busy = 0;
    },

    differences() {
      const rows = sim.mirror.memory.records
        .all(HERE)
        .filter(({ deletedAt }) => deletedAt === undefined)
        .filter(({ organizationId }) => organization === undefined || organizationId === organization);
      const who = organization ?? "everything";
      return [
        ...rows
          .filter((row) => copy.get(nameOf(row)) !== row.body)
          .map((row) => `feed-replay: the follower of ${who} holds another ${nameOf(row)} than the mirror`),
        ...[...copy.keys()]
          .filter((name) => !rows.some((row) => nameOf(row) === name))
          .map((name) => `feed-replay: the follower of ${who} holds ${name}, the mirror does not`),
      ];
    },

    get polls() {
      return polls;
    },
  };
}
