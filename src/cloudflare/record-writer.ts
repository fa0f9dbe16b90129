// The writer's Durable Object, named `<connection>:<shard>`: storage around sync/shard-writer.ts. The state of each
// ref's fetches is in memory, doubts are in storage.

import { DurableObject } from "cloudflare:workers";
import type { Doubt } from "../core/decide.ts";
import { type ConnectionId, type Ref, refKey } from "../core/ids.ts";
import type { Snapshot } from "../core/record.ts";
import type { Permits } from "../sync/permits.ts";
import type { LookAsk, Looked, WalkingWriters } from "../sync/ports.ts";
import { createShardWriter } from "../sync/shard-writer.ts";
import type { DoubtStore } from "../sync/write.ts";
import { compose } from "./compose.ts";
import type { Env } from "./env.ts";

export class RecordWriter extends DurableObject<Env> {
  #writers: WalkingWriters | undefined;

  look(connection: ConnectionId, asks: readonly LookAsk[]): Promise<readonly Looked[]> {
    return this.#of(connection).look(asks);
  }

  walk(connection: ConnectionId, asks: readonly LookAsk[], permits: Permits): Promise<readonly Looked[]> {
    return this.#of(connection).walk(asks, permits);
  }

  offer(connection: ConnectionId, snapshots: readonly Snapshot[]): Promise<readonly Looked[]> {
    return this.#of(connection).offer(snapshots);
  }

  /** Their records were purged. */
  forgetDoubts(refs: readonly Ref[]): void {
    const doubts = this.#doubts();
    for (const ref of refs) doubts.delete(ref);
  }

  /** The connection is gone: nothing of it stays. */
  async clear(): Promise<void> {
    this.#writers = undefined;
    await this.ctx.storage.deleteAll();
  }

  #of(connection: ConnectionId): WalkingWriters {
    this.#writers ??= createShardWriter(compose(this.env), connection, this.#doubts());
    return this.#writers;
  }

  #doubts(): DoubtStore {
    const { kv } = this.ctx.storage;
    const key = (ref: Ref) => `doubt/${refKey(ref)}`;
    return {
      get: (ref) => kv.get<Doubt>(key(ref)),
      set: (ref, doubt) => kv.put(key(ref), doubt),
      delete: (ref) => void kv.delete(key(ref)),
    };
  }
}
