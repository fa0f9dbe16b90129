// Watches a history while it happens: every row the mirror writes, every cursor it saves, every call it makes. What
// must never be, not even for a moment, is noted with its instant.

import type { Kind } from "../../src/core/ids.ts";
import type { MirrorRecord } from "../../src/core/record.ts";
import type { Simulation } from "./simulation.ts";

/** "A few seconds", generously: what as_of allows for. */
const VISIBILITY_MS = 10_000;
const CONFIRM_MS = 60_000;

export interface Witness {
  readonly violations: string[];
  readonly counters: {
    commits: number;
    tombstones: number;
    watermarks: number;
  };
  /** Of everything that happened, in order. */
  hash(): string;
}

export function watch(sim: Simulation): Witness {
  const { clock, mirror, network, api } = sim;
  const violations: string[] = [];
  const counters = { commits: 0, tombstones: 0, watermarks: 0 };
  const trace = createTrace();
  const blame = (what: string) => {
    if (violations.length < 20) violations.push(`${clock.now() - sim.startedAt} ms: ${what}`);
  };

  let lastSeq = 0;
  mirror.tell.write = (before, after) => {
    counters.commits++;
    trace(`${clock.now()} ${after.kind}/${after.id} ${after.seq} ${after.hash}`);
    if (after.seq <= lastSeq) blame(`seq ${after.seq} after ${lastSeq}`);
    lastSeq = after.seq;
    if (after.deletedAt !== undefined) {
      counters.tombstones++;
      checkBurial(after);
      return;
    }
    if (before !== undefined && before.deletedAt === undefined) {
      const moved = before.organizationId !== after.organizationId;
      if (before.hash === after.hash && !moved) blame(`${nameOf(after)} was written with the same content`);
      if (after.kind !== "reminders" && versionOf(after) < versionOf(before))
        blame(`${nameOf(after)} went back from version ${versionOf(before)} to ${versionOf(after)}`);
    }
  };

  function checkBurial(row: MirrorRecord): void {
    const record = network.records.get(nameOf(row));
    const gone = record?.versions.at(-1);
    if (gone === undefined || gone.body !== undefined) {
      blame(`${nameOf(row)} was buried alive`);
      return;
    }
    const path =
      row.kind === "assessment-status" ? `/clients/${row.id}/assessment-status` : `/${row.kind}/${row.id}`;
    const misses = api.requests.filter((request) => request.path === path && request.status === 404);
    const [first] = misses;
    if (first === undefined || (misses.at(-1)?.at ?? 0) - first.at < CONFIRM_MS - 1_000)
      blame(`${nameOf(row)} was buried without two looks a minute apart`);
  }

  // A saved watermark vouches for everything that changed before it (RD2): what it does not vouch for, it skipped.
  mirror.tell.cursor = (name, watermark) => {
    trace(`${clock.now()} cursor ${name} ${watermark}`);
    counters.watermarks++;
    if (!["organizations", "staff", "clients"].includes(name)) return;
    const vouchedUntil = watermark - VISIBILITY_MS;
    for (const record of network.of(name as "clients")) {
      const due = record.versions.findLast((version) => version.updatedAt <= vouchedUntil);
      if (due?.body === undefined || due.at < sim.connectedAt) continue;
      const row = mirror.rowOf(record.kind, record.id);
      if (row?.deletedAt !== undefined) continue;
      if (row === undefined || versionOf(row) < due.number)
        blame(`the watermark of ${name} skipped ${record.kind}/${record.id}, version ${due.number}`);
    }
  };

  mirror.tell.overlap = (target) => blame(target);
  return { violations, counters, hash: trace };

  function createTrace(): { (entry: string): void; (): string } {
    let hash = 0x811c9dc5;
    return ((entry?: string) => {
      if (entry === undefined) return (hash >>> 0).toString(16).padStart(8, "0");
      for (let i = 0; i < entry.length; i++) hash = Math.imul(hash ^ entry.charCodeAt(i), 0x01000193);
      return undefined;
    }) as { (entry: string): void; (): string };
  }
}

const nameOf = ({ kind, id }: { readonly kind: Kind; readonly id: string }) => `${kind}/${id}`;

/** The number RCMS gave this version of the record. */
function versionOf(row: MirrorRecord): number {
  const body = JSON.parse(row.body) as { readonly version?: number; readonly overall_score?: number };
  return body.version ?? body.overall_score ?? 0;
}
