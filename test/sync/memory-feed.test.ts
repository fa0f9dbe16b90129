// The feed in memory, by the same stories as the one in the database.

import { expect, it } from "vitest";
import { tellFeedStory } from "./feed-story.ts";
import { connectedMemory, HERE } from "./world.ts";

/** Each a few dozen commits and six followers: seconds in all, on a busy machine more. */
const STORIES = 100;

it(`FD1 ${STORIES} stories of moves, deletions and returns leave every follower with exactly what it may see`, async () => {
  for (let seed = 1; seed <= STORIES; seed++) {
    const { memory } = await connectedMemory();
    await tellFeedStory(memory.records, HERE, seed, 30).catch((error: unknown) => {
      throw new Error(`seed ${seed}`, { cause: error });
    });
  }
  expect.hasAssertions();
}, 60_000);
