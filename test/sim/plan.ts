// A history drawn from its seed: the world's shape, what goes wrong at which rate, and everything that will happen,
// as data. Bursts, changes within one second and reads right after a change come often: there mistakes show.

import { WISHES, type Wish } from "./apps.ts";
import { type Chance, createChance } from "./chance.ts";
import type { Deed } from "./deeds.ts";
import { drawFaults, type Faults, type Profile } from "./faults.ts";
import { TICK_MS } from "./mirror.ts";
import type { NetworkKind } from "./network.ts";
import { HOUR, MINUTE, type Shape } from "./simulation.ts";
import { beginsAfter } from "./story.ts";

export interface Plan {
  readonly seed: number;
  readonly profile: Profile;
  readonly shape: Omit<Shape, "seed" | "profile" | "faults" | "budget">;
  readonly faults: Faults;
  /** Everything is read once before the history begins. */
  readonly whole: boolean;
  readonly deeds: readonly Deed[];
  /** How long the faults are at work, ms. */
  readonly troubledMs: number;
  /** And how long they are not, until judgement. */
  readonly peaceMs: number;
}

/** Within it everything that changed in peace has to be seen without webhooks: two intervals and two minutes. */
export const STALE_MS = 32 * MINUTE;
/** Of peace before that: what changes in it has its time until judgement. */
const LIVELY_MS = 90_000;
/** One tick more: a deletion is met by the verifier's second round at the latest, and looked at twice. */
const DELETIONS_MS = 16 * MINUTE;

export function drawPlan(seed: number, profile: Profile): Plan {
  const chance = createChance(seed).fork("history");
  const faults = drawFaults(chance, profile);
  const burst = chance.happens(0.04);
  const deletions = profile !== "hooks-only" && !burst && chance.happens(0.25);
  const shape = {
    organizations: chance.between(1, 2),
    staff: chance.between(1, 2),
    clients: burst ? 12 : chance.between(2, 4),
    paging: chance.pick(["time", "id", "offset"] as const),
    grainMs: chance.pick([1, 1_000] as const),
    pageSize: chance.pick([1, 2, 3, 5]),
    tellsTime: !chance.happens(0.1),
    pagesPerRun: chance.pick([1, 2, 50]),
    // Where there is something for the verifier to find, its rounds come to an end in peace.
    verifyBudget: deletions ? 25 : 3,
  };
  const whole = chance.happens(0.75);
  const firstTickAt = TICK_MS - beginsAfter(whole);
  const trouble = profile === "hooks-only" ? [] : drawTrouble(seed, chance.fork("trouble"), firstTickAt);
  const troubledMs = Math.max(
    chance.between(12, 35) * MINUTE,
    ...trouble.map((deed) => deed.at + ("forMs" in deed ? deed.forMs : 0) + 5 * MINUTE),
  );
  const deeds = [
    ...trouble,
    ...drawChanges(chance.fork("changes"), Math.min(troubledMs, 40 * MINUTE), {
      burst,
      deletions,
      firstTickAt,
    }),
    ...drawRequests(chance.fork("requests"), Math.min(troubledMs, 40 * MINUTE)),
    ...drawPeace(chance.fork("peace"), troubledMs, profile),
  ];
  deeds.sort((a, b) => a.at - b.at);
  // Without sweeps a message that RCMS repeats may come half a day later; nothing else happens meanwhile.
  const swept = STALE_MS + LIVELY_MS + (deletions ? DELETIONS_MS : 0);
  const peaceMs = profile === "hooks-only" ? 30 * HOUR : swept;
  return { seed, profile, shape, faults, whole, deeds, troubledMs, peaceMs };
}

/**
 * At most one of the great troubles. The longest are rare, and spread evenly over seeds so that a hundred in a row
 * hold one; the API's own comes every four hundred, because a mirror that asks all night is slow to tell.
 */
