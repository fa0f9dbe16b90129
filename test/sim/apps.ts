// The apps of a simulated partner: they read records and lists with and without directives, follow the feed, bring
// their users' logins and acknowledge reminders, twice at once too. What they are told is held against the truth.

import { NO_WISHES, type Wishes } from "../../src/core/freshness.ts";
import type { RecordId } from "../../src/core/ids.ts";
import { login } from "../../src/sync/backfill.ts";
import type { Read } from "../../src/sync/read.ts";
import { acknowledgeReminder } from "../../src/sync/reminders.ts";
import { createFollower } from "./followers.ts";
import { createIsolates, L1_MS } from "./isolates.ts";
import { HERE } from "./mirror.ts";
import type { NetworkKind } from "./network.ts";
import type { Simulation } from "./simulation.ts";
import { nameOf, versionOf } from "./versions.ts";
import type { Witness } from "./witness.ts";

export const WISHES = {
  none: NO_WISHES,
  "no-cache": { ...NO_WISHES, noCache: true },
  "no-store": { ...NO_WISHES, noStore: true },
  "max-age=60": { ...NO_WISHES, maxAgeMs: 60_000 },
  "max-stale": { ...NO_WISHES, maxStaleMs: Number.POSITIVE_INFINITY },
  "min-fresh=600": { ...NO_WISHES, minFreshMs: 600_000 },
  "only-if-cached": { ...NO_WISHES, onlyIfCached: true, maxStaleMs: Number.POSITIVE_INFINITY },
} as const satisfies Readonly<Record<string, Wishes>>;

export type Wish = keyof typeof WISHES;

export interface ReadPlan {
  readonly kind: NetworkKind;
  readonly who: number;
  readonly wish: Wish;
  /** The reader knows of what the mirror holds now. */
  readonly minSeq: boolean;
  readonly isolate: number;
}

export type Apps = ReturnType<typeof createApps>;

