// What must hold of a history once it is over: the mirror equals the upstream, nothing accepted is lost, no call too
// many, nothing stale for too long, followers hold what the mirror holds, users' logins did what they are for.

import { rcms } from "../../src/sources/rcms/rcms.ts";
import { isWanted, rebuiltKinds } from "../../src/sync/rebuild.ts";
import { unaccounted, waitingEvents } from "./accounts.ts";
import type { Apps } from "./apps.ts";
import { HERE } from "./mirror.ts";
import { type NetworkRecord, truth } from "./network.ts";
import { type Plan, STALE_MS } from "./plan.ts";
import type { Simulation } from "./simulation.ts";
import type { Witness } from "./witness.ts";

export interface Judged {
  readonly sim: Simulation;
  readonly witness: Witness;
  readonly apps: Apps;
  readonly plan: Plan;
  /** From when on nothing went wrong, our clock, ms. */
  readonly peaceAt: number;
}

/** @returns one sentence for each promise that was broken, the first word its name */
export async function judge({ sim, witness, apps, plan, peaceAt }: Judged): Promise<string[]> {
  const whole = await isWhole(sim);
  return [
    ...witness.violations,
    ...differences(sim, { whole }).map((what) => `convergence: ${what}`),
    ...(await unaccounted(sim)),
    ...(await lostReminders(sim)),
    ...overBudget(sim),
    ...neverEnding(sim),
    ...(plan.profile === "sweep-only" ? tooStale(sim, witness, peaceAt) : []),
    ...apps.differences(),
    ...(plan.profile === "hooks-only" ? [] : await unfinished(sim, witness, apps)),
    ...subscribed(sim),
  ];
}

/** A rebuild has read everything. */
async function isWhole({ mirror }: Simulation): Promise<boolean> {
  const complete = await mirror.memory.kinds.completeKinds(HERE);
  return rebuiltKinds(rcms).every((kind) => complete.includes(kind));
}

/**
 * What the mirror has wrong, one sentence each; none: it equals the upstream.
 * @param whole the mirror is to hold everything, not only what it has met
 */
export function differences({ mirror, network }: Simulation, options: { readonly whole: boolean }): string[] {
  const wrong: string[] = [];
  for (const [key, record] of network.records) {
    const last = truth(record);
    const row = mirror.memory.records.find(HERE, key);
    const held = row !== undefined && row.deletedAt === undefined;
    if (last.body === undefined) {
      if (held) wrong.push(`${key} is deleted upstream and still held`);
    } else if (!held) {
      if (options.whole || row !== undefined) wrong.push(`${key} is missing`);
    } else if (row.body !== JSON.stringify(last.body)) {
      wrong.push(`${key} is held as ${row.body}, upstream has ${JSON.stringify(last.body)}`);
    }
  }
  return wrong;
}

/**
 * Reminders whose event was answered 2xx and that nobody would be reminded of, and those that are not closed although
 * their client took the assessment afterwards, or closed although it did not.
 */
export async function lostReminders({ mirror }: Simulation): Promise<string[]> {
  const waiting = await waitingEvents({ mirror });
  const accepted = [...mirror.accepted.values()].filter(({ eventId }) => !waiting.has(eventId));
  const taken = new Map<string, number>();
  for (const { message } of accepted) {
    if (message?.what.is !== "changed" || !message.what.assessmentTaken) continue;
    const { id } = message.what.ref;
    taken.set(id, Math.max(taken.get(id) ?? 0, message.createdAt ?? 0));
  }
  return accepted.flatMap(({ eventId, message }) => {
    if (message?.what.is !== "record") return [];
    const row = mirror.rowOf("reminders", message.what.ref.id);
    if (row === undefined) return [`reminder: nobody will be reminded by ${eventId}`];
    const answered = (taken.get(row.clientId ?? "") ?? 0) >= (message.createdAt ?? 0);
    if (answered === (row.status === "closed")) return [];
    return [
      `reminder: ${eventId} is ${row.status}, its client ${answered ? "took" : "did not take"} the assessment`,
    ];
  });
}

/** The most calls in any 60 seconds. */
export function overBudget({ api, shape }: Simulation): string[] {
  let most = 0;
  const times = api.requests.map(({ at }) => at);
  for (let from = 0, to = 0; to < times.length; to++) {
    while ((times[from] as number) <= (times[to] as number) - 60_000) from++;
    most = Math.max(most, to - from + 1);
  }
  return most <= shape.budget.perMinute ? [] : [`budget: ${most} calls in one minute`];
}

/** A consumer comes to an end: the platform would cut it off here, and every batch like it after it. */
function neverEnding({ clock, mirror }: Simulation): string[] {
  const since = Math.min(
    mirror.events.inHandSince ?? Number.POSITIVE_INFINITY,
    mirror.jobs.inHandSince ?? Number.POSITIVE_INFINITY,
  );
  const minutes = Math.floor((clock.now() - since) / 60_000);
  return minutes < 15 ? [] : [`never-ends: a batch has been in hand for ${minutes} min`];
}

/** However often a webhook died, there is one that lives. */
function subscribed({ webhooks }: Simulation): string[] {
  const { length } = webhooks.active();
  return length === 1 ? [] : [`subscription: ${length} webhooks are active`];
}

/** What changed in peace is seen within two intervals and two minutes, all webhooks lost. Deletions are the verifier's. */
export function tooStale({ clock, network }: Simulation, { held }: Witness, peaceAt: number): string[] {
  const wrong: string[] = [];
  for (const [key, { versions }] of network.records)
    for (const { at, body, number } of versions) {
      if (body === undefined || at < peaceAt || at > clock.now() - STALE_MS) continue;
      if (versions.some((later) => later.number > number && later.body === undefined)) continue;
      const seen = held.get(key)?.find((one) => one.number >= number);
      if (seen === undefined || seen.at > at + STALE_MS)
        wrong.push(
          `staleness: version ${number} of ${key} was seen after ${(seen?.at ?? Number.NaN) - at} ms`,
        );
    }
  return wrong;
}

/** Logins hydrated their clients, orders were carried out, with the clock's ticks to find what was lost on the way. */
async function unfinished(
  { mirror, network }: Simulation,
  { fetchedSince }: Witness,
  { logins }: Apps,
): Promise<string[]> {
  const wrong: string[] = [];
  for (const [id, { clientId, since }] of logins) {
    const backfill = await mirror.memory.backfills.get(HERE, id);
    // A readmission clears what was: the next login hydrates anew.
    if (backfill === undefined || backfill.status === "failed") continue;
    if (backfill.status !== "done")
      wrong.push(`login: the backfill of ${clientId} is still ${backfill.status}`);
    else if (
      ["clients", "assessment-status"].some((kind) => fetchedSince(`${kind}/${clientId}`, since).length === 0)
    )
      wrong.push(`login: ${clientId} was called hydrated, and not fetched since`);
    else if (mirror.rowOf("clients", clientId) === undefined && isThere(network.get("clients", clientId)))
      wrong.push(`login: ${clientId} was called hydrated and is not held`);
  }
  for (const rebuild of await mirror.memory.rebuilds.list(HERE))
    if (isWanted(rebuild)) wrong.push(`rebuild: of ${rebuild.kind} is still ${rebuild.status}`);
  return wrong;
}

const isThere = (record: NetworkRecord | undefined) =>
  record !== undefined && truth(record).body !== undefined;
