// Every branch of the decision, by example. What holds over whole histories is in decide-history.test.ts.

import { describe, expect, it } from "vitest";
import { type Decision, type Doubt, decide } from "../../src/core/decide.ts";
import type { Version } from "../../src/core/record.ts";
import { goneSight, recordSight, snapshotOf } from "./samples.ts";

const held: Version = { updatedAt: 5_000, fetchedAt: 10_000, hash: "a" };
const undated: Version = { fetchedAt: 10_000, hash: "a" };
const buried: Version = { fetchedAt: 10_000, hash: "", updatedAt: 10_000, deletedAt: 10_000 };

describe("a record", () => {
  it("WR3 over nothing is inserted as seen", () => {
    const seen = snapshotOf({ fetchedAt: 1, updatedAt: 1 });
    expect(decide(undefined, { kind: "record", snapshot: seen }, undefined)).toEqual({
      decision: "insert",
      write: { write: "put", snapshot: seen },
    });
  });

  const cases: [string, Version, Parameters<typeof recordSight>[0], Decision][] = [
    [
      "WR3 newer by the upstream's clock wins",
      held,
      { updatedAt: 5_001, fetchedAt: 10_001, hash: "b" },
      "update",
    ],
    [
      "WR3 newer by the upstream's clock wins even from an earlier fetch",
      held,
      { updatedAt: 5_001, fetchedAt: 9_999, hash: "b" },
      "update",
    ],
    [
      "WR3 a later fetch with an equal timestamp replaces other content",
      held,
      { updatedAt: 5_000, fetchedAt: 10_001, hash: "b" },
      "update",
    ],
    [
      "WR3 an equal timestamp from a fetch of the same start does not",
      held,
      { updatedAt: 5_000, fetchedAt: 10_000, hash: "b" },
      "older",
    ],
    ["WR3 an undated record wins by a later fetch", undated, { fetchedAt: 10_001, hash: "b" }, "update"],
    ["WR3 an undated record of an earlier fetch is older", undated, { fetchedAt: 9_999, hash: "b" }, "older"],
    [
      "WR3 a dated record over an undated one needs a later fetch",
      undated,
      { updatedAt: 1, fetchedAt: 9_999, hash: "b" },
      "older",
    ],
    [
      "WR3 an undated record over a dated one needs a later fetch",
      held,
      { fetchedAt: 10_001, hash: "b" },
      "update",
    ],
    [
      "WR3 older by the upstream's clock and fetched earlier is older",
      held,
      { updatedAt: 4_999, fetchedAt: 9_999, hash: "b" },
      "older",
    ],
    [
      "WR4 equal content is unchanged whatever its timestamp",
      held,
      { updatedAt: 9_000, fetchedAt: 20_000 },
      "unchanged",
    ],
    ["WR4 equal content without timestamps is unchanged", undated, { fetchedAt: 20_000 }, "unchanged"],
    [
      "WR4 absent timestamps alone do not make content equal",
      undated,
      { fetchedAt: 20_000, hash: "b" },
      "update",
    ],
    [
      "WR7 a tombstone yields to a fetch that started after the one that missed the record",
      buried,
      { updatedAt: 1, fetchedAt: 10_001 },
      "update",
    ],
    [
      "WR7 a tombstone does not yield to an earlier fetch, however new its record",
      buried,
      { updatedAt: 99_999, fetchedAt: 10_000 },
      "older",
    ],
  ];

  it.each(cases)("%s", (_title, stored, seen, decision) => {
    const decided = decide(stored, recordSight(seen), undefined);
    expect(decided.decision).toBe(decision);
    expect(decided.doubt).toBeUndefined();
    expect(decided.write).toEqual(
      decision === "update" ? { write: "put", snapshot: snapshotOf(seen) } : undefined,
    );
  });
});

describe("a step back in time", () => {
  const back = (fetchedAt: number) => recordSight({ updatedAt: 4_000, fetchedAt, hash: "b" });
  const first: Doubt = { about: "back-in-time", since: 20_000 };

  it("WR3 is doubted at first, and the doubt remembers its first look", () => {
    expect(decide(held, back(20_000), undefined)).toEqual({ decision: "older", doubt: first });
    expect(decide(held, back(79_999), first)).toEqual({ decision: "older", doubt: first });
  });

  it("WR3 is believed when a look 60 s later agrees, and only over the content it was compared with", () => {
    expect(decide(held, back(80_000), first)).toEqual({
      decision: "update",
      write: {
        write: "put",
        snapshot: snapshotOf({ updatedAt: 4_000, fetchedAt: 80_000, hash: "b" }),
        overHash: "a",
      },
    });
  });

  it("WR3 is settled by any look that shows the record in its place", () => {
    expect(decide(held, recordSight({ updatedAt: 5_000, fetchedAt: 30_000 }), first)).toEqual({
      decision: "unchanged",
    });
  });

  it("WR3 is not confirmed by a doubt about something else", () => {
    const gone: Doubt = { about: "gone", since: 0 };
    expect(decide(held, back(80_000), gone)).toEqual({
      decision: "older",
      doubt: { about: "back-in-time", since: 80_000 },
    });
  });
});

describe("a record not found", () => {
  const first: Doubt = { about: "gone", since: 20_000 };

  it("WR7 is doubted at first, and the doubt remembers its first look", () => {
    expect(decide(held, goneSight(20_000), undefined)).toEqual({ decision: "unchanged", doubt: first });
    expect(decide(held, goneSight(79_999), first)).toEqual({ decision: "unchanged", doubt: first });
  });

  it("WR7 is a tombstone when a look 60 s later agrees", () => {
    const sight = goneSight(80_000);
    expect(decide(held, sight, first)).toEqual({
      decision: "tombstone",
      write: { write: "tombstone", ref: { kind: "clients", id: "x" }, fetchedAt: 80_000 },
    });
  });

  it("WR7 is not confirmed by a doubt from before what is held was fetched: that has answered it", () => {
    const since = held.fetchedAt;
    const decided = decide(held, goneSight(since + 60_000), { about: "gone", since });
    expect(decided).toEqual({ decision: "unchanged", doubt: { about: "gone", since: since + 60_000 } });
  });

  it("WR7 is not confirmed by a doubt about something else", () => {
    const back: Doubt = { about: "back-in-time", since: 0 };
    expect(decide(held, goneSight(80_000), back).doubt).toEqual({ about: "gone", since: 80_000 });
  });

  it("WR7 is older news when the record was fetched after it", () => {
    expect(decide(held, goneSight(10_000), first)).toEqual({ decision: "older" });
  });

  it("WR7 buries nothing twice, and nothing that was never held", () => {
    expect(decide(buried, goneSight(80_000), first)).toEqual({ decision: "unchanged" });
    expect(decide(undefined, goneSight(20_000), undefined)).toEqual({ decision: "unchanged", doubt: first });
    expect(decide(undefined, goneSight(80_000), first)).toEqual({ decision: "unchanged" });
  });
});
