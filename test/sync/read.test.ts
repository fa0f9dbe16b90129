// One record for a reader: held, fetched while it waits, absent, or not to be had in time.

import { describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { refOf, snapshotOf } from "../core/samples.ts";
import { setUp } from "./reading.ts";
import { failed, HERE, missed, saw, settled } from "./world.ts";

const UNAVAILABLE = { result: "unavailable" };

describe("a record that is held", () => {
  it("RD3 is answered from the mirror, without a call", async () => {
    const { read, hold, asks } = await setUp();
    await hold();
    expect(await read()).toMatchObject({ result: "found", via: { hit: true }, record: { id: "x", seq: 1 } });
    expect(asks).toEqual([]);
  });

  it("RD3 as a tombstone is absent, without a call", async () => {
    const { clock, read, hold, memory, asks } = await setUp();
    await hold();
    await memory.records.commit(HERE, [{ write: "tombstone", ref: refOf("x"), fetchedAt: clock.now() + 1 }]);
    expect(await read()).toEqual({ result: "absent" });
    expect(asks).toEqual([]);
  });
});

describe("a record the reader may not see", () => {
  const unseen = () => false;

  it("RD6 takes the path of what does not exist: looked for upstream, then absent", async () => {
    const { read, hold, upstream, asks } = await setUp();
    await hold();
    const answer = read(undefined, unseen);
    await settled();
    expect(asks).toHaveLength(1);
    for (const fetch of [...upstream.open]) fetch.answer(saw(fetch, { hash: "a" }));
    expect(await answer).toEqual({ result: "absent" });
    expect(await read()).toMatchObject({ result: "found" });
  });

  it("RD6 is as unavailable as what does not exist while the upstream is away", async () => {
    const { read, hold, sleeps } = await setUp();
    await hold();
    const answer = read(undefined, unseen);
    await settled();
    sleeps[0]?.wake();
    expect(await answer).toEqual(UNAVAILABLE);
  });
});

describe("a record never held", () => {
  it("RD3 is fetched while its reader waits, in the reader's class, and kept", async () => {
    const { read, upstream, asks, memory, sleeps } = await setUp();
    const answer = read("o1");
    await settled();
    expect(asks).toEqual([
      expect.objectContaining({ ref: refOf("x"), class: "interactive", organizationId: "o1" }),
    ]);
    expect(sleeps.map(({ ms }) => ms)).toEqual([limits.readThroughMs]);
    for (const fetch of [...upstream.open]) fetch.answer(saw(fetch, { hash: "a" }));
    expect(await answer).toMatchObject({
      result: "found",
      via: { hit: false, fwd: "miss", stored: true },
      record: { id: "x" },
    });
    expect(memory.records.all(HERE)).toHaveLength(1);
  });

  it("RD3 is not waited for longer than 3 s; the fetch goes on and its record is there for the next", async () => {
    const { read, upstream, sleeps, alive } = await setUp();
    const answer = read();
    await settled();
    sleeps[0]?.wake();
    expect(await answer).toEqual(UNAVAILABLE);
    expect(alive).toHaveLength(1);
    for (const fetch of [...upstream.open]) fetch.answer(saw(fetch, { hash: "a" }));
    await alive[0];
    expect(await read()).toMatchObject({ result: "found", via: { hit: true } });
    expect(limits.readThroughMs).toBe(3_000);
  });

  it("RD3 that the upstream does not have is absent, and remembered as such for a while", async () => {
    const { read, upstream, asks, absent } = await setUp();
    const answer = read();
    await settled();
    for (const fetch of [...upstream.open]) fetch.answer(missed(fetch));
    expect(await answer).toEqual({ result: "absent" });
    expect(await read()).toEqual({ result: "absent" });
    expect(asks).toHaveLength(1);
    absent.clear();
    void read();
    await settled();
    expect(asks).toHaveLength(2);
  });

  it("RD3 that cannot be fetched is unavailable, never absent", async () => {
    const { read, upstream, absent } = await setUp();
    for (const kind of ["forbidden", "paused", "key_rejected"] as const) {
      const answer = read();
      await settled();
      for (const fetch of [...upstream.open]) fetch.answer(failed({ kind }));
      expect(await answer).toEqual(UNAVAILABLE);
    }
    expect(absent.size).toBe(0);
  });

  it("RD3 that answers under another id is found under the one asked for", async () => {
    const { read, upstream } = await setUp();
    const answer = read();
    await settled();
    for (const fetch of [...upstream.open]) {
      const snapshot = snapshotOf({ id: "real", fetchedAt: fetch.startedAt });
      fetch.answer({ ok: true, value: { kind: "record", snapshot } });
    }
    expect(await answer).toMatchObject({ result: "found", record: { id: "real" } });
    expect(await read()).toMatchObject({ result: "found", via: { hit: true } });
  });
});
