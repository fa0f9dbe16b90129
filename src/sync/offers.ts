// Snapshots that a list brought: nobody has to be asked for them, so they need no writer's object of their own. What is
// plainly new goes into the table together, whatever its shard, through the same decision and the same guarded
// statement as in the writer.

import { decide } from "../core/decide.ts";
import { refKey } from "../core/ids.ts";
import { refOfWrite, type Snapshot, type Version, type Write } from "../core/record.ts";
import { createGroupCommit } from "./grouping.ts";
import type { Looked } from "./ports.ts";
import type { RecordStore } from "./stores.ts";
import { INTERRUPTED, shownBy } from "./write.ts";

export interface OfferDeps {
  readonly versions: (refs: Parameters<RecordStore["versions"]>[1]) => Promise<ReadonlyMap<string, Version>>;
  readonly commit: (writes: readonly Write[]) => Promise<ReadonlySet<string>>;
  /** The writers by shard. */
  readonly toShards: (snapshots: readonly Snapshot[]) => Promise<readonly Looked[]>;
}

/**
 * What changes nothing, goes back in time or was refused by the guard goes to its writer, who keeps the doubts and
 * knows the reasons.
 */
export async function offerTogether(
  deps: OfferDeps,
  snapshots: readonly Snapshot[],
  known?: ReadonlyMap<string, Version>,
): Promise<readonly Looked[]> {
  if (snapshots.length === 0) return [];
  try {
    const held = known ?? (await deps.versions(snapshots.map(({ kind, id }) => ({ kind, id }))));
    const committed = committer(deps);
    const landed = await Promise.all(
      snapshots.map(async (snapshot): Promise<Looked | undefined> => {
        const { decision, write } = decide(
          held.get(refKey(snapshot)),
          { kind: "record", snapshot },
          undefined,
        );
        if (write === undefined || !(await committed(write))) return undefined;
        const { updatedAt, fetchedAt } = snapshot;
        const version = { fetchedAt, ...(updatedAt === undefined ? {} : { updatedAt }) };
        return { ok: true, decision, version, shown: shownBy(snapshot) };
      }),
    );
    const open = snapshots.filter((_, i) => landed[i] === undefined);
    const looked = open.length === 0 ? [] : await deps.toShards(open);
    let next = 0;
    return landed.map((one) => one ?? looked[next++] ?? INTERRUPTED);
  } catch {
    return snapshots.map(() => INTERRUPTED);
  }
}

/** As few statements as their size allows. */
function committer({ commit }: OfferDeps): (write: Write) => Promise<boolean> {
  return createGroupCommit<Write, boolean>({
    keyOf: (write) => refKey(refOfWrite(write)),
    sizeOf: (write) => (write.write === "put" ? new TextEncoder().encode(write.snapshot.body).length : 0),
    run: async (writes) => {
      const written = await commit(writes);
      return writes.map((write) => written.has(refKey(refOfWrite(write))));
    },
  });
}
