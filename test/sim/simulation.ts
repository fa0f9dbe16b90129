// One simulated world: an RCMS whose records change, and a mirror that follows, all from one seed. What happens in it
// is up to whoever has it in hand: a drawn history (plan.ts) or a story told by a test.

import type { GateBudget } from "../../src/core/gate.ts";
import { limits } from "../../src/core/limits.ts";
import { createApi, type Paging } from "./api.ts";
import { type Chance, createChance } from "./chance.ts";
import { type Clock, createClock } from "./clock.ts";
import { CALM, type Faults, type Profile } from "./faults.ts";
import { createMirror, type SimMirror } from "./mirror.ts";
import { createNetwork, type Network, type NetworkKind, type RecordVersion, truth } from "./network.ts";
import { createWebhooks, type Deliver, type Webhooks } from "./webhooks.ts";

export const START = Date.UTC(2026, 0, 5, 8);
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

export interface Shape {
  readonly seed: number;
  readonly profile: Profile;
  readonly faults: Faults;
  readonly organizations: number;
  readonly staff: number;
  readonly clients: number;
  readonly paging: Paging;
  readonly pageSize: number;
  /** `updated_at` is cut to this, ms. */
  readonly grainMs: 1 | 1_000;
  /** The API's answers carry a `Date`. */
  readonly tellsTime: boolean;
  readonly pagesPerRun: number;
  readonly verifyBudget: number;
  readonly budget: GateBudget;
}

export const SMALL: Omit<Shape, "seed"> = {
  profile: "full",
  faults: CALM,
  organizations: 2,
  staff: 4,
  clients: 12,
  paging: "time",
  pageSize: 5,
  grainMs: 1,
  tellsTime: true,
  pagesPerRun: 50,
  verifyBudget: 8,
  /** Tight for so small a network, so that it is felt. */
  budget: { perMinute: 40, burst: 15 },
};

export interface Simulation {
  readonly startedAt: number;
  /** What changed before was never asked for. */
  connectedAt: number;
  readonly shape: Shape;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly network: Network;
  readonly api: ReturnType<typeof createApi>;
  readonly webhooks: Webhooks;
  readonly mirror: SimMirror;
  readonly counters: Readonly<Record<string, number>>;
  readonly log: string[];
  /** From now on other things go wrong. */
  setFaults(faults: Faults): void;
  /** A record changes upstream, and its event is fired. @param who which of the living, by number */
  change(kind?: NetworkKind, who?: number): void;
  /** A client goes to another organization. */
  move(who: number): void;
  /** A new client. */
  enroll(): void;
  remind(who?: number): void;
  /** An event without a change behind it. */
  mention(who: number): void;
  /** A record disappears upstream, which no event tells. */
  vanish(kind: NetworkKind, who?: number): void;
  /** A client that had disappeared is back. */
  returnOne(who: number): void;
  /** Changes at random moments until then, about so many a minute. */
  live(until: number, perMinute: number): void;
  run(ms: number): Promise<void>;
}

