// The decision as an order: whichever of two versions comes first, the same one stays, so the end does not depend on
// the order in which looks arrive. (Dated and undated versions of one record are not in one order; no kind mixes them.)

import fc from "fast-check";
import { expect, it, vi } from "vitest";
import { type Doubt, decide } from "../../src/core/decide.ts";
import { limits } from "../../src/core/limits.ts";
import type { Sight, Snapshot, Version } from "../../src/core/record.ts";
import { goneSight, recordSight, snapshotOf } from "./samples.ts";

// Thousands of cases: on a busy machine they take their time.
vi.setConfig({ testTimeout: 60_000 });

const beats = (newcomer: Snapshot, held: Snapshot) =>
  decide(held, { kind: "record", snapshot: newcomer }, undefined).decision === "update";

/** Distinct in content and in the start of their fetches; few timestamps, so that many are equal. */
const versions = (dated: boolean) =>
  fc
    .uniqueArray(fc.record({ fetchedAt: fc.nat(50), updatedAt: fc.integer({ min: 1, max: 3 }) }), {
      minLength: 3,
      maxLength: 3,
      selector: ({ fetchedAt }) => fetchedAt,
    })
    .map((all) =>
      all.map(({ fetchedAt, updatedAt }, i) =>
        snapshotOf({ fetchedAt, hash: `content ${i}`, updatedAt: dated ? updatedAt : undefined }),
      ),
    );

it.each([true, false])(
  "WR3 of two versions exactly one wins, and who wins is an order (dated: %s)",
  (dated) => {
    fc.assert(
      fc.property(versions(dated), ([a, b, c]) => {
        if (a === undefined || b === undefined || c === undefined) return false;
        expect(beats(a, b)).toBe(!beats(b, a));
        return !(beats(a, b) && beats(b, c)) || beats(a, c);
      }),
      { numRuns: 2_000 },
    );
  },
);

/** Tenths of the time in which nothing strange is believed yet: all looks start within it. */
const MOMENTS = limits.confirmAfterMs / 10;

interface Story {
  /** By version: the upstream's timestamp, never going back; several changes may share one. */
  readonly stamps: readonly (number | undefined)[];
  readonly looks: readonly { readonly version: number; readonly fetchedAt: number; readonly place: number }[];
}

/**
 * An upstream that only goes forward, and looks at it: most see the latest version, some a replica that lags. One
 * that lags shows the last version of an earlier timestamp: what it shows of the same one, no reader could tell apart.
 */
const story = (dated: boolean): fc.Arbitrary<Story> =>
  fc
    .record({
      steps: fc.array(fc.boolean(), { minLength: 1, maxLength: 6 }),
      looks: fc.array(fc.record({ moment: fc.nat(MOMENTS - 1), lags: fc.boolean(), place: fc.nat() }), {
        minLength: 1,
        maxLength: 8,
      }),
    })
    .map(({ steps, looks }) => {
      let second = 1;
      const stamps = steps.map((sameSecond) => (sameSecond ? second : ++second));
      const seen = looks.map(({ moment, lags, place }, i) => {
        // Versions follow one another evenly through the minute; no two looks start at one instant.
        const latest = Math.min(stamps.length - 1, Math.floor((moment * stamps.length) / MOMENTS));
        const earlier = stamps.findLastIndex((stamp) => stamp < (stamps[latest] ?? 0));
        const version = dated && lags && earlier >= 0 ? earlier : latest;
        return { version, fetchedAt: moment * 10 + i, place };
      });
      return { stamps: dated ? stamps : stamps.map(() => undefined), looks: seen };
    });

function endOf(sights: readonly Sight[]): Version | undefined {
  let held: Version | undefined;
  let doubt: Doubt | undefined;
  for (const sight of sights) {
    const decided = decide(held, sight, doubt);
    doubt = decided.doubt;
    if (decided.write?.write === "put") held = decided.write.snapshot;
  }
  return held;
}

function independentOfOrder({ stamps, looks }: Story): void {
  const sightOf = ({ version, fetchedAt }: Story["looks"][number]) =>
    recordSight({ fetchedAt, updatedAt: stamps[version], hash: `content ${version}` });
  const newest = Math.max(...looks.map(({ version }) => version));
  const orders = [looks, [...looks].reverse(), looks.toSorted((a, b) => a.place - b.place)];
  for (const order of orders) expect(endOf(order.map(sightOf))?.hash).toBe(`content ${newest}`);
}

it.each([true, false])(
  "WR3 in whatever order looks arrive, the newest version seen is what stays (dated: %s)",
  (dated) => {
    fc.assert(fc.property(story(dated), independentOfOrder), { numRuns: 3_000 });
  },
);

it("WR3 of two changes within one second the one seen by the later look stays, also when that arrives first", () => {
  // Found when equal timestamps were taken for equal age.
  const looks = [
    { version: 0, fetchedAt: 0, place: 0 },
    { version: 1, fetchedAt: 20_001, place: 0 },
  ];
  independentOfOrder({ stamps: [2, 2, 3], looks });
});

/** Few distinct values, so that ties, steps back, disappearances and their confirmations are common. */
const sight: fc.Arbitrary<Sight> = fc
  .record({
    fetchedAt: fc.integer({ min: 1, max: 12 }).map((step) => step * 15_000),
    updatedAt: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
    hash: fc.constantFrom("a", "b", "gone"),
  })
  .map((seen) => (seen.hash === "gone" ? goneSight(seen.fetchedAt) : recordSight(seen)));

it("WR4 the same look twice is the same as once, whatever was seen before", () => {
  fc.assert(
    fc.property(fc.array(sight, { maxLength: 12 }), sight, (before, last) => {
      let held: Version | undefined;
      let doubt: Doubt | undefined;
      for (const seen of [...before, last]) {
        const { write, doubt: doubted } = decide(held, seen, doubt);
        doubt = doubted;
        if (write?.write === "put") held = write.snapshot;
        else if (write) held = { fetchedAt: write.fetchedAt, hash: "", deletedAt: write.fetchedAt };
      }
      const again = decide(held, last, doubt);
      expect(again.write).toBeUndefined();
    }),
    { numRuns: 3_000 },
  );
});
