// What a finished sweep vouches for, and when it must not.

import { expect, it } from "vitest";
import { recordAsOf } from "../../src/core/as-of.ts";
import { limits } from "../../src/core/limits.ts";
import { rcms } from "../../src/sources/rcms/rcms.ts";
import { refOf } from "../core/samples.ts";
import { MINUTE, OVERLAP, type Sweeping, sweeping } from "./sweeping.ts";
import { HERE, START } from "./world.ts";

const vouchOf = ({ cursors }: Sweeping) => cursors.of().vouch;

it("RD2 a sweep vouches from its start by the earlier clock, for what was fetched since sweeps look", async () => {
  for (const aheadMs of [0, 90_000, -90_000]) {
    const world = await sweeping();
    const { clock, upstream, sweep } = world;
    upstream.state.aheadMs = aheadMs;
    await sweep();
    expect(vouchOf(world)).toEqual({ asOf: START + Math.min(0, aheadMs), from: START + aheadMs });
    clock.pass(15 * MINUTE);
    await sweep();
    const asOf = START + 15 * MINUTE + Math.min(0, aheadMs);
    expect(vouchOf(world)).toEqual({ asOf, from: START + aheadMs - OVERLAP });
    clock.pass(15 * MINUTE);
    await sweep();
    expect(vouchOf(world)?.from).toBe(START + aheadMs - OVERLAP);
  }
});

it("RD2 a sweep that fails, or stops at something strange, leaves what was vouched for", async () => {
  const world = await sweeping();
  const { clock, upstream, sweep } = world;
  await sweep();
  const before = vouchOf(world);
  clock.pass(15 * MINUTE);
  upstream.failures.set("clients", { kind: "server_error", status: 500 });
  await sweep();
  expect(vouchOf(world)).toEqual(before);
  upstream.failures.clear();
  upstream.put("old", "a", START);
  upstream.state.tamper = (page) => ({
    ...page,
    snapshots: page.snapshots.map((one) => ({ ...one, updatedAt: START - 10 * OVERLAP })),
  });
  expect((await sweep()).strange).toBeDefined();
  expect(vouchOf(world)).toEqual(before);
});

it("RD2 a step back in time leaves a doubt, and a sweep that leaves a doubt adds nothing", async () => {
  const world = await sweeping();
  const { clock, upstream, sweep, mirrored } = world;
  await sweep();
  const before = vouchOf(world);
  clock.pass(15 * MINUTE);
  await mirrored("x", "new", clock.now());
  clock.pass(1_000);
  upstream.put("x", "restored", clock.now() - 10 * MINUTE);
  await sweep();
  expect(vouchOf(world)?.asOf).toBe(before?.asOf);
  upstream.held.clear();
  clock.pass(15 * MINUTE);
  await sweep();
  expect(vouchOf(world)?.asOf).toBe(clock.now());
});

it("RD2 a sweep that met rows nobody could read vouches for nothing held before", async () => {
  const world = await sweeping();
  const { clock, upstream, sweep } = world;
  await sweep();
  clock.pass(15 * MINUTE);
  upstream.state.tamper = (page) => ({ ...page, unreadable: 1 });
  await sweep();
  expect(vouchOf(world)).toEqual({ asOf: clock.now(), from: clock.now() });
});

it("RD2 a sweep that does not reach back to the one before vouches for nothing held before", async () => {
  const world = await sweeping();
  const { clock, sweep, cursors } = world;
  await sweep();
  clock.pass(15 * MINUTE);
  // No overlap: a write the last sweep could not see yet lies before this one's span.
  await sweep("clients", { overlapMs: 0 });
  expect(vouchOf(world)?.from).toBe(START);
  clock.pass(15 * MINUTE);
  await sweep("clients", { overlapMs: 0 });
  expect(vouchOf(world)?.from).toBe(START + 15 * MINUTE);
  // The upstream's clock was put back: what it stamps now lies before what was swept.
  await cursors.put({ ...cursors.of(), watermark: clock.now() + 10 * MINUTE });
  await sweep();
  expect(vouchOf(world)?.from).toBe(clock.now());
});

it("RD2 after a lost cursor the rows held before are as old as their fetch", async () => {
  const world = await sweeping();
  const { clock, sweep, cursors, memory, upstream } = world;
  upstream.put("x", "a", START - 1_000);
  await world.deps.writers.look([{ ref: refOf("x"), class: "event" }]);
  await sweep();
  clock.pass(15 * MINUTE);
  await cursors.removeAll(HERE);
  // Changed, unheard of, while nothing remembered where to look from.
  upstream.put("x", "b");
  clock.pass(15 * MINUTE);
  await sweep();
  clock.pass(15 * MINUTE);
  await sweep();
  const row = await memory.records.one(HERE, refOf("x"));
  expect(row?.hash).toBe("a");
  const asOf = recordAsOf(row ?? { fetchedAt: 0 }, vouchOf(world), rcms.visibilityLagMs);
  expect(asOf).toBe(START - limits.clockDoubtMs - rcms.visibilityLagMs);
});
