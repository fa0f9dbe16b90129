// An upstream that remembers everything: every change with its instant on both clocks and the moment it became
// visible, so that a test can hold each claim about the past against it.

import type { Result } from "../../src/core/failure.ts";
import type { Kind, Ref } from "../../src/core/ids.ts";
import type { Look, Page } from "../../src/sources/source.ts";
import { snapshotOf } from "../core/samples.ts";

export interface Change {
  /** Our clock, ms. */
  readonly at: number;
  /** The earlier of both clocks, ms: no claim may reach it while the mirror lacks the change. */
  readonly bound: number;
  /** The upstream's clock, ms. */
  readonly updatedAt: number;
  readonly visibleAt: number;
  /** Undefined: deleted. */
  readonly hash: string | undefined;
}

/** @param aheadMs how far the upstream's clock is ahead of ours */
export function truthfulUpstream(now: () => number, aheadMs: number, dated: boolean) {
  const histories = new Map<string, Change[]>();
  const state = { failsFrom: Number.POSITIVE_INFINITY, pages: 0 };
  let versions = 0;

  const shown = (id: string) => histories.get(id)?.findLast(({ visibleAt }) => visibleAt <= now());
  const clocks = () => {
    const second = Math.floor((now() + aheadMs) / 1_000) * 1_000;
    return dated ? { upstreamNow: second, asOf: Math.min(now(), second) } : {};
  };
  const fetched = (id: string, { hash = "", updatedAt }: Change) => {
    const { asOf } = clocks();
    const snapshot = snapshotOf({ id, hash, updatedAt, fetchedAt: now() });
    return asOf === undefined ? snapshot : { ...snapshot, asOf };
  };

  return {
    histories,
    state,
    /** @param lagMs how long it stays invisible */
    change(id: string, lagMs: number, deleted = false) {
      const history = histories.get(id) ?? [];
      const last = history.at(-1);
      if (deleted && (last === undefined || last.hash === undefined)) return;
      const updatedAt = now() + aheadMs;
      const visibleAt = Math.max(now() + lagMs, last?.visibleAt ?? 0);
      const hash = deleted ? undefined : `v${++versions}`;
      history.push({ at: now(), bound: Math.min(now(), updatedAt), updatedAt, visibleAt, hash });
      histories.set(id, history);
    },
    async fetchOne({ id, kind }: Ref): Promise<Result<Look>> {
      const change = shown(id);
      if (change?.hash === undefined) {
        const { asOf } = clocks();
        const gone = { kind: "gone", ref: { kind, id }, fetchedAt: now() } as const;
        return { ok: true, value: asOf === undefined ? gone : { ...gone, asOf } };
      }
      return { ok: true, value: { kind: "record", snapshot: fetched(id, change) } };
    },
    async listChanged(_kind: Kind, since: number | undefined, pageUrl?: string): Promise<Result<Page>> {
      if (++state.pages >= state.failsFrom) {
        return { ok: false, failure: { kind: "server_error", status: 500 } };
      }
      const rows = [...histories.keys()]
        .flatMap((id) => {
          const change = shown(id);
          return change?.hash !== undefined && change.updatedAt >= (since ?? 0) ? [{ id, change }] : [];
        })
        .sort((a, b) => a.change.updatedAt - b.change.updatedAt || (a.id < b.id ? -1 : 1));
      // By position, not by offset: with offsets a deletion between two pages hides a row, which nobody can know
      // (ARCHITECTURE), and no claim would be honest.
      const placeOf = (row: (typeof rows)[number]) => `${row.change.updatedAt} ${row.id}`;
      const rest = rows.filter((row) => pageUrl === undefined || placeOf(row) > pageUrl);
      const page = rest.slice(0, 2);
      const last = page.at(-1);
      const snapshots = page.map(({ id, change }) => fetched(id, change));
      const next = rest.length > 2 && last !== undefined ? { nextUrl: placeOf(last) } : {};
      return { ok: true, value: { snapshots, unreadable: 0, ...next, ...clocks() } };
    },
  };
}

export type TruthfulUpstream = ReturnType<typeof truthfulUpstream>;
