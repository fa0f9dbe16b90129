// Mistakes in the sweeps, walks and rebuilds, which bound what webhooks miss.

import type { Mutant } from "./mutant.ts";

const SWEEP = "src/sync/sweep.ts";
const PAGING = "src/sync/paging.ts";
const WALK = "src/sync/walk.ts";

const SKIPPED = /^cursor-skips|^convergence|^staleness/;

export const SWEEPING: readonly Mutant[] = [
  {
    name: "no-overlap",
    mistake: "asks from the watermark itself, so what the API showed late is never asked for",
    edits: [
      {
        file: SWEEP,
        from: "newRun(cursor.watermark - overlapMs(deps, kind))",
        to: "newRun(cursor.watermark)",
      },
    ],
    profile: "sweep-only",
    seeds: 2000,
    seen: SKIPPED,
  },
  {
    name: "cursor-by-our-clock",
    mistake: "takes the watermark from our clock instead of the upstream's",
    edits: [
      {
        file: PAGING,
        from: "    startedAt: run.startedAt === 0 ? upstreamNow : run.startedAt,",
        to: "    startedAt: run.startedAt === 0 ? now : run.startedAt,",
      },
    ],
    profile: "sweep-only",
    seeds: 500,
    seen: SKIPPED,
  },
  {
    name: "cursor-of-the-last-page",
    mistake: "takes the watermark from the last page's clock instead of the first's",
    edits: [
      {
        file: PAGING,
        from: "    startedAt: run.startedAt === 0 ? upstreamNow : run.startedAt,",
        to: "    startedAt: upstreamNow,",
      },
    ],
    profile: "sweep-only",
    seeds: 2000,
    seen: SKIPPED,
  },
  {
    name: "cursor-before-the-last-page",
    mistake: "moves the watermark with the first page instead of after the last",
    edits: [
      {
        file: SWEEP,
        from: "deps.cursors.write(connection.id, kind, { ...cursor, run }, true),",
        to: "deps.cursors.write(connection.id, kind, { ...cursor, watermark: run.startedAt, run: undefined }, true),",
      },
    ],
    profile: "sweep-only",
    seeds: 500,
    seen: SKIPPED,
  },
  {
    name: "checkpoint-before-the-page",
    mistake: "keeps the checkpoint behind a page that was not applied yet",
    edits: [
      {
        file: PAGING,
        from: "    const applied = await deps.apply(page.value);\n",
        to: `    if (page.value.nextUrl !== undefined) await deps.save({ ...run, nextUrl: page.value.nextUrl });
    const applied = await deps.apply(page.value);
`,
      },
    ],
    profile: "sweep-only",
    seeds: 2000,
    seen: SKIPPED,
  },
  {
    name: "page-failure-ignored",
    mistake: "goes on behind a page whose records could not be written",
    edits: [
      {
        file: PAGING,
        from: "  if (failed && !failed.ok) return { ok: false, failure: failed.failure };\n",
        to: "",
      },
    ],
    profile: "sweep-only",
    seeds: 1000,
    seen: SKIPPED,
  },
  {
    name: "one-pass",
    mistake: "never repeats a pass during which records moved between pages",
    edits: [
      {
        file: PAGING,
        from: "  return stillMoving(run) && run.passes < limits.sweepPasses;",
        to: "  return false;",
      },
    ],
    profile: "sweep-only",
    seeds: 10_000,
    seen: SKIPPED,
  },
  {
    name: "always-baseline",
    mistake: "takes a new baseline with every sweep",
    edits: [
      {
        file: SWEEP,
        from: "  if (cursor.watermark === undefined) return takeBaseline",
        to: "  if (cursor.watermark !== -1) return takeBaseline",
      },
    ],
    profile: "sweep-only",
    seeds: 200,
    seen: SKIPPED,
  },
  {
    name: "first-page-only",
    mistake: "takes the first page for the whole list",
    edits: [
      {
        file: PAGING,
        from: "    ...(page.nextUrl === undefined ? {} : { nextUrl: page.nextUrl }),\n    // One page",
        to: "    // One page",
      },
    ],
    profile: "sweep-only",
    seeds: 200,
    seen: SKIPPED,
  },
  {
    name: "lease-for-everyone",
    mistake: "grants a sweep's lease while another sweep holds it",
    edits: [
      {
        file: "src/core/leases.ts",
        from: "      if (held !== undefined && held.holder !== holder && held.until > now) return false;\n",
        to: "",
      },
    ],
    profile: "sweep-only",
    seeds: 500,
    seen: /^at-most-one: .*two holders/,
  },
  {
    name: "no-verifier",
    mistake: "never re-reads what it holds",
    edits: [{ file: "src/sync/sweeps.ts", from: '  return [...due, "verify"];', to: "  return due;" }],
    profile: "full",
    seeds: 500,
    seen: /^convergence: .*deleted upstream and still held/,
  },
  {
    name: "verifier-stands-still",
    mistake: "begins every round of the verifier anew and never gets past the first records",
    edits: [
      {
        file: WALK,
        from: "nextInRound(deps, connection, sweptKinds(deps.source), (held) => held, cursor, rows),",
        to: "nextInRound(deps, connection, sweptKinds(deps.source), (held) => held, {}, Math.min(3, rows)),",
      },
    ],
    profile: "full",
    seeds: 500,
    seen: /^convergence: .*deleted upstream and still held/,
  },
  {
    name: "walk-only-lately-changed",
    mistake: "walks only the clients that changed lately, never the round",
    edits: [
      {
        file: WALK,
        from: '  const round = await nextInRound(deps, connection, ["clients"], refOf, cursor, left);',
        to: '  const round = await nextInRound(deps, connection, ["clients"], refOf, cursor, left * 0);',
      },
    ],
    profile: "sweep-only",
    seeds: 500,
    seen: /^(convergence|staleness): .*assessment-status/,
  },
  {
    name: "rebuild-ends-early",
    mistake: "calls a rebuild done when it has reached its bound of pages",
    edits: [
      {
        file: "src/sync/rebuild.ts",
        from: '    case "bound":\n      await goOn();',
        to: '    case "bound":\n      await deps.kinds.markComplete(id, kind);\n      await deps.rebuilds.finish(id, kind, "done", ended.run, undefined, deps.now());\n      await goOn();',
      },
      { file: "src/core/limits.ts", from: "  rebuildPages: 10,", to: "  rebuildPages: 1," },
    ],
    profile: "hooks-only",
    seeds: 200,
    seen: /^convergence: .*is missing/,
  },
  {
    name: "every-third-tick",
    mistake: "sweeps a kind only at every third tick of the clock",
    edits: [
      {
        file: "src/sync/sweeps.ts",
        from: "    if (underWay || deps.now() - last.at > everyMs - limits.tickMs) due.push(kind);",
        to: "    if (underWay || deps.now() - last.at > 2 * everyMs) due.push(kind);",
      },
    ],
    profile: "sweep-only",
    seeds: 500,
    seen: /^staleness/,
  },
  {
    name: "no-next-run",
    mistake: "leaves what a run could not finish to the next tick of the clock",
    edits: [
      {
        file: "src/sync/sweeps.ts",
        from: "  const open = results.filter(({ finished, busy, strange }) => !finished && !busy && !strange);",
        to: "  const open = results.filter(({ strange }) => strange === undefined && results.length < 0);",
      },
    ],
    profile: "sweep-only",
    seeds: 500,
    seen: /^staleness|^convergence/,
  },
  {
    name: "order-forgotten",
    mistake: "never looks for a rebuild whose message was lost",
    edits: [
      {
        file: "src/sync/tick.ts",
        from: '    ...rebuilds.slice(0, 1).map((): JobMessage => ({ job: "rebuild", connection: id })),\n',
        to: "",
      },
    ],
    profile: "sweep-only",
    seeds: 5_000,
    seen: /^rebuild/,
  },
];
