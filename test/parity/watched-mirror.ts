// The deployed worker under a watch: while it is on, the handlers and the writer see the world through bindings that
// can kill them. What dies is one invocation, or one Durable Object with its memory.

import {
  createExecutionContext,
  evictDurableObject,
  runInDurableObject,
  waitOnExecutionContext,
} from "cloudflare:test";
import type { ConnectionId } from "../../src/core/ids.ts";
import worker from "../../src/index.ts";
import { env as bound } from "../support/bindings.ts";
import { type Deployed, recorders } from "./deployed.ts";
import type { Upstream } from "./upstream.ts";
import { type Life, type Watch, watched } from "./watch.ts";
import { deployWorker } from "./worker-mirror.ts";

/** One writer, so that it is known whose fetch a fetch is. */
const ONE_WRITER = { WRITER_SHARDS: "1" };

export interface WatchedMirror extends Deployed {
  /** From now on every call is a step of a life under this watch. */
  under(watch: Watch): Promise<void>;
  /** Undefined: nobody watches. */
  answer(request: Request): Promise<Response>;
}

export function deployWatched(connection: ConnectionId, upstream: Upstream): WatchedMirror {
  const plain = deployWorker(connection, upstream, ONE_WRITER);
  const bindings = { ...bound, ...recorders(plain.sent), ...plain.settings };
  let watch: Watch | undefined;
  let invocation: Life | undefined;
  let writer: Life | undefined;

  /** One invocation, which may die. */
  async function invoke<T>(run: (env: typeof bindings) => Promise<T>): Promise<T> {
    if (watch === undefined) return run(bindings);
    const death = Promise.withResolvers<never>();
    const life = watch.live("worker", () => death.reject(new Error("the invocation was killed")));
    invocation = life;
    return Promise.race([run(watched(bindings, life)), death.promise]);
  }

  return {
    ...plain,
    fetch: (path, init) =>
      invoke(async (env) => {
        const ctx = createExecutionContext();
        const request = new Request(`https://mirror.test${path}`, init);
        const incoming = request as Request<unknown, IncomingRequestCfProperties>;
        const response = await worker.fetch(incoming, env, ctx);
        await waitOnExecutionContext(ctx);
        return response;
      }),
    queue: (batch) => invoke((env) => worker.queue(batch, env)),
    scheduled: (cron) =>
      invoke((env) => worker.scheduled({ cron, scheduledTime: Date.now(), noRetry() {} }, env)),
    async under(next) {
      watch = next;
      const name = `${connection}:0`;
      // What lives already was put together without a watch; what comes next is not.
      await evictDurableObject(bound.WRITERS.getByName(name)).catch(() => {});
      await runInDurableObject(bound.WRITERS.getByName(name), (instance, state) => {
        const life = next.live("writer", () => state.abort("the writer was killed"));
        writer = life;
        const object = instance as unknown as { env: typeof bound };
        object.env = watched(object.env, life);
      });
    },
    answer(request) {
      const path = new URL(request.url).pathname.replace("/v1", "");
      const single = /^\/(clients|staff|organizations)\/[^/]+/.test(path);
      const life = single ? writer : invocation;
      const shape = path.replace(/(client|staff|org|wh)_\d+/, ":id");
      // Whoever asks after the watch is a life of its own; the dead ask nothing.
      if (watch === undefined || watch.over || life === undefined) return upstream.answer(request);
      return life.step(`fetch ${request.method} ${shape}`, () => upstream.answer(request));
    },
  };
}
