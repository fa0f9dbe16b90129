// One story, undisturbed or with one death in it, and what the world does about a death: RCMS sends again what got no
// 2xx, an asker without an answer asks again, the platform brings an unsettled batch back, the clock ticks on.

import { evictDurableObject } from "cloudflare:test";
import { vi } from "vitest";
import type { ConnectionId } from "../../src/core/ids.ts";
import { limits } from "../../src/core/limits.ts";
import { env } from "../support/bindings.ts";
import { everythingKept, type Part } from "./kept.ts";
import { type Operation, QUARTER } from "./operations.ts";
import { createPerformer, happens, type Performer } from "./perform.ts";
import type { Story } from "./stories.ts";
import { answerWith, START } from "./telling.ts";
import { createUpstream } from "./upstream.ts";
import { createWatch, type Strike, type Watch } from "./watch.ts";
import { deployWatched, type WatchedMirror } from "./watched-mirror.ts";
import { createWorld, type FiredEvent, type Shape, shown, type World } from "./world.ts";

const SHAPE: Shape = {
  organizations: 2,
  staff: 2,
  clients: 3,
  paging: "time",
  pageSize: 2,
  grainMs: 1,
  skewMs: 0,
};

export interface Ended {
  readonly watch: Watch;
  /** What must be the same, however often somebody died: everything but times, attempts and figures. */
  readonly state: readonly Part[];
  /** What of the mirror is not as it is upstream. */
  readonly wrong: readonly string[];
}

let runs = 0;

export async function run(story: Story, strike?: Strike): Promise<Ended> {
  vi.setSystemTime(START);
  const now = () => Date.now();
  const connection = `k${++runs}` as ConnectionId;
  const world = createWorld(SHAPE, now);
  const mirror = deployWatched(connection, createUpstream(world, now));
  answerWith(mirror.answer);
  const performer = await createPerformer(mirror, connection, now, (seq) => seq);
  if (story.swept) await goOn(world, performer, drain);
  else mirror.sent.length = 0;
  for (const operation of story.before) await goOn(world, performer, operation);

  const watch = createWatch(strike);
  await mirror.under(watch);
  const deliveries = happens(world, story.act);
  await act(performer, story.act, deliveries);
  watch.end();

  // Whoever got no answer asks again: at once, and when a lease of the dead is over.
  await act(performer, story.act, deliveries);
  await goOn(world, performer, drain);
  await goOn(world, performer, pass(limits.walkLeaseMs / 1_000 + 1));
  await act(performer, story.act, deliveries);
  const afterwards = story.clock ? [...AFTERWARDS, ...BY_THE_CLOCK] : AFTERWARDS;
  for (const operation of afterwards) await goOn(world, performer, operation);
  const feed = await performer.perform({ op: "follow", limit: 100 }, [], false);
  const kept = await everythingKept(mirror, connection, ["client_1", "client_2", "client_3"], (seq) => seq);
  const parts = kept.map(([name, text]): Part => [name, text.replaceAll(connection, "here")]);
  await leave(mirror, connection);
  return {
    watch,
    state: [...timeless(parts), ...feedOf(feed)],
    wrong: story.differs ? [] : wrongRows(parts, world, now()),
  };
}

const pass = (seconds: number): Operation => ({ op: "pass", seconds });
const drain: Operation = { op: "drain", order: 1 };

const AFTERWARDS: readonly Operation[] = [drain, pass(61), drain];

const BY_THE_CLOCK: readonly Operation[] = [
  pass(901),
  { op: "tick", times: 1, cron: QUARTER },
  drain,
  pass(61),
  drain,
];

/** Whoever dies here gives no answer. */
async function act(performer: Performer, operation: Operation, deliveries: readonly FiredEvent[]) {
  await performer.perform(operation, deliveries, true).catch(() => {});
}

