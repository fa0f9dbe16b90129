// The real routes over stores in memory, with a clock in the hand and an upstream that is a set of refs.

import { createHash } from "node:crypto";
import { createApp } from "../../src/api/app.ts";
import type { ApiDeps } from "../../src/api/deps.ts";
import { type ConnectionId, type Ref, refKey } from "../../src/core/ids.ts";
import { login } from "../../src/sync/backfill.ts";
import type { Looked } from "../../src/sync/ports.ts";
import { readOne } from "../../src/sync/read.ts";
import { acknowledgeReminder } from "../../src/sync/reminders.ts";
import type { ApiKey, KeyStore } from "../../src/sync/stores.ts";
import { createMemory } from "../sync/memory.ts";
import { backfillMemory, rebuildMemory } from "../sync/memory-work.ts";
import { noReplica } from "../sync/replicas.ts";
import { handClock } from "../sync/world.ts";

export const ADMIN = "memory-admin-token-0123456789";
const digest = (text: string) => createHash("sha256").update(text).digest("hex");

export function createMemoryApp() {
  const clock = handClock();
  const memory = createMemory();
  const backfills = backfillMemory();
  const keys = keyMemory();
  const state = {
    /** The upstream does not answer. */
    away: false,
    /** Keys with no ration left. */
    spent: new Set<string>(),
    ids: 0,
    asked: [] as string[],
    duringSleep: async () => {},
  };
  const newId = () => `id-${String(++state.ids).padStart(8, "0")}`;

  /** Nothing is upstream that the mirror does not hold. */
  async function look(connection: ConnectionId, ref: Ref): Promise<Looked> {
    state.asked.push(`${connection}/${refKey(ref)}`);
    return state.away
      ? { ok: false, failure: { kind: "unreachable", why: "network" } }
      : { ok: true, decision: "unchanged", unproven: true };
  }

  const vouch: ApiDeps["vouch"] = async (connection, kind) =>
    (await memory.cursors.read(connection, kind)).vouch;
  const ttlMs = () => 1_800_000;

  const used = {
    now: clock.now,
    newId,
    log: () => {},
    digest,
    async sleep(ms: number) {
      clock.pass(ms);
      await state.duringSleep();
    },
    isAdmin: (token: string) => token === ADMIN,
    findKey: (key: string) => keys.find(digest(key)),
    admit: async (keyId: string) => !state.spent.has(keyId),
    lastSeq: memory.records.lastSeq,
    forgetKeys: () => {},
    forgetConnection: () => {},
    mintKey: () => {
      const key = `rmk_${newId()}`;
      return { key, hash: digest(key) };
    },
    records: memory.records,
    replica: noReplica,
    readOne: (connection, asked, keepAlive) =>
      readOne(
        {
          now: clock.now,
          records: memory.records,
          replica: noReplica,
          refreshes: memory.refreshes,
          queues: { sendJobs: async () => {} },
          vouch,
          ttlMs,
          visibilityLagMs: 10_000,
          copies: { get: () => undefined, begin: () => () => {} },
          shown: { get: () => undefined, set: () => {} },
          writers: (id) => ({ look: (asks) => Promise.all(asks.map(({ ref }) => look(id, ref))) }),
          // The look answers at once; a sleep that moved the clock would win no race.
          sleep: () => new Promise(() => {}),
          keepAlive,
          absent: { has: () => false, add: () => {} },
        },
        connection,
        asked,
      ),
    acknowledgeReminder: (connection, id) =>
      acknowledgeReminder(
        { now: clock.now, records: memory.records, taken: memory.taken, digest },
        connection,
        id,
      ),
    login: (connection, userId, clientId) =>
      login(
        { now: clock.now, newId, backfills, queues: { sendJobs: async () => {} } },
        connection,
        userId,
        clientId,
      ),
    backfills,
    rebuilds: rebuildMemory(),
    connections: memory.connections,
    kinds: memory.kinds,
    cursors: memory.cursors,
    ledger: memory.ledger,
    deadLetters: memory.deadLetters,
    keys,
    isComplete: memory.kinds.isComplete,
    vouch,
    ttlMs,
    visibilityLagMs: 10_000,
    queues: { backlog: async () => undefined },
    verifyBudget: 25,
    sweepMinutes: 15,
    allowHttpUpstream: false,
    receive: async () => ({ result: "unknown_connection" }),
  } satisfies Partial<ApiDeps>;

  const app = createApp(used as Partial<ApiDeps> as ApiDeps);
  const context = { waitUntil: () => {}, passThroughOnException: () => {}, props: {} };

  return {
    clock,
    memory,
    backfills,
    keys,
    state,
    async connect(id: ConnectionId) {
      const account = { baseUrl: "https://up.example/v1", apiKey: "key", fields: {} };
      await memory.connections.begin({ id, source: "rcms", ...account, nonce: "n", createdAt: clock.now() });
      await memory.connections.activate(id, { url: "https://mirror.example/hooks/x" });
    },
    /** @returns the key's text */
    async addKey(key: Omit<ApiKey, "id" | "name" | "createdAt"> & { readonly id?: string }): Promise<string> {
      const { id = newId() } = key;
      const text = `rmk_${id}`;
      await keys.add({ ...key, id, name: "an app", createdAt: clock.now() }, digest(text));
      return text;
    },
    async ask(path: string, token: string | undefined, init: RequestInit = {}): Promise<Response> {
      const headers = new Headers(init.headers);
      if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
      if (!headers.has("x-request-id")) headers.set("x-request-id", "request-1");
      return app.fetch(new Request(`https://mirror.test${path}`, { ...init, headers }), {}, context);
    },
  };
}

export type MemoryApp = ReturnType<typeof createMemoryApp>;

/** All of an answer that anyone can see, the request's own id apart (it is always the same here). */
export async function whole(response: Response): Promise<string> {
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`).sort();
  return [response.status, ...headers, await response.text()].join("\n");
}

export function keyMemory(): KeyStore {
  const rows = new Map<string, ApiKey>();
  return {
    add: async (key, hash) => void rows.set(hash, key),
    find: async (hash) => rows.get(hash),
    list: async () => [...rows.values()],
    async remove(id) {
      const found = [...rows].find(([, key]) => key.id === id);
      return found !== undefined && rows.delete(found[0]);
    },
  };
}
