// What the mirror claims of its own freshness (RD2), held against the truth in true time: whatever changed upstream
// before `as_of`, by whichever of the two clocks, is in what was served. What was deleted before whatever vouches had
// looked is the verifier's to notice, with all that was changed before, and held against nobody.

import { limits } from "../../src/core/limits.ts";
import type { MirrorRecord } from "../../src/core/record.ts";
import { rcms } from "../../src/sources/rcms/rcms.ts";
import type { NetworkKind } from "./network.ts";
import type { Simulation } from "./simulation.ts";
import { nameOf, versionOf } from "./versions.ts";
import type { Blame } from "./witness.ts";

export function createClaims(sim: Simulation, blame: Blame) {
  const { clock, network, shape } = sim;
  const counters = { claims: 0, claimsOfTombstones: 0 };
  const { skewMs } = shape.faults;
  /** How far `as_of` stays behind the look that vouches. */
  const behindMs = rcms.visibilityLagMs + (shape.tellsTime ? 0 : limits.clockDoubtMs);
  /** When it happened, by the earlier of both clocks. */
  const earlier = (at: number) => Math.min(at, at + skewMs);

  function ofRow(row: MirrorRecord, asOf: number, where: string): void {
    if (row.kind === "reminders") return;
    const record = network.get(row.kind, row.id);
    if (record === undefined) return;
    counters.claims++;
    if (asOf > clock.now()) blame("as-of", `${where}: ${nameOf(row)} is said to be as of the future`);
    let number: number;
    if (row.deletedAt === undefined) number = versionOf(row);
    else {
      counters.claimsOfTombstones++;
      const { fetchedAt } = row;
      number = record.versions.findLast(({ body, at }) => body === undefined && at <= fetchedAt)?.number ?? 0;
    }
    const then = record.versions.findLast(({ at }) => earlier(at) <= asOf);
    // A sweep that came after the deletion vouches for an instant before it, and was shown neither.
    const unseen = record.versions.some(
      ({ body, at }) => body === undefined && at > asOf && earlier(at) <= asOf + behindMs,
    );
    if (then?.body !== undefined && then.number > number && !(unseen && row.deletedAt === undefined))
      blame(
        "as-of",
        `${where}: ${nameOf(row)} is said to be as of ${asOf - then.at} ms after version ${then.number}`,
      );
  }

  return {
    counters,
    ofRow,
    /** @param whole nothing was left out by a limit, and everything has been read once */
    ofList(
      kind: NetworkKind,
      rows: readonly MirrorRecord[],
      asOf: number,
      list: { readonly whole: boolean; readonly updatedAfter?: number | undefined },
    ): void {
      for (const row of rows) ofRow(row, asOf, "a list");
      const listed = new Set(rows.map(nameOf));
      for (const record of network.of(kind)) {
        const name = nameOf(record as unknown as MirrorRecord);
        if (listed.has(name)) continue;
        const last = record.versions.findLast(({ at }) => earlier(at) <= asOf);
        if (last?.body === undefined || last.updatedAt < (list.updatedAfter ?? Number.NEGATIVE_INFINITY))
          continue;
        // A deletion that was noticed since is no mistake.
        if (record.versions.some(({ body, number }) => body === undefined && number > last.number)) continue;
        if (list.whole || last.at >= sim.connectedAt)
          blame("as-of", `a list lacks ${name}, changed before its as_of`);
      }
    },
  };
}

export type Claims = ReturnType<typeof createClaims>;
