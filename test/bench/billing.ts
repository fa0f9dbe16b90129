// What is counted, and what it costs: calls, rows, messages and object requests from the metered worker, dollars from
// them and public prices. The upstream takes 100 ms, because time in an object is billed.

import type { Bench } from "./bench.ts";
import { billBeyondPlan, billOf, PLAN_DOLLARS, shownBill } from "./prices.ts";
import { type Row, row } from "./report.ts";
import { countEvents, countQuiet, countReads, countSweep } from "./scenarios.ts";

const MILLION = 1_000_000;
const UPSTREAM_MS = 100;

export async function measureBilling(bench: Bench): Promise<readonly Row[]> {
  const events = await countEvents(bench.bundles, UPSTREAM_MS);
  const sweep = await countSweep(bench.bundles);
  const reads = await countReads(bench.bundles);
  const clients = bench.quick ? 20 : 250;
  const { month } = await countQuiet(bench.bundles, clients, UPSTREAM_MS);
  const beyond = billBeyondPlan(month);
  const dollars = (bill: ReturnType<typeof billOf>, what: string, against: string, atMost?: number) =>
    row(bill.dollars, {
      ...{ what, against, sign: "$", note: shownBill(bill) },
      ...(atMost === undefined ? {} : { aim: { atMost } }),
    });
  const written = (value: number, what: string, atMost: number) =>
    row(value, { what: `rows written per ${what}`, against: "–", aim: { atMost }, digits: 2 });
  return [
    row(sweep.callsPerKind, {
      ...{ what: "sweep with no change: calls per list kind", against: "–", aim: { atMost: 1 }, digits: 0 },
    }),
    row(sweep.rowsWritten, {
      ...{ what: "sweep with no change: rows written", against: "–", aim: { atMost: 0 }, digits: 0 },
    }),
    written(events.changed.rowsWritten, "changed event", 6),
    written(events.unchanged.rowsWritten, "unchanged event", 2),
    written(events.duplicate.rowsWritten, "duplicate event", 0),
    dollars(billOf(events.burst, MILLION), "a million changed events, in batches of 100", "public prices", 8),
    dollars(billOf(events.changed, MILLION), "a million changed events, each alone", "public prices", 8),
    dollars(
      billOf(events.unchanged, MILLION),
      "a million unchanged events, each alone",
      "public prices",
      3.5,
    ),
    dollars(billOf(reads.busy, MILLION), "a million reads, a busy isolate", "public prices", 0.45),
    dollars(billOf(reads.alone, MILLION), "a million reads, each alone", "public prices"),
    row(PLAN_DOLLARS + beyond.dollars, {
      ...{
        what: `a quiet month of 10 connections, ${clients} clients each`,
        against: "the plan",
        sign: "$",
        aim: { atMost: PLAN_DOLLARS },
      },
      ...{ note: shownBill(beyond) || "within what the plan includes" },
    }),
  ];
}
