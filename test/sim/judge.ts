// What must hold of a history, whoever asks: the mirror equals the upstream, nothing accepted is lost, no call too
// many and no full table.

import { BUDGET, HERE } from "./mirror.ts";
import { truth } from "./network.ts";
import type { Simulation } from "./simulation.ts";

/**
 * What the mirror has wrong, one sentence each; none: it equals the upstream.
 * @param whole the mirror is to hold everything, not only what it has met
 * @param sinceMs our clock: deletions younger than this may still be unnoticed
 */
export function differences(
  { mirror, network }: Simulation,
  options: { readonly whole: boolean; readonly deletionsBefore?: number },
): string[] {
  const rows = new Map(mirror.memory.records.all(HERE).map((row) => [`${row.kind}/${row.id}`, row]));
  const wrong: string[] = [];
  for (const [key, record] of network.records) {
    const last = truth(record);
    const row = rows.get(key);
    const held = row !== undefined && row.deletedAt === undefined;
    if (last.body === undefined) {
      if (held && last.at < (options.deletionsBefore ?? Number.POSITIVE_INFINITY))
        wrong.push(`${key} is deleted upstream and still held`);
    } else if (!held) {
      if (options.whole) wrong.push(`${key} is missing`);
    } else if (row.body !== JSON.stringify(last.body)) {
      wrong.push(`${key} is held as ${row.body}, upstream has ${JSON.stringify(last.body)}`);
    }
  }
  return wrong;
}

/** Events answered 2xx that are neither done, nor on their queue, nor parked where an operator sees them. */
export async function lostEvents({ mirror }: Simulation): Promise<string[]> {
  const entries = await mirror.memory.ledger.list({ limit: 1_000_000 });
  const done = new Set<string>(
    entries.filter(({ outcome }) => outcome !== "parked").map(({ eventId }) => eventId),
  );
  const queued = new Set<string>(mirror.events.bodies.map(({ eventId }) => eventId));
  const waiting = await parkedText(mirror);
  return mirror.accepted.filter((id) => !done.has(id) && !queued.has(id) && !waiting.includes(`"${id}"`));
}

async function parkedText({ memory }: Simulation["mirror"]): Promise<string> {
  return JSON.stringify(await memory.deadLetters.take({ parkedBefore: Number.POSITIVE_INFINITY }, 10_000));
}

/** Reminders whose event was answered 2xx and that nobody would be reminded of: neither kept nor on their way. */
export async function lostReminders({ mirror, webhooks }: Simulation): Promise<string[]> {
  const accepted = new Set(mirror.accepted);
  const kept = new Set<string>(mirror.memory.records.all(HERE).map(({ kind, id }) => `${kind}/${id}`));
  const queued = new Set<string>(mirror.events.bodies.map(({ eventId }) => eventId));
  const waiting = await parkedText(mirror);
  return webhooks.events
    .filter(({ type, id }) => type === "assessment.due_soon" && accepted.has(id))
    .map(({ id }) => id)
    .filter((id) => !kept.has(`reminders/${id}`) && !queued.has(id) && !waiting.includes(`"${id}"`));
}

/** The most calls in any 60 seconds, and every list that was asked for whole without an order. */
export function callsMade({ api }: Simulation, rebuiltUntil: number) {
  const times = api.requests.map(({ at }) => at).sort((a, b) => a - b);
  let most = 0;
  for (let from = 0, to = 0; to < times.length; to++) {
    while ((times[from] as number) <= (times[to] as number) - 60_000) from++;
    most = Math.max(most, to - from + 1);
  }
  const fullTables = api.requests.filter(
    ({ at, method, path, query }) =>
      method === "GET" &&
      /^\/(organizations|staff|clients)$/.test(path) &&
      query.updated_after === undefined &&
      at > rebuiltUntil,
  );
  return { most, withinBudget: most <= BUDGET.perMinute, fullTables: fullTables.map(({ path }) => path) };
}
