// The stores over the real database, with a meter on every statement.

import { createHash } from "node:crypto";
import { drizzle } from "drizzle-orm/d1";
import type { ConnectionId, Kind, RecordId, Ref } from "../../src/core/ids.ts";
import type { Snapshot, Write } from "../../src/core/record.ts";
import { accessStore } from "../../src/store/access.ts";
import { batchStore } from "../../src/store/batches.ts";
import { connectionStore } from "../../src/store/connections.ts";
import { deadLetterStore } from "../../src/store/dead-letters.ts";
import { keyStore } from "../../src/store/keys.ts";
import { assessmentsTakenStore, kindStore } from "../../src/store/kinds.ts";
import { ledgerStore } from "../../src/store/ledger.ts";
import { minimisationStore } from "../../src/store/minimisations.ts";
import { purgeStore } from "../../src/store/purge.ts";
import { recordStore } from "../../src/store/records.ts";
import { createSeal } from "../../src/store/seal.ts";
import { env } from "./bindings.ts";

export interface Metered {
  readonly sql: string;
  readonly parameters: readonly unknown[];
  /** Known once it ran by a call that reports it. */
  rowsWritten: number | undefined;
  rowsRead: number | undefined;
}

export const sealingKey = (filledWith: number) => new Uint8Array(32).fill(filledWith);

export function createStores(key = sealingKey(1), previous?: Uint8Array) {
  const statements: Metered[] = [];
  const d1 = metered(env.DB, statements);
  const db = drizzle(d1);
  const digest = (text: string) => createHash("sha256").update(text).digest("hex");
  return {
    statements,
    records: recordStore(d1, db),
    batches: batchStore(d1),
    ledger: ledgerStore(d1, db),
    deadLetters: deadLetterStore(d1, db),
    keys: keyStore(db),
    purges: purgeStore(d1),
    minimisations: minimisationStore(d1, db),
    access: accessStore(d1, db, digest),
    kinds: kindStore(db),
    taken: assessmentsTakenStore(db),
    connections: connectionStore(d1, db, () => createSeal(key, previous), digest),
  };
}

export type Stores = ReturnType<typeof createStores>;

let made = 0;

/** A connection that exists, so that the guarded statements write for it. */
export async function newConnection(stores: Stores, apiKey = "an-api-key"): Promise<ConnectionId> {
  const id = `s${++made}` as ConnectionId;
  await stores.connections.begin({
    id,
    source: "rcms",
    baseUrl: "https://upstream.test/v1",
    apiKey,
    fields: {},
    nonce: "n",
    createdAt: 1,
  });
  return id;
}

export const ref = (id: string, kind: Kind = "clients"): Ref => ({ kind, id: id as RecordId });

export function snapshot(id: string, more: Partial<Omit<Snapshot, "id">> = {}): Snapshot {
  const { kind, ...rest } = more;
  return {
    ...ref(id, kind),
    fetchedAt: 1_000,
    terminal: false,
    hash: "h",
    body: JSON.stringify({ id }),
    ...rest,
  };
}

export const put = (id: string, more: Partial<Omit<Snapshot, "id">> = {}): Write => ({
  write: "put",
  snapshot: snapshot(id, more),
});

export const bury = (id: string, fetchedAt: number): Write => ({
  write: "tombstone",
  ref: ref(id),
  fetchedAt,
});

function metered(d1: D1Database, statements: Metered[]): D1Database {
  const wrapped = new WeakMap<object, { statement: D1PreparedStatement; entry: Metered }>();
  const wrap = (statement: D1PreparedStatement, sql: string, parameters: readonly unknown[]) => {
    const entry: Metered = { sql, parameters, rowsWritten: undefined, rowsRead: undefined };
    const proxy = new Proxy(statement, {
      get(target, name) {
        if (name === "bind") return (...values: unknown[]) => wrap(target.bind(...values), sql, values);
        const own: unknown = Reflect.get(target, name, target);
        if (typeof own !== "function") return own;
        return async (...args: unknown[]) => {
          statements.push(entry);
          const result: unknown = await own.apply(target, args);
          if (typeof result === "object" && result !== null && "meta" in result) {
            read(entry, result as D1Result);
          }
          return result;
        };
      },
    });
    wrapped.set(proxy, { statement, entry });
    return proxy;
  };
  const read = (entry: Metered, result: D1Result | undefined) => {
    entry.rowsWritten = result?.meta.rows_written;
    entry.rowsRead = result?.meta.rows_read;
  };
  const batch = async (prepared: D1PreparedStatement[]) => {
    const all = prepared.map((one) => wrapped.get(one) ?? { statement: one, entry: undefined });
    const results = await d1.batch(all.map(({ statement }) => statement));
    for (const [i, { entry }] of all.entries()) {
      if (entry === undefined) continue;
      read(entry, results[i]);
      statements.push(entry);
    }
    return results;
  };
  return new Proxy(d1, {
    get(target, name) {
      if (name === "batch") return batch;
      if (name === "prepare") return (sql: string) => wrap(target.prepare(sql), sql, []);
      const own: unknown = Reflect.get(target, name, target);
      return typeof own === "function" ? own.bind(target) : own;
    },
  });
}
