// The counted figures of the bench, asserted: the same scenarios, in real workerd with D1's own meters. What the exact
// numbers are is held in test/cloudflare/costs.workerd.test.ts; here it is that they stay within what is promised.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { createBundles } from "./bundles.ts";
import { countEvents, countQuiet, countReads, countSweep } from "./scenarios.ts";

/** Bundling and starting workerd take seconds on an idle machine; a loaded one may need far longer. */
const PATIENCE = { timeout: 120_000 };

const folder = mkdtempSync(join(tmpdir(), "rcms-mirror-counted-"));
const bundles = createBundles(folder);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("what is counted", () => {
  it(
    "CO2 rows written for an event: six when changed, two when not, none when delivered twice",
    PATIENCE,
    async () => {
      const { changed, unchanged, duplicate, burst } = await countEvents(bundles);
      expect(changed.rowsWritten).toBeLessThanOrEqual(6);
      expect(burst.rowsWritten).toBe(changed.rowsWritten);
      expect(unchanged.rowsWritten).toBeLessThanOrEqual(2);
      expect(duplicate).toMatchObject({ rowsWritten: 0, objectRequests: 0, upstreamCalls: 0 });
      // One request and one batch, one message, one call of the upstream.
      expect(changed).toMatchObject({ requests: 2, queueSends: 1, queueReads: 1, upstreamCalls: 1 });
      expect(burst).toMatchObject({ requests: 1.01, queueSends: 1, queueReads: 1 });
      expect(burst.upstreamCalls).toBeLessThanOrEqual(0.02);
    },
  );

  it(
    "CO2 a sweep that finds nothing new asks the gate and each list once and writes no row",
    PATIENCE,
    async () => {
      const { asked, rowsWritten, objectRequests } = await countSweep(bundles);
      expect(asked.map((one) => one.replace(/\?.*/, ""))).toEqual([
        "GET /v1/organizations",
        "GET /v1/staff",
        "GET /v1/clients",
      ]);
      expect(rowsWritten).toBe(0);
      // The gate once for each, lease and permit in one; and the last lease given back.
      expect(objectRequests).toBe(4);
    },
  );

  it("CO2 a hundred reads share one message and one row of the access log", PATIENCE, async () => {
    const { busy } = await countReads(bundles);
    expect(busy).toMatchObject({ requests: 1.01, queueSends: 0.01, queueReads: 0.01, objectRequests: 0 });
    // Reads may lie in two minutes.
    expect(busy.rowsWritten).toBeLessThanOrEqual(0.02);
  });

  it(
    "CO2 a quiet quarter of an hour is two messages and no row; its calls are looks, most on permits taken together",
    PATIENCE,
    async () => {
      const { tick, calls } = await countQuiet(bundles, 5);
      expect(tick).toMatchObject({ requests: 2, queueSends: 2, queueReads: 2, rowsWritten: 0 });
      // A list of each kind; everybody's status; the verifier's budget.
      expect(calls).toBeLessThanOrEqual(3 + 5 + 25);
      // Some 29 on a machine at rest: of every writer two looks or so, on permits asked for together. Permits that are
      // void before they are spent cost two more, however many they are.
      expect(tick.objectRequests).toBeLessThanOrEqual(2 * calls);
    },
  );
});
