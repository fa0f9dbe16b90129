// The mirror itself, with a counter on every binding: statements and rows by D1's own meters, requests to Durable
// Objects, queue messages, KV. Queues may be held back: then what would be sent is kept for whoever drives the
// consumers, so that a scenario is exact and waits for nothing.

import type { Env } from "../../src/cloudflare/env.ts";
import worker, { UpstreamGate as Gate, RecordWriter as Writer } from "../../src/index.ts";
import { type Counts, NOTHING } from "./counts.ts";

let counts: Counts = { ...NOTHING };
const held: Record<string, unknown[]> = {};

export class RecordWriter extends Writer {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, metered(env));
  }
}

export class UpstreamGate extends Gate {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, metered(env));
  }
}

export default {
  async fetch(request, env, ctx) {
    switch (new URL(request.url).pathname) {
      case "/bench/counts":
        return Response.json(counts);
      case "/bench/reset":
        counts = { ...NOTHING };
        return new Response("");
      case "/bench/held": {
        const sent = { ...held };
        for (const queue of Object.keys(held)) delete held[queue];
        return Response.json(sent);
      }
      default:
        counts.requests++;
        return worker.fetch(request, metered(env), ctx);
    }
  },
  async queue(batch, env) {
    counts.requests++;
    counts.queueReads += batch.messages.length;
    await worker.queue(batch, metered(env));
  },
  async scheduled(controller, env) {
    counts.requests++;
    await worker.scheduled(controller, metered(env));
  },
} satisfies ExportedHandler<Env>;

const known = new WeakMap<Env, Env>();

/** The same for the same environment: the worker composes its services once per environment. */
function metered(env: Env): Env {
  let found = known.get(env);
  if (found === undefined) {
    meterStatements(env.DB);
    found = {
      ...env,
      CURSORS: meteredKv(env.CURSORS),
      EVENTS: meteredQueue("mirror-events", env.EVENTS, env.HOLD_QUEUES === "true"),
      JOBS: meteredQueue("mirror-jobs", env.JOBS, env.HOLD_QUEUES === "true"),
      ACCESS: meteredQueue("mirror-access", env.ACCESS, env.HOLD_QUEUES === "true"),
      WRITERS: meteredObjects(env.WRITERS),
      GATES: meteredObjects(env.GATES),
    };
    known.set(env, found);
  }
  return found;
}

interface Reply {
  readonly meta: { readonly rows_read: number; readonly rows_written: number };
}
type Send = (...asked: unknown[]) => Promise<Reply | readonly Reply[]>;

let statementsMetered = false;

/** Below every way of asking (`run`, `all`, `first`, `raw`, `batch`): where the binding talks to the database. */
function meterStatements(db: D1Database): void {
  if (statementsMetered) return;
  statementsMetered = true;
  let session = Object.getPrototypeOf(db.withSession()) as { _send: Send };
  while (!Object.hasOwn(session, "_send")) session = Object.getPrototypeOf(session) as { _send: Send };
  const own = session._send;
  session._send = async function (...asked) {
    const answered = await own.apply(this, asked);
    counts.queries++;
    for (const { meta } of [answered].flat()) {
      counts.statements++;
      counts.rowsRead += meta.rows_read;
      counts.rowsWritten += meta.rows_written;
    }
    return answered;
  };
}

function meteredObjects<T extends Rpc.DurableObjectBranded>(
  namespace: DurableObjectNamespace<T>,
): DurableObjectNamespace<T> {
  const getByName = (name: string) =>
    new Proxy(namespace.getByName(name), {
      get(stub, method) {
        const call = Reflect.get(stub, method) as unknown;
        if (typeof call !== "function") return call;
        return async (...args: unknown[]) => {
          counts.objectRequests++;
          const startedAt = performance.now();
          try {
            return await (stub as unknown as Record<PropertyKey, (...args: unknown[]) => unknown>)[method]?.(
              ...args,
            );
          } finally {
            counts.objectMs += performance.now() - startedAt;
          }
        };
      },
    });
  return { getByName } as unknown as DurableObjectNamespace<T>;
}

function meteredKv(kv: KVNamespace): KVNamespace {
  const counted = {
    get: (key: string) => {
      counts.kvReads++;
      return kv.get(key);
    },
    put: (key: string, value: string) => {
      counts.kvWrites++;
      return kv.put(key, value);
    },
    delete: (key: string) => {
      counts.kvWrites++;
      return kv.delete(key);
    },
    list: (options: KVNamespaceListOptions) => {
      counts.kvWrites++;
      return kv.list(options);
    },
  };
  return counted as unknown as KVNamespace;
}

/** A message of more than 64 KB counts once more for each 64 KB begun, as the platform bills it. */
function meteredQueue(name: string, queue: Queue, holds: boolean): Queue {
  const note = (body: unknown) => {
    counts.queueSends += Math.ceil(JSON.stringify(body).length / 64_000);
    if (!holds) return;
    held[name] ??= [];
    held[name].push(structuredClone(body));
  };
  const counted = {
    async send(body: unknown, options?: QueueSendOptions) {
      note(body);
      if (!holds) await queue.send(body, options);
    },
    async sendBatch(messages: readonly MessageSendRequest[], options?: QueueSendBatchOptions) {
      for (const { body } of messages) note(body);
      if (!holds) await queue.sendBatch(messages, options);
    },
    metrics: () => queue.metrics(),
  };
  return counted as unknown as Queue;
}
