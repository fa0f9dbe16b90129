// Mistakes in what apps are told: how fresh a copy is, what has changed, who was reminded, who has logged in.

import type { Mutant } from "./mutant.ts";

const AS_OF = "src/core/as-of.ts";
const READ = "src/sync/read.ts";
const REMINDERS = "src/sync/reminders.ts";

export const SERVING: readonly Mutant[] = [
  {
    name: "as-of-without-lag",
    mistake: "says that a copy is as of its fetch, although the API shows a write only seconds later",
    edits: [
      {
        file: AS_OF,
        from: "  const own = fetchedAsOf(copy) - lagMs;",
        to: "  const own = fetchedAsOf(copy);",
      },
    ],
    profile: "full",
    seeds: 1000,
    seen: /^as-of/,
  },
  {
    name: "as-of-by-our-clock",
    mistake: "takes our clock for the upstream's in what it says of a copy's age",
    edits: [
      {
        file: AS_OF,
        from: "  return asOf ?? fetchedAt - limits.clockDoubtMs;",
        to: "  return asOf === undefined ? fetchedAt : Math.max(asOf, fetchedAt);",
      },
    ],
    profile: "full",
    seeds: 1000,
    seen: /^as-of/,
  },
  {
    name: "list-as-new-as-its-newest",
    mistake: "says that a list is as of its newest row",
    edits: [
      {
        file: AS_OF,
        from: "  return Math.min(vouch.asOf - lagMs, ",
        to: "  return Math.max(vouch.asOf - lagMs, ",
      },
    ],
    profile: "sweep-only",
    seeds: 1000,
    seen: /^as-of/,
  },
  {
    name: "kept-copy-for-everyone",
    mistake: "serves the copy kept in memory to a reader who knows of a later change",
    edits: [
      {
        file: READ,
        from: "  if (kept === undefined || kept.record.seq < (asked.minSeq ?? 0)) return undefined;",
        to: "  if (kept === undefined) return undefined;",
      },
    ],
    profile: "full",
    seeds: 3000,
    seen: /^min-seq/,
  },
  {
    name: "no-cache-shares-a-look",
    mistake: "answers no-cache with a look that was already made",
    edits: [
      {
        file: "src/core/freshness.ts",
        from: '    : { do: "fetch", why };',
        to: '    : { do: "fetch", why, notBefore: now - ttlMs };',
      },
    ],
    profile: "full",
    seeds: 2000,
    seen: /^no-cache/,
  },
  {
    name: "refreshed-by-everyone",
    mistake: "queues a refresh for every reader of an aged record",
    edits: [
      {
        file: READ,
        from: "    if (!(await deps.refreshes.claim(connection, ref, deps.now(), deps.ttlMs(ref.kind)))) return;\n",
        to: "",
      },
    ],
    profile: "hooks-only",
    seeds: 200,
    seen: /^refresh/,
  },
  {
    name: "feed-apart-from-the-row",
    mistake: "commits a row and tells the feed of it in a second statement",
    edits: [
      {
        file: "src/sync/shard-writer.ts",
        from: "    commit: (writes) => records.commit(id, writes),",
        to: `    async commit(writes) {
      const written = await records.commit(id, writes);
      await records.tell(id, written);
      return written;
    },`,
      },
      {
        file: "test/sync/memory.ts",
        from: "    async commit(connection, writes) {",
        to: `    async tell(connection, keys) {
      const rows = rowsOf(connection);
      let seq = lastSeqOf(connection);
      for (const key of keys) rows.set(key, { ...rows.get(key), seq: ++seq });
    },

    async commit(connection, writes) {
      const before = new Map(rowsOf(connection));
      const written = await store.commitTold(connection, writes);
      const rows = rowsOf(connection);
      for (const key of written)
        if (!key.startsWith("reminders/")) rows.set(key, { ...rows.get(key), seq: before.get(key)?.seq ?? 0 });
      return written;
    },

    async commitTold(connection, writes) {`,
      },
    ],
    profile: "hooks-only",
    seeds: 1000,
    seen: /^feed-replay/,
  },
  {
    name: "leaves-unseen",
    mistake: "does not note that a record has left an organization, so who followed it there is never told",
    edits: [
      {
        file: "test/sync/memory.ts",
        from: "      feed.depart(connection, before.get(key), row);\n",
        to: "",
      },
    ],
    profile: "full",
    seeds: 1000,
    seen: /^feed-replay/,
  },
  {
    name: "acknowledged-again",
    mistake: "acknowledges a reminder that is acknowledged already",
    edits: [
      {
        file: REMINDERS,
        from: "    if (rank(stored.status) >= rank(status)) return stored;",
        to: "    if (rank(stored.status) > rank(status)) return stored;",
      },
    ],
    profile: "hooks-only",
    seeds: 500,
    seen: /^reminder/,
  },
  {
    name: "acknowledged-unseen",
    mistake: "acknowledges over whatever content the reminder has by then",
    edits: [
      {
        file: REMINDERS,
        from: '{ write: "put", snapshot, overHash: stored.hash },',
        to: '{ write: "put", snapshot },',
      },
    ],
    profile: "hooks-only",
    seeds: 1000,
    seen: /^reminder/,
  },
  {
    name: "reminder-after-the-answer",
    mistake: "keeps a reminder open although its client took the assessment before its event came in",
    edits: [
      {
        file: REMINDERS,
        from: "  if (takenAt !== undefined && takenAt >= at) await",
        to: "  if (takenAt !== undefined && takenAt < 0) await",
      },
    ],
    profile: "hooks-only",
    seeds: 2000,
    seen: /^reminder/,
  },
  {
    name: "login-forgotten",
    mistake: "never looks for a login's work whose message was lost",
    edits: [
      {
        file: "src/sync/tick.ts",
        from: '    ...backfills.map((backfill): JobMessage => ({ job: "backfill", connection: id, backfill: backfill.id })),\n',
        to: "",
      },
    ],
    profile: "full",
    seeds: 1000,
    seen: /^login/,
  },
  {
    name: "login-hydrates-nothing",
    mistake: "calls a login's work done although the client could not be fetched",
    edits: [
      {
        file: "src/sync/backfill.ts",
        from: "  if (failure === undefined) {",
        to: "  if (failure === undefined || attempts > 0) {",
      },
    ],
    profile: "full",
    seeds: 5_000,
    seen: /^login/,
  },
];