function drawTrouble(seed: number, chance: Chance, firstTickAt: number): Deed[] {
  // Often in the middle of a sweep: what it has read by then is old when it goes on.
  const at = chance.happens(0.4) ? firstTickAt + chance.between(0, 4_000) : chance.between(0, 10 * MINUTE);
  const forMs = chance.between(MINUTE, 15 * MINUTE);
  const of = chance.pick(["worker", "api", "rate"] as const);
  switch (seed % 100) {
    case 13:
      return [
        { at, do: "outage", of: "worker", forMs: chance.between(20 * HOUR, 30 * HOUR) },
        ...busy(chance, at),
      ];
    case 63:
      return [{ at, do: "outage", of, forMs: chance.between(HOUR, 2 * HOUR) }];
  }
  if (seed % 400 === 38)
    return [{ at, do: "outage", of: "api", forMs: chance.between(20 * HOUR, 30 * HOUR) }];
  switch (chance.pick(["nothing", "nothing", "nothing", "outage", "outage", "webhook", "revoke"] as const)) {
    case "outage":
      return [{ at, do: "outage", of, forMs }];
    case "webhook":
      return [{ at, do: "webhook", how: chance.pick(["disable", "remove"]) }];
    case "revoke":
      return [{ at, do: "revoke", forMs }];
    case "nothing":
      return [];
  }
}

/** So many events into an outage that RCMS gives the webhook up. */
function busy(chance: Chance, from: number): Deed[] {
  return Array.from({ length: 20 }, () => ({
    at: from + chance.between(MINUTE, 30 * MINUTE),
    do: "change",
    ...aRecord(chance),
  }));
}

function drawChanges(
  chance: Chance,
  withinMs: number,
  {
    burst,
    deletions,
    firstTickAt,
  }: { readonly burst: boolean; readonly deletions: boolean; readonly firstTickAt: number },
): Deed[] {
  const deeds: Deed[] = [];
  for (let i = chance.between(3, 10); i > 0; i--) {
    // Some change just as the clock ticks: around the instant from which the next sweep asks.
    const atTick = firstTickAt + chance.between(0, 2) * TICK_MS + chance.between(-6_000, 4_000);
    const at = chance.happens(0.2) && atTick < withinMs ? atTick : chance.between(0, withinMs);
    const changed = aRecord(chance);
    deeds.push({ at, do: "change", ...changed });
    // The same record again, mostly within the second in which its stamp cannot tell the two apart.
    if (chance.happens(0.4))
      deeds.push({
        at: at + chance.between(0, chance.pick([900, 900, 6_000, 40_000])),
        do: "change",
        ...changed,
      });
    if (chance.happens(0.5)) deeds.push(aRead(chance, at + chance.between(0, 50_000), changed));
  }
  if (burst) {
    const at = chance.between(0, withinMs);
    for (let who = 0; who < 12; who++)
      deeds.push({ at: at + chance.between(0, 2_000), do: "change", kind: "clients", who });
  }
  const now = () => chance.between(0, withinMs);
  const who = () => chance.between(0, 999);
  for (let i = chance.between(0, 2); i > 0; i--) deeds.push({ at: now(), do: "remind", who: who() });
  if (chance.happens(0.15)) deeds.push({ at: now(), do: "move", who: who() });
  if (chance.happens(0.15)) deeds.push({ at: now(), do: "enroll" });
  if (chance.happens(0.1)) deeds.push({ at: now(), do: "mention", who: who() });
  if (chance.happens(0.1)) deeds.push({ at: now(), do: "babble", text: chance.pick(BABBLE) });
  if (deletions) {
    const at = now();
    deeds.push({ at, do: "vanish", kind: chance.pick(["clients", "clients", "staff"]), who: who() });
    if (chance.happens(0.3))
      deeds.push({ at: at + chance.between(0, 25 * MINUTE), do: "return", who: who() });
  }
  return deeds;
}

const BABBLE = [
  `{"id":"evt_odd","type":"client.renamed","created_at":"2026-01-05T09:00:00Z","data":{"client_id":"client_1"}}`,
  `{"id":"evt_empty","type":"client.updated","created_at":"2026-01-05T09:00:00Z","data":{}}`,
  `[1,2,3]`,
];

const LISTED = ["clients", "clients", "staff", "organizations"] as const;