export function createApps(sim: Simulation, witness: Witness) {
  const { clock, mirror, network } = sim;
  const { blame, claims } = witness;
  const isolateOf = createIsolates(clock, mirror);
  const counters = {
    reads: 0,
    readsHit: 0,
    readsFetched: 0,
    readsStale: 0,
    readsAbsent: 0,
    readsUnavailable: 0,
    lists: 0,
    polls: 0,
    logins: 0,
    loginsRepeated: 0,
    acknowledged: 0,
    acknowledgedTwice: 0,
  };
  const followers = [createFollower(sim, witness, 7), createFollower(sim, witness, 3, "org_1")];
  /** By backfill: whom it was for, and since when it is wanted, our clock, ms. */
  const logins = new Map<
    string,
    { readonly clientId: RecordId; readonly first: boolean; readonly since: number }
  >();

  async function read(plan: ReadPlan): Promise<void> {
    const { kind, wish } = plan;
    const all = network.of(kind);
    const record = all[plan.who % all.length];
    if (!mirror.up || record === undefined) return;
    const ref = { kind, id: record.id as RecordId };
    const startedAt = clock.now();
    const before = mirror.rowOf(kind, ref.id);
    const shown = network.shown(record, startedAt);
    const asked = {
      ref,
      visible: () => true,
      wishes: WISHES[wish],
      minSeq: plan.minSeq ? before?.seq : undefined,
    };
    const isolate = isolateOf(plan.isolate);
    const stored = isolate.stored.get(nameOf(ref)) ?? 0;
    const answer = await isolate.read(asked);
    counters.reads++;
    witness.trace(`${clock.now()} read ${nameOf(ref)} ${answer.result}`);
    count(answer);
    if (answer.result === "absent" && before !== undefined && before.deletedAt === undefined) {
      const now = mirror.rowOf(kind, ref.id);
      if (now?.deletedAt === undefined) blame("read-lost", `${nameOf(ref)} is held and was called absent`);
    }
    if (answer.result !== "found") return;
    const { asOf, record: row, via } = answer;
    claims.ofRow(row, asOf, `a read (${wish})`);
    const number = versionOf(row);
    const known = witness.held.get(nameOf(ref))?.findLast(({ at }) => at < startedAt - L1_MS);
    if (known !== undefined && number < known.number)
      blame(
        "backwards",
        `a read brought version ${number} of ${nameOf(ref)}, ${known.number} was held long before`,
      );
    if (number < stored)
      blame(
        "backwards",
        `a read brought version ${number} of ${nameOf(ref)} where its isolate had written ${stored}`,
      );
    if (!via.hit && via.stored) isolate.stored.set(nameOf(ref), Math.max(stored, number));
    if (plan.minSeq && row.seq < (before?.seq ?? 0))
      blame("min-seq", `a read brought seq ${row.seq} of ${nameOf(ref)}, ${before?.seq} was asked for`);
    if (WISHES[wish].noCache && !via.hit && number < (shown?.number ?? 0))
      blame(
        "no-cache",
        `a read brought version ${number} of ${nameOf(ref)}, ${shown?.number} was shown before it`,
      );
  }

  function count(answer: Read): void {
    if (answer.result === "absent" || answer.result === "not_held") counters.readsAbsent++;
    else if (answer.result === "unavailable") counters.readsUnavailable++;
    else if (!answer.via.hit) counters.readsFetched++;
    else if (answer.via.why === undefined) counters.readsHit++;
    else counters.readsStale++;
  }

  /** @param changedWithinMs only what changed so lately; undefined: everything */
  async function list(
    kind: "clients" | "staff" | "organizations",
    isolate: number,
    changedWithinMs?: number,
  ) {
    if (!mirror.up) return;
    const limit = 200;
    const updatedAfter = changedWithinMs === undefined ? undefined : clock.now() - changedWithinMs;
    const { rows, standing } = await isolateOf(isolate).list(kind, { limit, updatedAfter });
    counters.lists++;
    witness.trace(`${clock.now()} list ${kind} ${rows.length} ${standing.asOf}`);
    if (standing.asOf === undefined) return;
    claims.ofList(kind, rows, standing.asOf, { whole: standing.complete, updatedAfter });
  }

  /** @returns whether it was answered */
  async function logIn(user: string, who: number): Promise<void> {
    const all = network.of("clients");
    const client = all[who % all.length];
    if (!mirror.up || client === undefined) return;
    const clientId = client.id as RecordId;
    const now = clock.now();
    const given = await mirror.invoke((services) => login(services, HERE, user, clientId), "login");
    if (given === undefined) return;
    counters.logins++;
    if (!given.first) counters.loginsRepeated++;
    const { backfill } = given;
    const known = logins.get(backfill.id);
    if (known?.first && given.first) blame("login", `${user} was first twice for ${clientId}`);
    const since = given.first ? now : (known?.since ?? backfill.createdAt);
    logins.set(backfill.id, { clientId, first: known?.first || given.first, since });
  }

  async function acknowledge(who: number, times: number): Promise<void> {
    if (!mirror.up) return;
    const page = await mirror.invoke(
      ({ records }) => records.page(HERE, "reminders", { limit: 50, status: "open" }),
      "reminders",
    );
    if (page === undefined || page.length === 0) return;
    const { id } = page[who % page.length] as (typeof page)[number];
    if (times > 1) counters.acknowledgedTwice++;
    const answers = await Promise.all(
      Array.from({ length: times }, () =>
        mirror.invoke((services) => acknowledgeReminder(services, HERE, id), "acknowledge"),
      ),
    );
    for (const answer of answers) {
      if (answer === undefined) continue;
      counters.acknowledged++;
      const now = mirror.rowOf("reminders", id);
      if (answer.status === "open" || now?.status === "open")
        blame("reminder", `${id} was acknowledged and is open`);
    }
  }

  async function poll(): Promise<void> {
    if (!mirror.up) return;
    const isolate = isolateOf(0);
    await Promise.all(followers.map((follower) => follower.poll(isolate)));
  }

  return {
    read,
    list,
    logIn,
    acknowledge,
    logins,
    /** Each follower asks again and again until then, pauses drawn by the caller. */
    follow(until: number, pauseMs: () => number): void {
      const next = clock.now() + pauseMs();
      if (next >= until) return;
      clock.at(next, () => {
        void poll().catch(() => {});
        this.follow(until, pauseMs);
      });
    },
    poll,
    differences: () => followers.flatMap((follower) => follower.differences()),
    get counters() {
      return { ...counters, polls: followers.reduce((sum, { polls }) => sum + polls, 0) };
    },
  };
}
