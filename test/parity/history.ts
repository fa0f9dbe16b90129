// One history told to both mirrors, operation by operation. After each one both must have said the same; at the end
// they must keep the same and show the same feed.

import type { ConnectionId } from "../../src/core/ids.ts";
import type { Deployed } from "./deployed.ts";
import { everythingKept, type Part } from "./kept.ts";
import { deployMemory } from "./memory-mirror.ts";
import type { History, Operation } from "./operations.ts";
import { createPerformer, happens } from "./perform.ts";
import { createPositions } from "./positions.ts";
import { createUpstream, type Upstream } from "./upstream.ts";
import { createWorld, type FiredEvent } from "./world.ts";

export interface Told {
  /** Seed, operations and the first thing that differs; undefined: nothing does. */
  readonly difference: string | undefined;
  readonly operations: number;
  readonly memory: readonly Part[];
  /** Records that got another position than in memory: several were written by one operation. */
  readonly moved: number;
}

export interface Clock {
  readonly now: () => number;
  pass(ms: number): void;
}

/** A drain ends: what comes back, comes back later. */
const MOST_BATCHES = 60;

/** Whatever is still wrong is mended, and what is under way comes to rest. */
const EPILOGUE: readonly Operation[] = [
  { op: "heal" },
  { op: "deliver", most: 999, order: 1, twice: 0 },
  { op: "drain", order: 1 },
  { op: "pass", seconds: 61 },
  { op: "drain", order: 2 },
  { op: "follow", limit: 3 },
];

export async function tellHistory(
  { seed, shape, operations }: History,
  connection: ConnectionId,
  clock: Clock,
  deployWorker: (connection: ConnectionId, upstream: Upstream) => Deployed,
): Promise<Told> {
  const { now } = clock;
  const world = createWorld(shape, now);
  const memory = deployMemory(connection, createUpstream(world, now));
  const worker = deployWorker(connection, createUpstream(world, now));
  const positions = createPositions();
  const [inMemory, inWorkerd] = [
    await createPerformer(memory, connection, now, (seq) => seq),
    await createPerformer(worker, connection, now, positions.translate),
  ];
  let lastSeq = 0;

  const isWide = () => memory.calm() && !memory.upstream.troubled;

  /** Both do the same. @returns what differs */
  async function both(
    operation: Operation,
    deliveries: readonly FiredEvent[] = happens(world, operation),
  ): Promise<string | undefined> {
    // Asked of the one, meant for both: their gates are alike as long as they have said the same.
    const wide = isWide();
    const expected = await inMemory.perform(operation, deliveries, wide);
    const said = await inWorkerd.perform(operation, deliveries, wide);
    // Where nothing is to be new there is nothing to ask: what is new there all the same shows with the next.
    const placed = await memory.kept.positions(lastSeq);
    const placedThere = placed.length === 0 ? [] : await worker.kept.positions(lastSeq);
    lastSeq = Math.max(lastSeq, ...placed.map(({ seq }) => seq));
    return (
      firstDifference("said", [["to it", expected]], [["to it", said]]) ??
      firstDifference("asked", callsOf(memory), callsOf(worker)) ??
      positions.note(placed, placedThere) ??
      firstDifference("waiting", listed(inMemory.queues.waiting()), listed(inWorkerd.queues.waiting()))
    );
  }

  async function tell(operation: Operation): Promise<string | undefined> {
    if (operation.op === "pass") clock.pass(operation.seconds * 1_000);
    if (operation.op === "deliver") {
      for (const event of happens(world, operation)) {
        // No two are received at the same instant: nothing says which of two such came first.
        clock.pass(1);
        const difference = await both(operation, [event]);
        if (difference !== undefined) return difference;
      }
      return undefined;
    }
    if (operation.op !== "drain") return both(operation);
    for (let batches = 0; batches < MOST_BATCHES; batches++) {
      const queue = inMemory.queues.isDue("mirror-events", true) ? "mirror-events" : "mirror-jobs";
      if (!inMemory.queues.isDue(queue, isWide())) break;
      const order = operation.order + batches;
      const batch: Operation = { op: "consume", queue, most: 5, order, again: false };
      const difference = await both(batch);
      if (difference !== undefined) return `${JSON.stringify(batch)}\n${difference}`;
    }
    return undefined;
  }

  const all = [...operations, ...EPILOGUE];
  const report = (at: number, what: string) =>
    [`seed ${seed} (${JSON.stringify(shape)})`, ...all.slice(0, at + 1).map(numbered), what].join("\n");
  for (const [at, operation] of all.entries()) {
    const difference = await tell(operation);
    if (difference !== undefined)
      return { difference: report(at, difference), operations: at + 1, memory: [], moved: positions.moved };
  }

  // Some are spoken of that never were.
  const clients = Array.from({ length: shape.clients + 2 }, (_, i) => `client_${i + 1}`);
  const here = await everythingKept(memory, connection, clients, (seq) => seq);
  const there = await everythingKept(worker, connection, clients, positions.translate);
  const difference = firstDifference("kept", here, there);
  return {
    difference: difference === undefined ? undefined : report(all.length, difference),
    operations: all.length,
    memory: here,
    moved: positions.moved,
  };
}

const numbered = (operation: Operation, i: number) =>
  `${String(i + 1).padStart(3)} ${JSON.stringify(operation)}`;

const listed = (texts: readonly string[]): readonly Part[] =>
  texts.map((text, i) => [`message ${i + 1}`, text]);

function firstDifference(of: string, memory: readonly Part[], workerd: readonly Part[]): string | undefined {
  const inWorkerd = new Map(workerd);
  const inMemory = new Map(memory);
  for (const name of new Set([...inMemory.keys(), ...inWorkerd.keys()])) {
    const [here, there] = [inMemory.get(name), inWorkerd.get(name)];
    if (here !== there)
      return `${of} ${name}\n  memory:  ${around(here, there)}\n  workerd: ${around(there, here)}`;
  }
  return undefined;
}

/** What the upstream was asked since this was asked last; looks of one batch ask in any order. */
function callsOf({ upstream }: Deployed): readonly Part[] {
  return listed(upstream.asked.splice(0).sort());
}

/** Long texts are shown from shortly before the place where they part. */
function around(text: string | undefined, other: string | undefined): string {
  if (text === undefined) return "nothing";
  let at = 0;
  while (at < text.length && text[at] === other?.[at]) at++;
  const from = Math.max(0, at - 200);
  return `${from > 0 ? "…" : ""}${text.slice(from, at + 400)}${text.length > at + 400 ? "…" : ""}`;
}
