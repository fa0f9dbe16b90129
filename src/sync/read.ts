// One record for a reader: from the mirror, or fetched now when the mirror has never held it (RD3).

import type { ConnectionId, Ref } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import type { MirrorRecord } from "../core/record.ts";
import type { Looked, Writers } from "./ports.ts";
import type { RecordStore } from "./stores.ts";

export interface ReadDeps {
  readonly records: Pick<RecordStore, "one">;
  readonly writers: (connection: ConnectionId) => Pick<Writers, "look">;
  readonly sleep: (ms: number) => Promise<void>;
  /** Lets a fetch finish after its reader was answered. */
  readonly keepAlive: (work: Promise<unknown>) => void;
  /** Refs lately found to exist nowhere, so that guessing ids costs the upstream nothing. */
  readonly absent: { has(key: string): boolean; add(key: string): void };
}

export type Read =
  | { readonly result: "found"; readonly record: MirrorRecord; readonly from: "mirror" | "upstream" }
  | { readonly result: "absent" }
  /** Neither the mirror nor, in time, the upstream could say. */
  | { readonly result: "unavailable" };

export interface Asked {
  readonly ref: Ref;
  /** May the reader see it? What it may not see takes the very path of what does not exist, outages included. */
  readonly visible: (record: MirrorRecord) => boolean;
  /** What is known of the record's organization, where its own document omits it. */
  readonly organizationId?: string | undefined;
}

export async function readOne(deps: ReadDeps, connection: ConnectionId, asked: Asked): Promise<Read> {
  const { ref, visible, organizationId } = asked;
  const held = await deps.records.one(connection, ref);
  if (held !== undefined && visible(held)) {
    return held.deletedAt === undefined ? found(held, "mirror") : { result: "absent" };
  }

  const absentKey = `${connection}/${ref.kind}/${ref.id}`;
  if (deps.absent.has(absentKey)) return { result: "absent" };
  const look = deps.writers(connection).look([{ ref, class: "interactive", organizationId }]);
  deps.keepAlive(look);
  const late: readonly Looked[] = [];
  const [looked] = await Promise.race([look, deps.sleep(limits.readThroughMs).then(() => late)]);
  if (!looked?.ok) return { result: "unavailable" };

  const fetched = await deps.records.one(connection, ref);
  if (fetched !== undefined && fetched.deletedAt === undefined && visible(fetched))
    return found(fetched, "upstream");
  deps.absent.add(absentKey);
  return { result: "absent" };
}

function found(record: MirrorRecord, from: "mirror" | "upstream"): Read {
  return { result: "found", record, from };
}