export function createSimulation(shape: Shape, options: { readonly log?: boolean } = {}): Simulation {
  let faults = shape.faults;
  const root = createChance(shape.seed);
  const chance = root.fork("network");
  const clock = createClock(START);
  const network = createNetwork();
  const log: string[] = [];
  const counters = { changes: 0, sameSecond: 0, moves: 0, enrolled: 0, vanished: 0, returned: 0 };
  const { paging, pageSize, tellsTime } = shape;
  const { skewMs } = shape.faults;
  let deliver: Deliver = async () => undefined;
  const world = { clock, faults: () => faults, network, skewMs };
  const webhooks = createWebhooks({
    ...world,
    chance: root.fork("webhooks"),
    deliver: (delivery) => deliver(delivery),
  });
  const api = createApi({ ...world, chance: root.fork("api"), webhooks, paging, pageSize, tellsTime });
  const mirror = createMirror({
    ...world,
    chance: root.fork("mirror"),
    http: api.http,
    sweeps: shape.profile !== "hooks-only",
    budget: shape.budget,
    tuning: { pagesPerRun: shape.pagesPerRun, verifyBudget: shape.verifyBudget },
    onLog: options.log ? (line) => log.push(`${clock.now() - START} ${line}`) : undefined,
  });
  deliver = mirror.deliver;

  /** Where clients are; everything else is where its number puts it. */
  const places = new Map<string, string>();
  const numberOf = (id: string) => Number(id.replace(/\D/g, ""));
  const organizationOf = (id: string) => places.get(id) ?? `org_${(numberOf(id) % shape.organizations) + 1}`;

  function write(kind: NetworkKind, id: string, gone = false): RecordVersion {
    const at = clock.now();
    const updatedAt = Math.floor((at + skewMs) / shape.grainMs) * shape.grainMs;
    const versions = network.get(kind, id)?.versions ?? [];
    const number = versions.length + 1;
    if (versions.at(-1)?.updatedAt === updatedAt) counters.sameSecond++;
    const own =
      kind === "assessment-status" ? { client_id: id, overall_score: number } : { id, version: number };
    const body = {
      ...own,
      ...(kind === "clients" && isDischarged(id) ? { status: "discharged" } : {}),
      organization_id: kind === "organizations" ? id : organizationOf(id),
      updated_at: new Date(updatedAt).toISOString(),
    };
    const visibleAt = at + chance.between(0, faults.lagMs);
    return network.write(kind, id, { at, visibleAt, updatedAt, body: gone ? undefined : body });
  }

  /** Every third client: a record that hardly changes any more is served at any age. */
  const isDischarged = (id: string) => numberOf(id) % 3 === 0;

  const withBody = (kind: NetworkKind, there: boolean) =>
    network.of(kind).filter((record) => (truth(record).body !== undefined) === there);

  function idOf(kind: NetworkKind, who: number, there = true): string | undefined {
    const candidates = withBody(kind, there);
    return candidates[who % candidates.length]?.id;
  }

  /** Two changes closer than this are one to the mirror until a sweep (settled.ts): no history holds them against it. */
  const isStillNew = (kind: NetworkKind, id: string) =>
    clock.now() - (network.get(kind, id)?.versions.at(-1)?.at ?? 0) <= limits.sameInstantMs;

  const someone = () => chance.between(0, 999_999);

  function fireOf(kind: NetworkKind, id: string, type?: string): void {
    const event = eventOf(kind, id, chance);
    webhooks.fire(type ?? event.type, event.data, organizationOf(id), event.withinMs);
  }

  function change(kind: NetworkKind = chance.pick(CHANGED), who = someone()): void {
    const id = idOf(kind, who);
    if (id === undefined || isStillNew(kind, id)) return;
    counters.changes++;
    write(kind, id);
    fireOf(kind, id);
  }

  for (let i = 1; i <= shape.organizations; i++) write("organizations", `org_${i}`);
  for (let i = 1; i <= shape.staff; i++) write("staff", `staff_${i}`);
  for (let i = 1; i <= shape.clients; i++) {
    write("clients", `client_${i}`);
    write("assessment-status", `client_${i}`);
  }

  return {
    startedAt: START,
    connectedAt: START,
    shape,
    clock,
    chance,
    network,
    api,
    webhooks,
    mirror,
    counters,
    log,
    setFaults(changed) {
      faults = { ...changed, skewMs };
    },
    change,
    move(who) {
      const id = idOf("clients", who);
      if (id === undefined || shape.organizations < 2) return;
      counters.moves++;
      const next = (numberOf(organizationOf(id)) % shape.organizations) + 1;
      places.set(id, `org_${next}`);
      write("clients", id);
      fireOf("clients", id);
    },
    enroll() {
      const id = `client_${network.of("clients").length + 1}`;
      counters.enrolled++;
      write("clients", id);
      write("assessment-status", id);
      fireOf("clients", id, "client.enrolled");
      fireOf("assessment-status", id, "assessment.scheduled");
    },
    remind(who = someone()) {
      const id = idOf("clients", who);
      if (id === undefined) return;
      const data = { client_id: id, assessment_id: `asmt_${chance.between(1, 1_000_000)}` };
      webhooks.fire("assessment.due_soon", data, organizationOf(id), 60_000);
    },
    mention(who) {
      const id = idOf("clients", who);
      if (id !== undefined) fireOf("clients", id, "client.intake_incomplete");
    },
    vanish(kind, who = someone()) {
      const id = idOf(kind, who);
      if (id === undefined || withBody(kind, true).length < 2) return;
      counters.vanished++;
      write(kind, id, true);
      if (kind === "clients") write("assessment-status", id, true);
    },
    returnOne(who) {
      const id = idOf("clients", who, false);
      if (id === undefined) return;
      counters.returned++;
      write("clients", id);
      write("assessment-status", id);
      fireOf("clients", id, "client.readmitted");
    },
    live(until, perMinute) {
      const next = clock.now() + Math.ceil((-Math.log(1 - chance.next()) / perMinute) * MINUTE);
      if (next >= until) return;
      clock.at(next, () => {
        change();
        this.live(until, perMinute);
      });
    },
    run: (ms) => clock.runUntil(clock.now() + ms),
  };
}

const CHANGED = [
  "clients",
  "clients",
  "clients",
  "assessment-status",
  "assessment-status",
  "staff",
  "organizations",
] as const;

/** RCMS fires within half a minute, and mostly at once: before the API shows the change. */
const firedWithin = (chance: Chance) => chance.pick([2_000, 30_000]);

function eventOf(kind: NetworkKind, id: string, chance: Chance) {
  switch (kind) {
    case "clients":
      return { type: "client.updated", data: { client_id: id }, withinMs: firedWithin(chance) };
    case "staff":
      return { type: "staff.updated", data: { staff_id: id }, withinMs: firedWithin(chance) };
    case "organizations":
      return { type: "organization.updated", data: { organization_id: id }, withinMs: firedWithin(chance) };
    case "assessment-status": {
      const scored = chance.happens(0.5);
      const data = { client_id: id, assessment_id: `asmt_${chance.between(1, 1_000_000)}` };
      return {
        type: scored ? "assessment.scored" : "assessment.scheduled",
        data,
        withinMs: chance.pick([2_000, 180_000]),
      };
    }
  }
}
