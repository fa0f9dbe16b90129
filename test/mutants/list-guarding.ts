// Mistakes at the one door to the upstream.

import type { Mutant } from "./mutant.ts";

export const GUARDING: readonly Mutant[] = [
  {
    name: "budget-not-counted",
    mistake: "does not count the calls of the last minute, so the burst comes on top of the rate",
    edits: [
      {
        file: "src/core/gate.ts",
        from: "    granted: countGrants(refilled.granted, calls, spentBy),",
        to: "    granted: refilled.granted,",
      },
    ],
    profile: "full",
    seeds: 1000,
    seen: /^budget/,
  },
  {
    name: "budget-per-isolate",
    mistake: "counts the budget in each invocation instead of once for all",
    edits: [
      {
        file: "src/sync/services.ts",
        from: "  const { connections, gate, http, log, sleep, source, tuning, writers } = world;",
        to: `  const { connections, gate: shared, http, log, sleep, source, tuning, writers } = world;
  const allowance = { perMinute: 40, burst: 15 };
  let own = openGate(allowance, world.now());
  const gate = (id: ConnectionId) => ({
    ...Object.fromEntries(["report", "resume", "lease", "release", "clear"].map((name) => [name, (...given) => shared(id)[name](...given)])),
    acquire: async (ask) => {
      const { state, permit } = acquire(own, ask, allowance, world.now());
      own = state;
      return permit;
    },
  });`,
      },
      {
        file: "src/sync/services.ts",
        from: 'import type { CallClass } from "../core/gate.ts";',
        to: 'import { acquire, type CallClass, openGate } from "../core/gate.ts";',
      },
    ],
    profile: "full",
    seeds: 1000,
    seen: /^budget/,
  },
  {
    name: "past-the-gate",
    mistake: "asks the gate only for a call that repeats one that failed",
    edits: [
      {
        file: "src/sync/gated.ts",
        from: "    const permit = await acquireSoon(deps, ask);",
        to: "    const permit: Permit = ask.retry ? await acquireSoon(deps, ask) : { granted: true, report: true };",
      },
    ],
    profile: "full",
    seeds: 2000,
    seen: /^budget/,
  },
  {
    name: "pause-not-kept",
    mistake: "goes on calling with a key that was rejected",
    edits: [
      {
        file: "src/core/gate.ts",
        from: '  if (refilled.paused) return refuse({ granted: false, by: "paused" });\n',
        to: "",
      },
    ],
    profile: "full",
    seeds: 500,
    seen: /^gate: .*key/,
  },
  {
    name: "retry-after-not-kept",
    mistake: "goes on calling although RCMS said when to come back",
    edits: [{ file: "src/core/gate.ts", from: "  if (now < refilled.heldUntil)\n", to: "  if (now < 0)\n" }],
    profile: "hooks-only",
    seeds: 500,
    seen: /^gate: .*Retry-After/,
  },
  {
    name: "permits-without-end",
    mistake: "takes a walk's permits for endless: never spent, never void, not dropped by a refusal",
    edits: [
      {
        file: "src/sync/permits.ts",
        from: "  const over = () => left < 1 || now() >= until;",
        to: "  const over = () => false;",
      },
    ],
    profile: "sweep-only",
    seeds: 500,
    seen: /^gate: .*long/,
  },
  {
    name: "webhook-left-dead",
    mistake: "reports a dead webhook and registers no other",
    edits: [
      {
        file: "src/sync/subscription.ts",
        from: "      await revive(deps, connection, webhook, failed);\n",
        to: "",
      },
    ],
    profile: "full",
    seeds: 500,
    seen: /^subscription: 0/,
  },
  {
    name: "registered-twice",
    mistake: "registers a webhook's successor anew with every attempt",
    edits: [
      {
        file: "src/sync/subscription.ts",
        from: "} successor`),",
        to: "} successor` + deps.now()),",
      },
    ],
    profile: "full",
    seeds: 5_000,
    seen: /^subscription: [2-9]/,
  },
];
