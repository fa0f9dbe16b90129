// What the decision guarantees whatever is seen in whatever order.

import fc from "fast-check";
import { it } from "vitest";
import { type Decided, type Doubt, decide } from "../../src/core/decide.ts";
import { limits } from "../../src/core/limits.ts";
import type { Sight, Version } from "../../src/core/record.ts";
import { goneSight, recordSight } from "./samples.ts";

/** Few distinct values, so that ties, steps back and confirmations are common. */
const sight: fc.Arbitrary<Sight> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .record({
        fetchedAt: fc.integer({ min: 1, max: 12 }).map((step) => step * 15_000),
        updatedAt: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
        hash: fc.constantFrom("a", "b", "c"),
      })
      .map(recordSight),
  },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 12 }).map((step) => goneSight(step * 15_000)) },
);

interface Step {
  readonly sight: Sight;
  readonly before: Version | undefined;
  readonly doubtBefore: Doubt | undefined;
  readonly decided: Decided;
  readonly after: Version | undefined;
}

function play(sights: readonly Sight[]): readonly Step[] {
  let version: Version | undefined;
  let doubt: Doubt | undefined;
  return sights.map((seen) => {
    const before = version;
    const doubtBefore = doubt;
    const decided = decide(version, seen, doubt);
    doubt = decided.doubt;
    if (decided.write?.write === "put") version = decided.write.snapshot;
    else if (decided.write) {
      const { fetchedAt } = decided.write;
      version = { fetchedAt, updatedAt: fetchedAt, hash: "", deletedAt: fetchedAt };
    }
    return { sight: seen, before, doubtBefore, decided, after: version };
  });
}

function always(property: (step: Step) => boolean): void {
  fc.assert(
    fc.property(fc.array(sight, { maxLength: 30 }), (sights) => play(sights).every(property)),
    { numRuns: 2_000 },
  );
}

const fetchedAtOf = (seen: Sight) => (seen.kind === "gone" ? seen.fetchedAt : seen.snapshot.fetchedAt);
const confirmed = ({ sight: seen, doubtBefore }: Step, about: Doubt["about"]) =>
  doubtBefore?.about === about && fetchedAtOf(seen) - doubtBefore.since >= limits.confirmAfterMs;

it("WR3 a live record never moves backwards, except when a second look long enough after confirms it", () => {
  always((step) => {
    const { before, after } = step;
    if (!before || !after || before.deletedAt !== undefined || after.deletedAt !== undefined) return true;
    const dated = before.updatedAt !== undefined && after.updatedAt !== undefined;
    if (dated && after.updatedAt !== before.updatedAt) {
      return Number(after.updatedAt) > Number(before.updatedAt) || confirmed(step, "back-in-time");
    }
    return after.fetchedAt >= before.fetchedAt;
  });
});

it("WR3 what is written is what was seen, and a decision writes exactly when it says so", () => {
  always(({ sight: seen, decided }) => {
    const { decision, write } = decided;
    if (write?.write === "put") {
      return (
        (decision === "insert" || decision === "update") &&
        seen.kind === "record" &&
        write.snapshot === seen.snapshot
      );
    }
    if (write) return decision === "tombstone" && seen.kind === "gone";
    return decision === "unchanged" || decision === "older";
  });
});

it("WR4 equal content never writes over a live record", () => {
  always(({ sight: seen, before, decided }) => {
    const equal =
      seen.kind === "record" && before?.deletedAt === undefined && before?.hash === seen.snapshot.hash;
    return !equal || decided.write === undefined;
  });
});

it("WR7 a record is buried only when two looks far enough apart missed it and no later fetch had shown it", () => {
  always((step) => {
    if (step.decided.decision !== "tombstone") return true;
    return confirmed(step, "gone") && (step.before?.fetchedAt ?? 0) < fetchedAtOf(step.sight);
  });
});

it("WR7 a tombstone yields only to a fetch that returned the record and started later", () => {
  always(({ sight: seen, before, after }) => {
    if (before?.deletedAt === undefined || after === before) return true;
    return seen.kind === "record" && seen.snapshot.fetchedAt > before.fetchedAt;
  });
});

it("WR3 once the upstream stands still, a look and its confirmation always bring the mirror level with it", () => {
  fc.assert(
    fc.property(fc.array(sight, { maxLength: 30 }), sight, (sights, last) => {
      const at = (seen: Sight, fetchedAt: number): Sight =>
        seen.kind === "gone"
          ? { ...seen, fetchedAt }
          : { kind: "record", snapshot: { ...seen.snapshot, fetchedAt } };
      const steps = play([...sights, at(last, 1_000_000), at(last, 1_000_000 + limits.confirmAfterMs)]);
      const end = steps.at(-1)?.after;
      return last.kind === "gone"
        ? end === undefined || end.deletedAt !== undefined
        : end?.hash === last.snapshot.hash && end.deletedAt === undefined;
    }),
    { numRuns: 2_000 },
  );
});
