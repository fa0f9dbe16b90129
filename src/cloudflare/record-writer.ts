// The writer's Durable Object, named `<connection>:<shard>`: wiring around sync/write.ts. It keeps the state of
// each ref's fetches in memory, where dying loses only work that its callers repeat, and doubts in storage.

import { DurableObject } from "cloudflare:workers";
import type { Doubt } from "../core/decide.ts";
import { type ConnectionId, type Ref, refKey } from "../core/ids.ts";
import type { Snapshot } from "../core/record.ts";
import type { LookAsk, Looked, Writers } from "../sync/ports.ts";
import { noteAlias } from "../sync/purge.ts";
import type { Connection } from "../sync/stores.ts";
import { createWriter, type DoubtStore } from "../sync/write.ts";
import { compose, type Services } from "./compose.ts";
import type { Env } from "./env.ts";

export class RecordWriter extends DurableObject<Env> {
  readonly #services: Services;
  #writer: { readonly writers: Writers; connection: Connection } | undefined;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#services = compose(env);
  }

  async look(connection: ConnectionId, asks: readonly LookAsk[]): Promise<readonly Looked[]> {
    const writer = await this.#writerOf(connection);
    return writer ? writer.look(asks) : asks.map(() => INTERRUPTED);
  }

  async offer(connection: ConnectionId, snapshots: readonly Snapshot[]): Promise<readonly Looked[]> {
    const writer = await this.#writerOf(connection);
    return writer ? writer.offer(snapshots) : snapshots.map(() => INTERRUPTED);
  }

  /** Their records were purged. */
  forgetDoubts(refs: readonly Ref[]): void {
    const doubts = this.#doubts();
    for (const ref of refs) doubts.delete(ref);
  }

  /** The connection is gone: nothing of it stays. */
  async clear(): Promise<void> {
    this.#writer = undefined;
    await this.ctx.storage.deleteAll();
  }

  /** The connection is read anew at every call, so a replaced key or field list counts at once. */
  async #writerOf(id: ConnectionId): Promise<Writers | undefined> {
    const connection = await this.#services.connections.get(id);
    if (connection === undefined) return undefined;
    if (this.#writer) this.#writer.connection = connection;
    else this.#writer = { connection, writers: this.#createWriter(id) };
    return this.#writer.writers;
  }

  #createWriter(id: ConnectionId): Writers {
    const { records, purges, now, kinds, upstream, source } = this.#services;
    const proven = new Set<string>();
    return createWriter({
      fetchOne: (ref, { class: callClass, retry, organizationId }) => {
        const connection = this.#writer?.connection;
        if (connection === undefined) throw new Error("the writer was cleared");
        const opened = upstream(id, connection.source, connection, callClass, retry);
        return opened.fetchOne(ref, organizationId === undefined ? undefined : { organizationId });
      },
      versions: (refs) => records.versions(id, refs),
      commit: (writes) => records.commit(id, writes),
      suppressed: (refs) => records.suppressed(id, refs),
      whyRefused: (writes) => records.whyRefused(id, writes),
      addAlias: (kind, alias, recordId) =>
        noteAlias({ now, records, purges }, id, { kind, id: alias }, recordId),
      isProven: async (kind) =>
        source(this.#writer?.connection.source ?? "").kinds[kind].singleRoute === "documented" ||
        kinds.isProven(id, kind),
      markProven: async (kind) => {
        if (proven.has(kind)) return;
        await kinds.markProven(id, kind);
        proven.add(kind);
      },
      doubts: this.#doubts(),
    });
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

const INTERRUPTED: Looked = { ok: false, failure: { kind: "interrupted" } };
