// The worker of one test: its own caches, its queues replaced by recorders, its clock by a settable one. The
// database, the Durable Objects and the code between are the real ones.

import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import worker from "../../src/index.ts";
import { ADMIN_TOKEN, env } from "./bindings.ts";
import { CANARY, leaves } from "./outlets.ts";
import { signatureHeader } from "./sign.ts";
import { UPSTREAM, UPSTREAM_KEY } from "./upstream.ts";

export type QueueNamed = "mirror-events" | "mirror-jobs" | "mirror-dead-letters" | "mirror-access";

export interface Message {
  readonly id?: string;
  readonly body: unknown;
  readonly attempts?: number;
}

/** What the consumer said of a message, in order: exactly one word each is right. */
export type Said = "ack" | { readonly retry: number | undefined };

let connections = 0;
/** Tests of one file share the database; each has connections of its own. */
export const newConnectionId = () => `c${++connections}`;

export function createMirror(overrides: Record<string, unknown> = {}) {
  const events: unknown[] = [];
  const jobs: unknown[] = [];
  const access: unknown[] = [];
  const recorders = { EVENTS: recorder(events), JOBS: recorder(jobs), ACCESS: recorder(access) };
  const testEnv = { ...env, ...recorders, ...overrides };

  /** The answer as soon as it is there, and the end of what outlives it. */
  function answer(path: string, init: RequestInit = {}) {
    const ctx = createExecutionContext();
    const request = new Request(`https://mirror.test${path}`, init);
    // The platform's own request type differs from the constructor's only in its Cloudflare metadata.
    const incoming = request as Request<unknown, IncomingRequestCfProperties>;
    const response = Promise.resolve(worker.fetch(incoming, testEnv, ctx));
    return { response, finished: () => waitOnExecutionContext(ctx) };
  }

  async function fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const { response, finished } = answer(path, init);
    const answered = await response;
    if (answered.status >= 400) leaves("error", await answered.clone().text());
    await finished();
    return answered;
  }

  const withToken =
    (token: string) =>
    (path: string, init: RequestInit & { json?: unknown } = {}) => {
      const { json, headers, ...rest } = init;
      const body = json === undefined ? {} : { method: "POST", body: JSON.stringify(json) };
      return fetch(path, { ...body, ...rest, headers: { authorization: `Bearer ${token}`, ...headers } });
    };
  const admin = withToken(ADMIN_TOKEN);

  /** @returns what was said of each message, in their order */
  async function consume(queue: QueueNamed, messages: readonly Message[]): Promise<Said[][]> {
    const said = messages.map((): Said[] => []);
    const ctx = createExecutionContext();
    const batch = messages.map((message, i) => ({
      id: message.id ?? `m${i}`,
      timestamp: new Date(),
      // As the platform does it: what is received is a copy.
      body: structuredClone(message.body),
      attempts: message.attempts ?? 1,
      ack: () => void said[i]?.push("ack"),
      retry: (options?: QueueRetryOptions) => void said[i]?.push({ retry: options?.delaySeconds }),
    }));
    await worker.queue(
      {
        queue,
        messages: batch,
        metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } },
        ackAll: () => void batch.map((message) => message.ack()),
        retryAll: (options?: QueueRetryOptions) => void batch.map((message) => message.retry(options)),
      } as MessageBatch,
      testEnv,
    );
    await waitOnExecutionContext(ctx);
    return said;
  }

  return {
    env: testEnv,
    events,
    jobs,
    access,
    answer,
    fetch,
    admin,
    as: withToken,
    consume,
    /** Everything queued so far, through the consumer, once. */
    drain: () =>
      consume(
        "mirror-events",
        events.splice(0).map((body) => ({ body })),
      ),

    /** A connection with a webhook of its own making. @returns its signing secret */
    async connect(id: string, more: Record<string, unknown> = {}): Promise<void> {
      const response = await admin("/admin/connections", {
        json: {
          id,
          source: "rcms",
          base_url: UPSTREAM,
          api_key: UPSTREAM_KEY,
          webhook: { signing_secret: secretOf(id) },
          ...more,
        },
      });
      if (response.status !== 201) throw new Error(`connecting answered ${response.status}`);
    },

    /** An app's key, and what asks with it. */
    async key(connection: string, scope: Record<string, unknown> = {}) {
      const response = await admin("/admin/keys", { json: { connection, name: `${CANARY} app`, ...scope } });
      if (response.status !== 201) throw new Error(`making a key answered ${response.status}`);
      const { data } = await response.json<{ data: { id: string; key: string } }>();
      return { ...data, get: withToken(data.key) };
    },

    /** A delivery as RCMS signs it. */
    deliver(id: string, event: unknown, secret = secretOf(id)): Promise<Response> {
      const body = typeof event === "string" ? event : JSON.stringify(event);
      const signature = signatureHeader(secret, Math.floor(Date.now() / 1_000), body);
      return fetch(`/hooks/${id}`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-rcms-signature": signature },
        body,
      });
    },
  };
}

export type Mirror = ReturnType<typeof createMirror>;

/** The signing secret of a connection made by `connect`. */
export const secretOf = (id: string) => `whsec_canary_${id}`;

function recorder(sent: unknown[]) {
  const keep = (body: unknown) => {
    leaves("queue", body);
    sent.push(structuredClone(body));
  };
  return {
    async send(body: unknown) {
      keep(body);
    },
    async sendBatch(messages: Iterable<{ readonly body: unknown }>) {
      for (const { body } of messages) keep(body);
    },
  } as unknown as Queue;
}
