// A writer, a clock and an upstream in the hand.

import { expect } from "vitest";
import type { LookAsk, Looked } from "../../src/sync/ports.ts";
import type { WriterDeps } from "../../src/sync/write.ts";
import { refOf } from "../core/samples.ts";
import { connectedMemory, handClock, heldUpstream, writerOver } from "./world.ts";

const ask = (record = "x", more: Partial<LookAsk> = {}): LookAsk => ({
  ref: refOf(record),
  class: "event",
  ...more,
});

export async function setUp(replaced: Partial<WriterDeps> = {}) {
  const clock = handClock();
  const { memory } = await connectedMemory();
  const upstream = heldUpstream(clock.now);
  const writer = writerOver(memory, upstream.fetchOne, replaced);
  return {
    clock,
    memory,
    upstream,
    writer,
    /** Asks for one look and remembers its answer. */
    look(record?: string, more?: Partial<LookAsk>) {
      const seen: { looked?: Looked } = {};
      void writer.look([ask(record, more)]).then(([looked]) => Object.assign(seen, { looked }));
      return seen;
    },
  };
}

/** The one fetch under way. */
export function only<T>(open: readonly T[]): T {
  expect(open).toHaveLength(1);
  return open[0] as T;
}
