// Does the mirror equal the upstream? Record by record, through the read API, for everything the changes touched.
// A mirror that was never rebuilt holds only that, so its lists may be shorter than the upstream's, never different.

import { isDeepStrictEqual } from "node:util";
import type { Network } from "../fake-rcms/network.ts";
import type { Fields } from "../fake-rcms/records.ts";
import type { Announced, MirroredKind } from "./announced.ts";
import type { MirrorReader } from "./mirror-reader.ts";

export interface Difference {
  readonly kind: MirroredKind;
  readonly id: string;
  /** Names of the fields that differ; or why none can be named. */
  readonly what: string;
}

export interface Comparison {
  readonly compared: ReadonlyMap<MirroredKind, number>;
  readonly differences: readonly Difference[];
}

export async function compare(
  mirror: MirrorReader,
  network: Network,
  changes: readonly Announced[],
): Promise<Comparison> {
  const truth = network.truth();
  const compared = new Map<MirroredKind, number>();
  const differences: Difference[] = [];

  /** Everything touched must be held, and whatever is held must be true. */
  function check(kind: MirroredKind, held: readonly Fields[], expected: ReadonlyMap<string, Fields>): void {
    const heldById = new Map(held.map((record) => [idOf(record), record]));
    const touched = changes.filter((change) => change.kind === kind).map(({ id }) => id);
    const ids = new Set([...touched, ...heldById.keys()]);
    compared.set(kind, ids.size);
    if (heldById.size < held.length) differences.push({ kind, id: "list", what: "holds a record twice" });
    for (const id of ids) {
      const what = difference(heldById.get(id), expected.get(id), kind);
      if (what !== undefined) differences.push({ kind, id, what });
    }
  }

  for (const kind of ["organizations", "staff", "clients"] as const)
    check(kind, await mirror.list(kind), byId(truth[kind]));
  check("assessment-status", await heldStatuses(mirror, changes), byId(truth["assessment-status"]));
  check("reminders", await mirror.reminders(), expectedReminders(changes));
  return { compared, differences };
}

async function heldStatuses(mirror: MirrorReader, changes: readonly Announced[]): Promise<Fields[]> {
  const ids = new Set(changes.filter(({ kind }) => kind === "assessment-status").map(({ id }) => id));
  const held: Fields[] = [];
  for (const id of ids) {
    const status = await mirror.assessmentStatus(id);
    if (status !== undefined) held.push(status);
  }
  return held;
}

/** One per event, closed once the client has taken an assessment after it. */
function expectedReminders(changes: readonly Announced[]): Map<string, Fields> {
  const taken = new Map<string, string>();
  for (const { type, id, createdAt } of changes)
    if (type === "assessment.submitted" || type === "assessment.scored") taken.set(id, createdAt);
  return new Map(
    changes
      .filter(({ kind }) => kind === "reminders")
      .map(({ id, type, record, organizationId, createdAt }) => {
        const closed = (taken.get(String(record.client_id)) ?? "") >= createdAt;
        const status = closed ? "closed" : "open";
        const stated = { id, type, status, organization_id: organizationId, created_at: createdAt };
        return [id, { ...record, ...stated }];
      }),
  );
}

function difference(
  held: Fields | undefined,
  expected: Fields | undefined,
  kind: MirroredKind,
): string | undefined {
  if (held === undefined) return "is not in the mirror";
  if (expected === undefined) return "is in the mirror but not upstream";
  // The mirror adds times of its own to a reminder; everything the event said must be there.
  const names = kind === "reminders" ? Object.keys(expected) : Object.keys({ ...expected, ...held });
  const differing = names.filter((name) => !isDeepStrictEqual(held[name], expected[name]));
  return differing.length === 0 ? undefined : `differs in ${differing.join(", ")}`;
}

function byId(records: readonly Fields[]): Map<string, Fields> {
  return new Map(records.map((record) => [idOf(record), record]));
}

function idOf(record: Fields): string {
  return String(record.id ?? record.client_id);
}
