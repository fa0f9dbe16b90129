// An upstream with lists, as far as RCMS documents them: oldest change first, a since-filter, a clock of its own,
// and pages by offset, so that a record that changes mid-sweep makes another slip.

import type { Failure, Result } from "../../src/core/failure.ts";
import { type Kind, type Ref, refKey } from "../../src/core/ids.ts";
import type { Look, Page } from "../../src/sources/source.ts";
import { snapshotOf } from "../core/samples.ts";

export interface Row {
  readonly updatedAt?: number | undefined;
  readonly hash: string;
}

export interface ListCall {
  readonly kind: Kind;
  readonly since: number | undefined;
  readonly pageUrl: string | undefined;
}

/** @param now our own clock, ms */
export function listedUpstream(now: () => number) {
  const held = new Map<string, Row>();
  const lists: ListCall[] = [];
  const looks: string[] = [];
  const failures = new Map<string, Failure>();
  const state = {
    pageSize: 2,
    /** How far the upstream's clock is ahead of ours. */
    aheadMs: 0,
    dated: true,
    /** Happens just before the nth list call (from 1) is answered; may answer in its place. */
    before: (_call: ListCall, _n: number): Result<Page> | undefined => undefined,
    /** What is made of a page on its way. */
    tamper: (page: Page, _n: number): Page => page,
  };
  const upstreamNow = () => now() + state.aheadMs;
  const wholeSecond = () => Math.floor(upstreamNow() / 1_000) * 1_000;

  function pageOf({ kind, since, pageUrl }: ListCall): Page {
    const rows = [...held]
      .filter(([key, row]) => key.startsWith(`${kind}/`) && (row.updatedAt ?? 0) >= (since ?? 0))
      .sort(([a, x], [b, y]) => (x.updatedAt ?? 0) - (y.updatedAt ?? 0) || (a < b ? -1 : 1));
    const from = Number(pageUrl ?? 0);
    const snapshots = rows
      .slice(from, from + state.pageSize)
      .map(([key, row]) => snapshotOf({ ...row, kind, id: key.slice(kind.length + 1), fetchedAt: now() }));
    return {
      snapshots,
      unreadable: 0,
      ...(rows.length > from + state.pageSize ? { nextUrl: String(from + state.pageSize) } : {}),
      // A `Date` header knows whole seconds only.
      ...(state.dated ? { upstreamNow: wholeSecond(), asOf: Math.min(now(), wholeSecond()) } : {}),
    };
  }

  return {
    held,
    lists,
    looks,
    /** Fails this ref (`clients/x`) or this list (`clients`) until told otherwise. */
    failures,
    state,
    upstreamNow,
    /** Changes a record, now by the upstream's clock unless told. */
    put(id: string, hash = "a", updatedAt: number | undefined = upstreamNow(), kind: Kind = "clients") {
      held.set(`${kind}/${id}`, { hash, updatedAt });
    },
    async listChanged(kind: Kind, since: number | undefined, pageUrl?: string): Promise<Result<Page>> {
      const call = { kind, since, pageUrl };
      lists.push(call);
      const replaced = state.before(call, lists.length);
      if (replaced) return replaced;
      const failure = failures.get(kind);
      if (failure) return { ok: false, failure };
      return { ok: true, value: state.tamper(pageOf(call), lists.length) };
    },
    async fetchOne(ref: Ref): Promise<Result<Look>> {
      looks.push(refKey(ref));
      const failure = failures.get(refKey(ref));
      if (failure) return { ok: false, failure };
      const row = held.get(refKey(ref));
      if (row === undefined) return { ok: true, value: { kind: "gone", ref, fetchedAt: now() } };
      const snapshot = snapshotOf({ ...row, kind: ref.kind, id: ref.id, fetchedAt: now() });
      return { ok: true, value: { kind: "record", snapshot } };
    },
  };
}