async function goOn(world: World, performer: Performer, operation: Operation): Promise<void> {
  switch (operation.op) {
    case "pass":
      vi.setSystemTime(Date.now() + operation.seconds * 1_000);
      return;
    case "drain": {
      const { queues } = performer;
      for (let batches = 0; batches < 60; batches++) {
        const queue = queues.isDue("mirror-events", true) ? "mirror-events" : "mirror-jobs";
        if (!queues.isDue(queue, true)) return;
        await queues.consume(queue, { most: 99, order: 1, wide: true });
      }
      return;
    }
    default:
      await performer.perform(operation, happens(world, operation), true);
  }
}

async function leave(mirror: WatchedMirror, connection: ConnectionId): Promise<void> {
  for (const table of ["connections", "dead_letters"]) await env.DB.prepare(`DELETE FROM ${table}`).run();
  await evictDurableObject(env.WRITERS.getByName(`${connection}:0`)).catch(() => {});
  mirror.sent.length = 0;
}

/** Times, attempts, positions and figures of drift are what a death may change. */
function timeless(parts: readonly Part[]): readonly Part[] {
  const positions: number[] = [];
  const kept = parts.flatMap(([name, text]): Part[] => {
    const value = JSON.parse(text) as Record<string, unknown>;
    switch (name.split(" ")[0]) {
      case "record": {
        const { seq, fetched_at: _, as_of: __, ...row } = value;
        positions.push(Number(seq));
        const dated = row.deleted_at === null ? row : { ...row, updated_at: 0, deleted_at: 1 };
        // A reminder says itself when it was acknowledged or closed.
        const own =
          row.kind === "reminders" ? { ...dated, hash: "", updated_at: 0, body: undated(row.body) } : dated;
        return [[name, JSON.stringify(own)]];
      }
      case "event":
        return [[name, JSON.stringify([value.type, value.ref, value.outcome === "parked"])]];
      case "dead": {
        // Dying between parking and letting go parks a message twice, never not at all.
        const letters = (value as unknown as string[]).map((letter) => {
          // A key once rejected is called a pause from then on.
          const { type, queue, ref } = JSON.parse(letter) as Record<string, unknown>;
          return JSON.stringify({ type, queue, ref });
        });
        return [[name, [...new Set(letters)].join(" ")]];
      }
      case "cursor":
        // A sweep that was interrupted is as of its first beginning, one that begins anew as of a later one.
        return [[name, value.watermark === undefined ? "none" : "a watermark"]];
      case "kind":
        return [[name, JSON.stringify([value.proven, value.complete])]];
      case "rebuild":
        return [[name, String(value.status)]];
      case "minimisation":
        return [[name, "still to do"]];
      default:
        return [[name, text]];
    }
  });
  const distinct = new Set(positions).size === positions.length;
  // The last number given out: content written twice would have spent one more.
  return [...kept, ["positions", JSON.stringify({ distinct, last: Math.max(0, ...positions) })]];
}

function feedOf(said: string): readonly Part[] {
  const lines = said.split("\n").filter((line) => line.startsWith("{"));
  return lines.map((line): Part => {
    const { kind, id, op, record } = JSON.parse(line) as Record<string, unknown>;
    return [`feed ${kind}/${id} ${op}`, undated(JSON.stringify(record))];
  });
}

/** Of a reminder: that it was acknowledged or closed, not when. */
function undated(body: unknown): string {
  const { acknowledged_at, closed_at, ...rest } = (JSON.parse(String(body)) ?? {}) as Record<string, unknown>;
  if (acknowledged_at === undefined) return String(body);
  return JSON.stringify({
    ...rest,
    updated_at: "",
    acknowledged: acknowledged_at !== null,
    closed: closed_at !== null,
  });
}

/** Every living row is as the upstream shows it; reminders live here alone. */
function wrongRows(parts: readonly Part[], world: World, at: number): readonly string[] {
  return parts.flatMap(([name, text]) => {
    const row = JSON.parse(text) as Record<string, string>;
    if (!name.startsWith("record") || row.kind === "reminders" || row.deleted_at !== null) return [];
    const version = shown(world.network, row.kind as "clients", String(row.id), at);
    return JSON.stringify(version?.body) === row.body ? [] : [`${name}: ${row.body}`];
  });
}
