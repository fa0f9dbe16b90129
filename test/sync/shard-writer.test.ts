// A walk's looks, as one writer makes them: on the permits it was given, and no further.

import { expect, it } from "vitest";
import type { CallAsk, CallReport } from "../../src/core/gate.ts";
import { limits } from "../../src/core/limits.ts";
import { rcms } from "../../src/sources/rcms/rcms.ts";
import { createShardWriter, type ShardWriterDeps } from "../../src/sync/shard-writer.ts";
import { refOf, snapshotOf } from "../core/samples.ts";
import { connectedMemory, doubtMemory, HERE, handClock } from "./world.ts";

/** A writer whose every call takes a while and is answered as `answer` says. */
async function setUp(lookMs: number, answer: CallReport = { outcome: "ok" }) {
  const { memory } = await connectedMemory();
  const clock = handClock();
  const asked: CallAsk[] = [];
  const gate = {
    acquire: async (ask: CallAsk) => {
      asked.push(ask);
      return { granted: true, report: false } as const;
    },
    report: async () => {},
  };
  const upstream = (
    ...[, , , callClass, retry = false, door = gate]: Parameters<ShardWriterDeps["upstream"]>
  ) => ({
    async fetchOne(ref: ReturnType<typeof refOf>) {
      await door.acquire({ class: callClass, retry });
      const fetchedAt = clock.now();
      clock.pass(lookMs);
      if (answer.outcome !== "ok") await door.report(answer);
      return {
        ok: true,
        value: { kind: "record", snapshot: snapshotOf({ ...ref, hash: "a", fetchedAt }) },
      } as const;
    },
  });
  const deps = { ...memory, now: clock.now, upstream, gate: () => gate, source: () => rcms };
  const writer = createShardWriter(deps as unknown as ShardWriterDeps, HERE, doubtMemory());
  const walk = async (looks: number, calls: number) => {
    const asks = Array.from({ length: looks }, (_, n) => ({ ref: refOf(`c${n}`), class: "sweep" }) as const);
    const permits = { calls, until: clock.now() + limits.permitMs, report: false };
    return (await writer.walk(asks, permits)).length;
  };
  return { walk, asked };
}

it("GT1 a walk of a writer asks the gate for nothing while its permits last", async () => {
  const { walk, asked } = await setUp(100);
  expect([await walk(12, 12), asked]).toEqual([12, []]);
});

it("GT1 and ends where they are void: the rest is not asked for one by one", async () => {
  const { walk, asked } = await setUp(limits.permitMs / 4);
  expect([await walk(12, 12), asked]).toEqual([4, []]);
});

it("GT1 and ends with the first call that says to wait, though it brought its record", async () => {
  const { walk, asked } = await setUp(100, { outcome: "rate_limited", retryAfterMs: 9_000 });
  expect([await walk(12, 12), asked]).toEqual([1, []]);
});

it("GT1 without any permit one look asks the gate for itself", async () => {
  const { walk, asked } = await setUp(100);
  expect([await walk(1, 0), asked.length]).toEqual([1, 1]);
});
