// The platform's queues of one mirror, in the hand of the history: which messages come, in what order, with whom, how
// often. What a consumer says of a message is done, and told.

import type { EventMessage, JobMessage } from "../../src/sync/messages.ts";
import { createChance } from "../sim/chance.ts";
import type { Deployed, QueueName } from "./deployed.ts";

interface Waiting {
  readonly queue: QueueName;
  readonly body: EventMessage | JobMessage;
  /** The body, without what is random in it: the same on every mirror. */
  readonly text: string;
  readonly attempts: number;
  readonly dueAt: number;
}

/** A consumer that throws leaves its batch to the platform, which brings it back. */
const AGAIN_AFTER_THROW_SECONDS = 30;

export interface Choice {
  /** Only messages of this job. */
  readonly job?: JobMessage["job"];
  readonly most: number;
  readonly order: number;
  /** Several records may be looked at at once: nothing depends on which of the looks ends first. */
  readonly wide: boolean;
}

export function createQueues(deployed: Deployed, nameless: (text: string) => string, now: () => number) {
  let waiting: Waiting[] = [];

  function collect(): void {
    for (const { queue, body, delaySeconds, sentAt } of deployed.sent.splice(0)) {
      waiting.push({
        queue,
        body: body as EventMessage | JobMessage,
        text: nameless(JSON.stringify(body)),
        attempts: 1,
        dueAt: sentAt + delaySeconds * 1_000,
      });
    }
  }

  function due(queue: QueueName): readonly Waiting[] {
    collect();
    return waiting
      .filter((one) => one.queue === queue && one.dueAt <= now())
      .sort((a, b) => compare(`${a.text} ${a.attempts} ${a.dueAt}`, `${b.text} ${b.attempts} ${b.dueAt}`));
  }

  async function hand(batch: readonly Waiting[], queue: QueueName): Promise<(Word | undefined)[]> {
    const words = batch.map((): Word[] => []);
    const messages = batch.map(({ body, attempts }, i) => ({
      id: `m${i}`,
      timestamp: new Date(now()),
      // As the platform does it: what is received is a copy.
      body: structuredClone(body),
      attempts,
      ack: () => void words[i]?.push("ack"),
      retry: (options?: QueueRetryOptions) => void words[i]?.push({ retry: options?.delaySeconds ?? 0 }),
    }));
    try {
      await deployed.queue({
        queue,
        messages,
        metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } },
        ackAll: () => messages.map((message) => message.ack()),
        retryAll: (options?: QueueRetryOptions) => messages.map((message) => message.retry(options)),
      } as unknown as MessageBatch);
    } catch {
      return batch.map(() => undefined);
    }
    // Exactly one word for each is right: anything else is told as it is, and compared.
    return words.map((said) => (said.length === 1 ? said[0] : { retry: -said.length }));
  }

  async function run(batch: readonly Waiting[], queue: QueueName, again: boolean): Promise<string> {
    if (batch.length === 0) return "nothing due";
    waiting = waiting.filter((one) => !batch.includes(one));
    const words = await hand(batch, queue);
    const repeated = again ? await hand(batch.map(once), queue) : [];
    batch.forEach((one, i) => {
      const word = words[i];
      if (word === "ack") return;
      const delaySeconds = word === undefined ? AGAIN_AFTER_THROW_SECONDS : word.retry;
      waiting.push({ ...once(one), dueAt: now() + delaySeconds * 1_000 });
    });
    return JSON.stringify([batch.map(({ text }) => text), words, repeated]);
  }

  return {
    consume: (queue: QueueName, choice: Choice, again = false) =>
      run(choose(due(queue), queue, choice), queue, again),
    isDue: (queue: QueueName, wide: boolean) => due(queue).some((one) => wide || isSteady(one)),
    /** What the platform does with a message after its last retry. */
    async giveUp(order: number): Promise<string> {
      collect();
      const all = [...waiting].sort((a, b) => compare(a.text, b.text));
      const one = all[order % Math.max(1, all.length)];
      return one === undefined ? "nothing waits" : run([one], "mirror-dead-letters", false);
    },
    /** Everything that waits, and until when. */
    waiting(): readonly string[] {
      collect();
      return waiting
        .map(({ queue, text, attempts, dueAt }) => `${queue} ${attempts} ${dueAt} ${text}`)
        .sort();
    },
  };
}

type Word = "ack" | { readonly retry: number };

const once = (one: Waiting): Waiting => ({ ...one, attempts: one.attempts + 1 });

/**
 * What goes into one batch. A batch's looks run at the same time, and what ends first is the machine's choice. So that
 * both mirrors must come to the same, batches hold only what does not depend on it: one job; or events of one record;
 * or, where the gate is calm and the upstream well, of many, but never a client together with its own document (whose
 * place follows the client's) nor two of a kind whose route has yet to prove itself. A backfill, too, waits for calm.
 */
function choose(
  due: readonly Waiting[],
  queue: QueueName,
  { most, order, wide, job }: Choice,
): readonly Waiting[] {
  const shuffled = shuffle(due, order);
  if (queue === "mirror-jobs") {
    const wanted = (one: Waiting) => job === undefined || ("job" in one.body && one.body.job === job);
    return shuffled.filter((one) => wanted(one) && (wide || isSteady(one))).slice(0, 1);
  }
  const chosen: Waiting[] = [];
  const refs = new Map<string, string>();
  for (const one of shuffled) {
    if (chosen.length === most) break;
    const { what } = one.body as EventMessage;
    if (what.is === "changed") {
      const { kind, id } = what.ref;
      const single = kind === "staff" || kind === "organizations";
      // A client and its document are one group, and so is every kind that is not proven.
      const group = single ? kind : id;
      const before = refs.get(group);
      const isNew = before === undefined;
      if (!isNew && before !== `${kind}/${id}`) continue;
      if (isNew && !wide && refs.size > 0) continue;
      refs.set(group, `${kind}/${id}`);
    }
    chosen.push(one);
  }
  return chosen;
}

/** All its looks go one after the other. */
const isSteady = ({ body }: Waiting) => !("job" in body) || body.job !== "backfill";

export function shuffle<T>(from: readonly T[], order: number): readonly T[] {
  const chance = createChance(order);
  const rest = [...from];
  return from.map(() => rest.splice(chance.between(0, rest.length - 1), 1)[0] as T);
}

const compare = (a: string, b: string) => (a < b ? -1 : Number(a > b));
