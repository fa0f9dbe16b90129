// Many histories in one test file: the hooks around them, and what happened in them. A thing that never happened
// proves nothing, so each has to have happened at least once.

import { afterEach, beforeAll, beforeEach, expect, vi } from "vitest";
import type { ConnectionId } from "../../src/core/ids.ts";
import { env, migrate } from "../support/bindings.ts";
import { tellHistory } from "./history.ts";
import type { Part } from "./kept.ts";
import { drawHistory } from "./operations.ts";
import type { Upstream } from "./upstream.ts";
import { deployWorker } from "./worker-mirror.ts";

export const START = Date.UTC(2026, 0, 5, 8);

/** Every second seed: two files share them, so that two cores do. How many there are, and the first, is asked for. */
export function seedsFrom(half: 0 | 1): readonly number[] {
  const first = Number(env.PARITY_SEED);
  const all = Array.from({ length: Number(env.PARITY_HISTORIES) }, (_, i) => first + i);
  return all.filter((_, i) => i % 2 === half);
}

/** Whose upstream answers the worker's calls now. */
let answering: Upstream["answer"] | undefined;

/** From now on calls to the upstream are answered so. */
export function answerWith(answer: Upstream["answer"]): void {
  answering = answer;
}

/** Registers the hooks: a clock that only a history moves, chance and sleep that stand still. */
export function holdStill(): void {
  beforeAll(migrate);
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["Date"], now: START });
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    for (const level of ["info", "warn", "error"] as const)
      vi.spyOn(console, level).mockImplementation(() => {});
    // Short waits are for the gate or for KV: their time is the history's to give.
    const later = globalThis.setTimeout;
    const soon = (run: () => void, ms = 0) => later(run, ms > 2_000 ? ms : 0);
    vi.spyOn(globalThis, "setTimeout").mockImplementation(soon as typeof setTimeout);
    vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
      if (answering === undefined) throw new TypeError("there is no network");
      return answering(new Request(input as Request, init as RequestInit));
    });
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });
}

/** Differences that are told before the rest is left. */
const ENOUGH = 3;

/** Every history on a connection of its own, one after the other. */
export async function tellAll(seeds: readonly number[]): Promise<Tally> {
  const tally: Tally = { histories: 0, operations: 0, reordered: 0, happened: {} };
  const differences: string[] = [];
  for (const seed of seeds) {
    if (differences.length === ENOUGH) break;
    vi.setSystemTime(START);
    const connection = `p${seed}` as ConnectionId;
    const clock = { now: () => Date.now(), pass: (ms: number) => void vi.setSystemTime(Date.now() + ms) };
    const told = await tellHistory(drawHistory(seed), connection, clock, (id, upstream) => {
      answerWith(upstream.answer);
      return deployWorker(id, upstream);
    });
    if (told.difference !== undefined)
      differences.push(`npm run parity -- --histories 1 --seed ${seed}\n${told.difference}`);
    // The next history's ticks have nothing to do here, its replays nothing to send.
    for (const table of ["connections", "dead_letters"]) await env.DB.prepare(`DELETE FROM ${table}`).run();
    tally.histories++;
    tally.operations += told.operations;
    if (told.moved > 0) tally.reordered++;
    count(tally.happened, told.memory);
  }
  expect(differences.join("\n\n")).toBe("");
  return tally;
}

export interface Tally {
  histories: number;
  operations: number;
  /** Histories in which an operation gave its positions in another order than in memory. */
  reordered: number;
  readonly happened: Record<string, number>;
}

/** What must have come about in every file's histories. */
export const RARE = [
  "records",
  "tombstones",
  "reminders",
  "acknowledged",
  "closed",
  "lagging",
  "parked",
  "suppressed",
  "gone",
  "unknown_type",
  "rebuilds done",
  "drift",
  "degraded or paused",
] as const;

function count(happened: Record<string, number>, parts: readonly Part[]): void {
  const add = (name: (typeof RARE)[number], times: boolean | number) => {
    happened[name] = (happened[name] ?? 0) + Number(times);
  };
  for (const [name, text] of parts) {
    const [table] = name.split(" ");
    add("records", table === "record");
    add("tombstones", table === "record" && !text.includes('"deleted_at":null'));
    add("reminders", name.startsWith("record reminders/"));
    add("acknowledged", name.startsWith("record reminders/") && text.includes('"status":"acknowledged"'));
    add("closed", name.startsWith("record reminders/") && text.includes('"status":"closed"'));
    for (const outcome of ["lagging", "parked", "suppressed", "gone", "unknown_type"] as const)
      add(outcome, table === "event" && text.includes(`"outcome":"${outcome}"`));
    add("rebuilds done", table === "rebuild" && text.includes('"status":"done"'));
    add("drift", table === "kind" && /"(missed|late|rewritten|deleted)":[1-9]/.test(text));
    add("degraded or paused", name === "connection" && !text.includes('"status":"active"'));
  }
}
