// Killed just before or just after any call to the world, in any story, the mirror comes to the very state it comes to
// undisturbed: nothing lost, nothing twice, nothing that is not upstream.

import { describe, expect, it } from "vitest";
import { type Ended, run } from "./killing.ts";
import { LABELS } from "./labels.ts";
import { EVENT_STORIES, type Story, WORK_STORIES } from "./stories.ts";
import { holdStill } from "./telling.ts";
import type { Strike } from "./watch.ts";

holdStill();

let points = 0;

/** Calls met in undisturbed runs. */
const met = new Set<string>();

describe("killed at every labelled point", () => {
  it.each([...EVENT_STORIES, ...WORK_STORIES])("KL1 $name", { timeout: 600_000 }, async (story) => {
    const undisturbed = await run(story);
    expect(undisturbed.wrong, story.name).toEqual([]);
    for (const call of undisturbed.watch.calls) met.add(call);
    expect(undisturbed.watch.calls).not.toEqual([]);
    expect(undisturbed.watch.calls.filter((call) => LABELS[call] === undefined)).toEqual([]);
    for (const strike of strikesOf(undisturbed, story)) await strikeAt(story, strike, undisturbed);
  });

  it("KL1 every label is a point that some story passes", () => {
    expect(Object.keys(LABELS).filter((call) => !met.has(call))).toEqual([]);
    console.log(JSON.stringify({ labels: Object.keys(LABELS).length, kills: points }));
  });
});

/**
 * Before and after each call of the undisturbed run. Between two calls that change something nothing but the moment
 * differs, so what changes nothing is struck in the first story that passes it, and what changes something in each.
 */
function strikesOf({ watch }: Ended, { firstOnly }: Story): readonly Strike[] {
  return watch.calls.flatMap((call, i) => {
    const nth = watch.calls.slice(0, i + 1).filter((one) => one === call).length;
    const changes = CHANGES.test(call);
    const passed = changes ? firstOnly === true && nth > 1 : struckOnce.has(call);
    struckOnce.add(call);
    return passed ? [] : (["before", "after"] as const).map((when) => ({ call, nth, when }));
  });
}

/** The database, KV, a queue, the webhook, what a Durable Object remembers beyond this call. */
const CHANGES =
  /INSERT (?!kind_state$)|UPDATE|DELETE|KV put|queue|fetch POST|GATES.(report|resume)|forgetDoubts/;

const struckOnce = new Set<string>();

async function strikeAt(story: Story, strike: Strike, undisturbed: Ended): Promise<void> {
  const killed = await run(story, strike);
  points++;
  const point = `${story.name}, killed ${strike.when} "${LABELS[strike.call]}" (${strike.call}, ${strike.nth})`;
  expect(killed.watch.struck, `${point}: never came to it`).toBe(true);
  expect(Object.fromEntries(killed.state), point).toEqual(Object.fromEntries(undisturbed.state));
}