/** What apps and their users ask for. */
function drawRequests(chance: Chance, withinMs: number): Deed[] {
  const now = () => chance.between(0, withinMs);
  const who = () => chance.between(0, 999);
  const deeds: Deed[] = [];
  for (let i = chance.between(1, 5); i > 0; i--) deeds.push(aRead(chance, now(), aRecord(chance)));
  if (chance.happens(0.15)) deeds.push(...stare(chance, now()));
  for (let i = chance.between(1, 6); i > 0; i--) {
    const list = { do: "list", kind: chance.pick(LISTED) } as const;
    const changedWithinMs = chance.happens(0.5)
      ? { changedWithinMs: chance.between(MINUTE, 20 * MINUTE) }
      : {};
    deeds.push({ at: now(), ...list, isolate: chance.between(0, 1), ...changedWithinMs });
  }
  for (let i = chance.between(0, 2); i > 0; i--) {
    const [at, user, client] = [now(), `user_${chance.between(1, 3)}`, who()];
    deeds.push({ at, do: "login", user, who: client });
    if (chance.happens(0.4))
      deeds.push({ at: at + chance.between(0, 2_000), do: "login", user, who: client });
  }
  for (let i = chance.between(0, 2); i > 0; i--)
    deeds.push({ at: now(), do: "acknowledge", who: who(), times: chance.between(1, 2) });
  if (chance.happens(0.1)) deeds.push({ at: now(), do: "rebuild" });
  return deeds;
}

/** A reader who looks at one record again and again while it changes. */
function stare(chance: Chance, from: number): Deed[] {
  const record = aRecord(chance);
  const isolate = chance.between(0, 1);
  const reads = Array.from({ length: 12 }, (_, i): Deed => {
    const wish = chance.pick(["none", "none", "none", "no-cache", "no-store", "max-age=60"] as const);
    const at = from + i * 800 + chance.between(0, 700);
    return { at, do: "read", ...record, wish, minSeq: chance.happens(0.5), isolate };
  });
  return [{ at: from + chance.between(0, 5_000), do: "change", ...record }, ...reads];
}

/** In peace things go on happening, the changes early enough to be seen before judgement. */
function drawPeace(chance: Chance, from: number, profile: Profile): Deed[] {
  const latest = LIVELY_MS;
  const deeds: Deed[] = [];
  for (let i = chance.between(0, 2); i > 0; i--) {
    const changed = aRecord(chance);
    const at = from + chance.between(0, latest);
    deeds.push({ at, do: "change", ...changed }, aRead(chance, at + chance.between(0, MINUTE), changed));
  }
  const later = () => from + chance.between(0, STALE_MS);
  if (profile !== "hooks-only") deeds.push({ at: later(), do: "list", kind: "clients", isolate: 0 });
  else deeds.push(...drawLateReads(chance, from));
  const acknowledged = { do: "acknowledge", who: chance.between(0, 999), times: 2 } as const;
  return [...deeds, { at: later(), ...acknowledged }];
}

/** Hours later many ask for what is final: served as it is, and refreshed once behind them all. */
function drawLateReads(chance: Chance, from: number): Deed[] {
  const at = from + chance.between(HOUR, 20 * HOUR);
  const final = { do: "read", kind: "clients", who: 2, wish: "none", minSeq: false } as const;
  return [0, 1, 2, 3].map((isolate) => ({ at: at + chance.between(0, 5_000), ...final, isolate }));
}

const KINDS: readonly NetworkKind[] = [
  "clients",
  "clients",
  "clients",
  "assessment-status",
  "assessment-status",
  "staff",
  "organizations",
];

function aRecord(chance: Chance): { readonly kind: NetworkKind; readonly who: number } {
  return { kind: chance.pick(KINDS), who: chance.between(0, 999) };
}

const WISH_NAMES = Object.keys(WISHES) as readonly Wish[];

function aRead(chance: Chance, at: number, of: { readonly kind: NetworkKind; readonly who: number }): Deed {
  const wish = chance.happens(0.4) ? "none" : chance.pick(WISH_NAMES);
  return { at, do: "read", ...of, wish, minSeq: chance.happens(0.3), isolate: chance.between(0, 1) };
}
