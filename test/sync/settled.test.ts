// Does the mirror show what an event spoke of, and if not, when is it worth looking again?

import { describe, expect, it } from "vitest";
import { rcms } from "../../src/sources/rcms/rcms.ts";
import type { Looked } from "../../src/sync/ports.ts";
import { isAsNew, lookAgainSeconds, mayBeAsNew, shows } from "../../src/sync/settled.ts";

/** Not on a whole second, so that its grain is the millisecond. */
const CHANGED = 1_800_000_000_123;
const RECEIVED = CHANGED + 400;
const event = { createdAt: CHANGED, receivedAt: RECEIVED };
const LAG_OVER = RECEIVED + rcms.writeLagMs;

type Seen = Extract<Looked, { ok: true }>;
const seen = (version: Seen["version"], more: Partial<Seen> = {}): Seen => ({
  ok: true,
  decision: "update",
  ...(version === undefined ? {} : { version }),
  ...more,
});
const at = (updatedAt: number, lookedFrom = RECEIVED) =>
  shows(seen({ updatedAt, fetchedAt: lookedFrom }), event, lookedFrom, rcms);

describe("a record with a clock", () => {
  it("WR6 shows the event when it is as new, or newer", () => {
    expect(at(CHANGED)).toBe(true);
    expect(at(CHANGED + 5_000)).toBe(true);
  });

  it("WR6 stamped a moment before its event it is the same change, a second before it is not", () => {
    expect(at(CHANGED - 50)).toBe(true);
    expect(at(CHANGED - 51)).toBe(false);
    expect(at(CHANGED - 1_000)).toBe(false);
  });

  it("WR6 stamped within the slack it is believed only by a look after every lag: a second change may hide", () => {
    expect(at(CHANGED - 1_000, LAG_OVER - 1)).toBe(false);
    expect(at(CHANGED - 1_000, LAG_OVER)).toBe(true);
    expect(at(CHANGED - rcms.eventSlackMs, LAG_OVER)).toBe(true);
    expect(at(CHANGED - rcms.eventSlackMs - 1, LAG_OVER + 60_000)).toBe(false);
  });

  it("WR6 a whole second may stand for any instant in it", () => {
    const second = Math.floor(CHANGED / 1_000) * 1_000;
    expect(at(second)).toBe(true);
    expect(mayBeAsNew(second, second + 999)).toBe(true);
    expect(mayBeAsNew(second, second + 1_050)).toBe(false);
    expect(mayBeAsNew(second + 1, second + 500)).toBe(false);
    expect(isAsNew(second, second - 1)).toBe(true);
    expect(isAsNew(second, second)).toBe(false);
    expect(isAsNew(second, second + 20)).toBe(false);
  });

  it("WR6 a whole second settles one event of the look that brought it; another change of that second may hide", () => {
    const updatedAt = Math.floor(CHANGED / 1_000) * 1_000;
    const shown = (decision: Seen["decision"], first: boolean, lookedFrom = RECEIVED) =>
      shows(seen({ updatedAt, fetchedAt: lookedFrom }, { decision }), event, lookedFrom, rcms, first);
    expect(shown("update", true)).toBe(true);
    expect(shown("update", false)).toBe(false);
    expect(shown("unchanged", true)).toBe(false);
    expect(shown("unchanged", true, LAG_OVER)).toBe(true);
    expect(shown("update", false, LAG_OVER)).toBe(true);
  });
});

describe("a record without a clock", () => {
  const undated = (decision: Seen["decision"], fetchedAt: number) =>
    shows(seen({ fetchedAt }, { decision }), event, RECEIVED, rcms);

  it("WR6 shows the event when its content changed, or was fetched after it", () => {
    expect(undated("update", CHANGED - 60_000)).toBe(true);
    expect(undated("unchanged", CHANGED + 1)).toBe(true);
    expect(undated("unchanged", CHANGED - rcms.eventSlackMs - 1)).toBe(false);
  });
});

describe("what is not there", () => {
  it("WR7 in doubt or unproven, nothing is shown", () => {
    expect(
      shows(
        seen({ updatedAt: CHANGED, fetchedAt: 1 }, { doubt: { about: "gone", since: 1 } }),
        event,
        LAG_OVER,
        rcms,
      ),
    ).toBe(false);
    expect(shows(seen(undefined, { decision: "unchanged", unproven: true }), event, LAG_OVER, rcms)).toBe(
      false,
    );
  });

  it("WR7 a tombstone shows events up to its burial; a later one speaks of a return", () => {
    const buried = (deletedAt: number) =>
      shows(seen({ fetchedAt: deletedAt, deletedAt }), event, LAG_OVER, rcms);
    expect(buried(CHANGED)).toBe(true);
    expect(buried(CHANGED - 1)).toBe(false);
  });

  it("WR7 a record confirmed to exist nowhere settles its event", () => {
    expect(shows(seen(undefined, { decision: "unchanged" }), event, RECEIVED, rcms)).toBe(true);
  });

  it("WR6 a look that another writer overtook settles nothing: what is held now was not seen", () => {
    expect(shows(seen(undefined, { decision: "older" }), event, RECEIVED, rcms)).toBe(false);
  });
});

it("WR6 an event without an instant is settled by any look", () => {
  expect(shows(seen({ updatedAt: 1, fetchedAt: 1 }), { receivedAt: RECEIVED }, RECEIVED, rcms)).toBe(true);
});

it("WR6 looks again are 2, 7 and 22 s after the receipt, then no more, whatever came in between", () => {
  const again = (afterMs: number) => lookAgainSeconds(RECEIVED, RECEIVED + afterMs);
  expect(again(0)).toBe(2);
  expect(again(1_999)).toBe(1);
  expect(again(2_000)).toBe(5);
  expect(again(6_500)).toBe(1);
  expect(again(7_000)).toBe(15);
  expect(again(21_999)).toBe(1);
  expect(again(22_000)).toBeUndefined();
  expect(again(3_600_000)).toBeUndefined();
});
