// Mistakes in the one way a record enters the mirror.

import type { Mutant } from "./mutant.ts";

const WRITE = "src/sync/write.ts";
const DECIDE = "src/core/decide.ts";
/** The guarded statement's twin. */
const GUARD = "test/sync/memory.ts";

const LOST = /^event-lost|^convergence/;

export const WRITING: readonly Mutant[] = [
  {
    name: "no-fence-no-guard",
    mistake: "lets a fetch that started earlier overwrite what a later one brought",
    edits: [
      {
        file: DECIDE,
        from: "  // Equal or absent timestamps say nothing",
        to: "  if (seen.hash !== stored.hash) return put;\n  // Equal or absent timestamps say nothing",
      },
      { file: GUARD, from: "  if (hash === row.hash) return false;", to: "  return hash !== row.hash;" },
    ],
    profile: "full",
    seeds: 8_000,
    seen: /^backwards/,
    pair: "the decision and the guard of the statement keep the same order of versions, each alone is enough",
  },
  {
    name: "strict-order",
    mistake:
      "accepts another content only with a greater updated_at, so a second change in one second is lost",
    edits: [
      {
        file: DECIDE,
        from: "seen.updatedAt === undefined || stored.updatedAt === undefined || seen.updatedAt === stored.updatedAt) {\n    return later ? put",
        to: "seen.updatedAt === undefined || stored.updatedAt === undefined || seen.updatedAt === stored.updatedAt) {\n    return later && seen.updatedAt !== stored.updatedAt ? put",
      },
    ],
    profile: "hooks-only",
    seeds: 5000,
    seen: LOST,
  },
  {
    name: "same-content-again",
    mistake: "writes a row and spends a seq although nothing changed",
    edits: [
      { file: DECIDE, from: '  if (seen.hash === stored.hash) return { decision: "unchanged" };', to: "" },
      { file: GUARD, from: "  if (hash === row.hash) return false;", to: "" },
    ],
    profile: "full",
    seeds: 200,
    seen: /^same-content/,
    pair: "the decision and the guard of the statement compare the same hash, each alone is enough",
  },
  {
    name: "buried-at-once",
    mistake: "believes the first 404",
    edits: [
      { file: DECIDE, from: '  if (!confirmed("gone", doubt, sight.fetchedAt)) {', to: "  if (false) {" },
    ],
    profile: "sweep-only",
    seeds: 500,
    seen: /^two-looks/,
  },
  {
    name: "second-look-at-once",
    mistake: "takes any second 404 for a confirmation, however soon",
    edits: [
      {
        file: DECIDE,
        from: "  return doubt?.about === about && fetchedAt - doubt.since >= limits.confirmAfterMs;",
        to: "  return doubt?.about === about;",
      },
    ],
    profile: "full",
    seeds: 3000,
    seen: /^two-looks/,
  },
  {
    name: "failure-buries",
    mistake: "takes a refusal of the server for a disappearance",
    edits: [
      {
        file: WRITE,
        from: "    if (!fetched.ok) return fetched;\n    try {",
        to: `    if (!fetched.ok && fetched.failure.kind !== "server_error") return fetched;
    try {
      if (!fetched.ok)
        return await commit({ kind: "gone", ref: asked, fetchedAt: (later += 61_000), routeMissing: false });`,
      },
      { file: WRITE, from: "const SUPPRESSED: Looked", to: "let later = 2e12;\nconst SUPPRESSED: Looked" },
    ],
    profile: "full",
    seeds: 500,
    seen: /^two-looks|^buried-alive/,
  },
  {
    name: "no-single-flight",
    mistake: "starts a fetch of a record while another one is under way",
    edits: [
      {
        file: WRITE,
        from: "    const flight = flights.get(key);",
        to: "    const flight = undefined as Flight | undefined;",
      },
    ],
    profile: "hooks-only",
    seeds: 500,
    seen: /^at-most-one: .*two fetches/,
  },
  {
    name: "dropped-in-flight",
    mistake: "drops a notification that comes in while the record is being fetched",
    edits: [
      {
        file: WRITE,
        from: "    if (ask.notBefore === undefined) return joinTrailing(flight, ask);",
        to: '    if (ask.notBefore === undefined) return Promise.resolve({ ok: true, decision: "unchanged" });',
      },
    ],
    profile: "hooks-only",
    seeds: 2000,
    seen: LOST,
  },
  {
    name: "joins-a-started-fetch",
    mistake: "answers a notification with the fetch that was already under way when it came",
    edits: [
      {
        file: WRITE,
        from: "    if (ask.notBefore === undefined) return joinTrailing(flight, ask);\n",
        to: "",
      },
    ],
    profile: "hooks-only",
    seeds: 3000,
    seen: LOST,
  },
  {
    name: "trailing-forgotten",
    mistake: "forgets who asked for another look once the present fetch has ended",
    edits: [
      {
        file: WRITE,
        from: "      if (trailing === undefined) break;\n      flight.trailing = undefined;",
        to: "      break;\n      if (trailing === undefined) break;\n      flight.trailing = undefined;",
      },
    ],
    profile: "hooks-only",
    seeds: 500,
    seen: /^never-ends/,
  },
  {
    name: "old-look-for-all",
    mistake: "answers everybody with the last look it remembers, event or reader",
    edits: [
      {
        file: WRITE,
        from: "    const known = ask.notBefore === undefined ? undefined : recent.get(key);",
        to: "    const known = recent.get(key);",
      },
    ],
    profile: "hooks-only",
    seeds: 500,
    seen: LOST,
  },
  {
    name: "two-writers-of-a-record",
    mistake: "hands a record to whichever writer comes next instead of its own",
    edits: [
      {
        file: "src/sync/shards.ts",
        from: "Map.groupBy(entries.keys(), (i) => shardOf(refOf(entries[i] as T), shards));",
        to: "Map.groupBy(entries.keys(), (i) => turn++ % shards);",
      },
      {
        file: "src/sync/shards.ts",
        from: "export function shardedWriters(",
        to: "let turn = 0;\nexport function shardedWriters(",
      },
    ],
    profile: "hooks-only",
    seeds: 500,
    seen: /^at-most-one/,
  },
  {
    name: "buried-for-ever",
    mistake: "never takes a tombstone back, although the record has returned",
    edits: [
      {
        file: DECIDE,
        from: '  if (stored.deletedAt !== undefined) return later ? put : { decision: "older" };',
        to: '  if (stored.deletedAt !== undefined) return { decision: "older" };',
      },
    ],
    profile: "full",
    seeds: 1000,
    seen: /^convergence: .*is missing/,
  },
];
