// Mistakes on an event's way from the POST to its acknowledgement.

import type { Mutant } from "./mutant.ts";

/** Called done, or let go, and not in the mirror. */
const LOST = /^event-lost|^convergence/;

export const RECEIVING: readonly Mutant[] = [
  {
    name: "ack-before-enqueue",
    mistake: "says 2xx before the queue has accepted the event",
    edits: [
      {
        file: "src/sync/receive.ts",
        from: "    await deps.send(messages);",
        to: "    void deps.send(messages).catch(() => {});",
      },
    ],
    profile: "hooks-only",
    seeds: 500,
    seen: /^event-lost/,
  },
  {
    name: "ledger-before-work",
    mistake: "writes the ledger before the record was fetched and committed",
    edits: [
      {
        file: "src/sync/hydrate.ts",
        from: "  const lookedFrom = deps.now();",
        to: `  const early = fresh.map((message) => toEntry(deps, message, "unchanged"));
  if (early.length > 0) await deps.ledger.record(connection.id, early);
  const lookedFrom = deps.now();`,
      },
    ],
    profile: "hooks-only",
    seeds: 500,
    seen: LOST,
  },
  {
    name: "failure-as-done",
    mistake: "takes a look that failed (5xx, timeout, 429) for a look that was made",
    edits: [
      {
        file: "src/sync/hydrate.ts",
        from: "  if (!looked.ok) return settleFailure(deps, message, looked);",
        to: '  if (!looked.ok) return { settlement: ACK, outcome: "unchanged" };',
      },
    ],
    profile: "hooks-only",
    seeds: 500,
    seen: LOST,
  },
  {
    name: "three-retries",
    mistake:
      "gives an event up after three attempts and keeps no dead letter, as the platform does by default",
    edits: [
      { file: "src/core/limits.ts", from: "  attemptsBeforePark: 90,", to: "  attemptsBeforePark: 3," },
      {
        file: "src/sync/consume.ts",
        from: "    await park(services, parked);\n    return ACK;",
        to: "    return ACK;",
      },
    ],
    profile: "hooks-only",
    seeds: 1000,
    seen: /^event-lost/,
    pair: "three attempts lose nothing that is parked, and after ninety nobody is parked in so short a history",
  },
  {
    name: "parked-nowhere",
    mistake: "lets go of what it gives up without keeping it",
    edits: [
      {
        file: "src/sync/consume.ts",
        from: "    await park(services, parked);\n    return ACK;",
        to: "    return ACK;",
      },
    ],
    profile: "full",
    seeds: 1000,
    seen: /^event-lost/,
  },
  {
    name: "replay-removes-first",
    mistake: "removes parked messages before the queue has them again",
    edits: [
      {
        file: "src/sync/park.ts",
        from: "  if (events.length > 0) await deps.queues.sendEvents(events);",
        to: "  await deps.deadLetters.remove(readable.map(({ id }) => id));\n  if (events.length > 0) await deps.queues.sendEvents(events);",
      },
    ],
    profile: "full",
    seeds: 3000,
    seen: /^event-lost/,
  },
  {
    name: "no-look-again",
    mistake: "never looks again at a record that is still older than its event",
    edits: [
      {
        file: "src/sync/settled.ts",
        from: "    if (now < rung) return Math.ceil((rung - now) / 1_000);",
        to: "",
      },
    ],
    profile: "hooks-only",
    seeds: 1000,
    seen: LOST,
  },
  {
    name: "no-floor",
    mistake: "is content with whatever a look shows, however old the record is beside its event",
    edits: [
      {
        file: "src/sync/settled.ts",
        from: "  if (createdAt === undefined || looked.version === undefined) return true;",
        to: "  return true;",
      },
    ],
    profile: "hooks-only",
    seeds: 1000,
    seen: LOST,
  },
  {
    name: "slack-at-once",
    mistake: "takes a record five seconds older than its event for the event's own, however early the look",
    edits: [
      {
        file: "src/sync/settled.ts",
        from: "  return updatedAt >= createdAt - source.eventSlackMs && lookedFrom >= receivedAt + source.writeLagMs;",
        to: "  return updatedAt >= createdAt - source.eventSlackMs;",
      },
    ],
    profile: "hooks-only",
    seeds: 3000,
    seen: LOST,
  },
  {
    name: "whole-second-for-any-instant",
    mistake:
      "takes a stamp cut to the second for any instant of that second, so two changes within it are one",
    edits: [
      {
        file: "src/sync/settled.ts",
        from: "    ? updatedAt > createdAt - (createdAt % 1_000)\n",
        to: "    ? updatedAt + 999 >= createdAt\n",
      },
    ],
    profile: "hooks-only",
    seeds: 4000,
    seen: LOST,
  },
  {
    name: "any-copy-settles",
    mistake: "settles an event by a copy that was fetched before the event came in",
    edits: [
      {
        file: "src/sync/hydrate.ts",
        from: "attempts === 1 && fetchedAt > receivedAt && createdAt !== undefined && isAsNew(updatedAt, createdAt),",
        to: "fetchedAt <= receivedAt || (createdAt !== undefined && isAsNew(updatedAt, createdAt)),",
      },
    ],
    profile: "hooks-only",
    seeds: 1000,
    seen: LOST,
  },
  {
    name: "reminder-dropped",
    mistake: "acknowledges a reminder's event without keeping the reminder",
    edits: [
      {
        file: "src/sync/hydrate.ts",
        from: '      return storeOr(deps, message, "insert", () => deps.keepReminder(message.body));',
        to: '      return { settlement: ACK, outcome: "insert" };',
      },
    ],
    profile: "hooks-only",
    seeds: 200,
    seen: /^reminder|^event-lost/,
  },
  {
    name: "reminder-kept-later",
    mistake: "acknowledges a reminder's event without waiting for the reminder to be kept",
    edits: [
      {
        file: "src/sync/hydrate.ts",
        from: "    await store();\n    return { settlement: ACK, outcome };",
        to: "    void store().catch(() => {});\n    return { settlement: ACK, outcome };",
      },
    ],
    profile: "hooks-only",
    seeds: 3000,
    seen: /^reminder|^event-lost/,
  },
  {
    name: "first-settles-all",
    mistake: "acknowledges a whole batch as soon as one of its messages is settled",
    edits: [
      {
        file: "src/sync/hydrate.ts",
        from: "  return messages.map((message) => settlements.get(message) ?? ACK);",
        to: `  const settled = [...settlements.values()].some(({ result }) => result === "ack");
  return messages.map((message) => (settled ? ACK : (settlements.get(message) ?? ACK)));`,
      },
    ],
    profile: "hooks-only",
    seeds: 10_000,
    seen: LOST,
  },
];
