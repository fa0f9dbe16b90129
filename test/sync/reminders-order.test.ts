// Reminders when things come in another order than they happened, or at the same moment.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MINUTE, setUp } from "./reminding.ts";
import { START } from "./world.ts";

describe("an upstream whose clock is ahead of ours", () => {
  it("RM1 a copy of the event that was read before does not undo what became of it since", async () => {
    const hold = Promise.withResolvers<void>();
    let holding = true;
    const { due, ack, status } = await setUp((own) => ({
      records: {
        ...own.records,
        one: async (connection, ref) => {
          const row = await own.records.one(connection, ref);
          if (holding) {
            holding = false;
            await hold.promise;
          }
          return row;
        },
      },
    }));
    const ahead = START + MINUTE;
    const copy = due("r1", ahead);
    await due("r1", ahead);
    await ack("r1");
    hold.resolve();
    await copy;
    expect(await status("r1")).toBe("acknowledged");
  });
});

it("RM1 whatever order events and acknowledgements come in, and however often, all end the same", async () => {
  const moves = [
    { do: "due" as const, id: "r1", at: START },
    { do: "due" as const, id: "r2", at: START + 2 },
    { do: "due" as const, id: "r3", at: START + 4 },
    { do: "taken" as const, id: "", at: START + 1 },
    { do: "taken" as const, id: "", at: START + 3 },
  ];
  const order = fc.shuffledSubarray([...moves, ...moves], { minLength: 10 });
  await fc.assert(
    fc.asyncProperty(order, fc.boolean(), async (shuffled, together) => {
      const { due, taken, ack, status, clock } = await setUp();
      const run = (move: (typeof moves)[number]) =>
        move.do === "due" ? due(move.id, move.at) : taken(move.at);
      if (together) await Promise.all(shuffled.map(run));
      else {
        for (const move of shuffled) {
          clock.pass(10);
          await run(move);
        }
      }
      await ack("r3");
      expect([await status("r1"), await status("r2"), await status("r3")]).toEqual([
        "closed",
        "closed",
        "acknowledged",
      ]);
    }),
    { numRuns: 60 },
  );
});
