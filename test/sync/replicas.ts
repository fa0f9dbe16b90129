// A database whose copies may be any amount behind: every state it was in is kept, and a reader is shown whichever
// its bookmark allows and the test chooses.

import type { MirrorRecord } from "../../src/core/record.ts";
import type { Replica } from "../../src/sync/replica.ts";
import type { createMemory } from "./memory.ts";
import { HERE } from "./world.ts";

/** @param choose of the states the reader's bookmark allows, numbered from the oldest: which one it is shown */
export function replicated(
  { records }: Pick<ReturnType<typeof createMemory>, "records">,
  choose: (least: number, latest: number) => number,
) {
  const states: (readonly MirrorRecord[])[] = [[]];
  const bookmarkOf = (state: number) => String(state).padStart(8, "0");
  const { commit } = records;
  records.commit = async (connection, writes) => {
    const written = await commit(connection, writes);
    states.push(records.all(HERE));
    return written;
  };
  records.bookmark = async () => bookmarkOf(states.length - 1);

  function replica(from: string): Replica {
    const shown = choose(from === "" ? 0 : Number(from), states.length - 1);
    const rows = states[shown] ?? [];
    return {
      records: {
        one: async (_, { kind, id }) => rows.find((row) => row.kind === kind && row.id === id),
        page: async (_, kind) => rows.filter((row) => row.kind === kind && row.deletedAt === undefined),
        async changes(_, { after }) {
          const later = rows.filter(({ seq }) => seq > after).sort((a, b) => a.seq - b.seq);
          return { rows: later, next: later.at(-1)?.seq ?? after, more: false };
        },
      },
      isComplete: async () => false,
      bookmark: () => bookmarkOf(shown),
    };
  }

  return { replica, bookmarkOf, states };
}

/** For tests that read from no replica. */
export function noReplica(): never {
  throw new Error("nobody asked for a replica");
}
