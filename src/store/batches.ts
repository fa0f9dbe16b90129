// What is known of a batch of events, asked of three tables in one trip.

import type { BatchStore } from "../sync/batch.ts";
import { doneAmong } from "./ledger.ts";
import { versionsOf } from "./records.ts";
import { suppressedAmong } from "./refusals.ts";

export function batchStore(d1: D1Database): BatchStore {
  return {
    async known(connection, { eventIds, subjects, refs }) {
      const done = doneAmong(d1, connection, eventIds);
      const suppressed = suppressedAmong(d1, connection, subjects);
      const versions = versionsOf(d1, connection, refs);
      const results = await d1.batch([done.statement, suppressed.statement, versions.statement]);
      const [ofLedger = [], ofSuppressions = [], ofRecords = []] = results.map(({ results: rows }) => rows);
      return {
        done: done.read(ofLedger),
        suppressed: suppressed.read(ofSuppressions),
        versions: versions.read(ofRecords),
      };
    },
  };
}
