// One simulated history: an RCMS whose records change, a mirror that follows, and whatever goes wrong between them,
// all from one seed.

import { type ApiWorld, createApi, type Paging } from "./api.ts";
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
  readonly log: string[];
  /** From now on other things go wrong. */
  setFaults(faults: Faults): void;
  /** A record changes upstream, and its event is fired. */
  change(kind?: NetworkKind): void;
  remind(): void;
  /** A record disappears upstream, which no event tells. */
  vanish(kind: NetworkKind): void;
  /** Changes at random moments until then, about so many a minute. */
  live(until: number, perMinute: number): void;
  run(ms: number): Promise<void>;
}

export function createSimulation(shape: Shape): Simulation {
  let faults = shape.faults;
  const root = createChance(shape.seed);
  const chance = root.fork("network");
  const clock = createClock(START);
  const network = createNetwork();
  const log: string[] = [];
  const skewMs = shape.faults.skewMs;
  let deliver: Deliver = async () => undefined;
  const webhooks = createWebhooks({
    clock,
    chance: root.fork("webhooks"),
    faults: () => faults,
    skewMs,
    deliver: (delivery) => deliver(delivery),
  });
  const { paging, pageSize } = shape;
  const apiWorld: ApiWorld = {
    clock,
    chance: root.fork("api"),
    faults: () => faults,
    network,
    webhooks,
    paging,
    pageSize,
    skewMs,
  };
  const api = createApi(apiWorld);
  const mirror = createMirror({
    clock,
    chance: root.fork("mirror"),
    faults: () => faults,
    http: api.http,
    sweeps: shape.profile !== "hooks-only",
    onLog: (line) => log.push(`${clock.now() - START} ${line}`),
  });
  deliver = mirror.deliver;

  const organizationOf = (id: string) => `org_${(Number(id.replace(/\D/g, "")) % shape.organizations) + 1}`;

  function write(kind: NetworkKind, id: string, gone = false): RecordVersion {
    const at = clock.now();
    const updatedAt = Math.floor((at + skewMs) / shape.grainMs) * shape.grainMs;
    const number = (network.get(kind, id)?.versions.length ?? 0) + 1;
    const own =
      kind === "assessment-status" ? { client_id: id, overall_score: number } : { id, version: number };
    const body = {
      ...own,
      organization_id: kind === "organizations" ? id : organizationOf(id),
      updated_at: new Date(updatedAt).toISOString(),
    };
    const visibleAt = at + chance.between(0, faults.lagMs);
    return network.write(kind, id, { at, visibleAt, updatedAt, body: gone ? undefined : body });
  }

  function living(kind: NetworkKind) {
    return network.of(kind).filter((record) => truth(record).body !== undefined);
  }

  function change(kind: NetworkKind = chance.pick(CHANGED)): void {
    const candidates = living(kind);
    if (candidates.length === 0) return;
    const { id } = chance.pick(candidates);
    if (kind === "assessment-status" && network.get("clients", id) === undefined) return;
    write(kind, id);
    const { type, data, withinMs } = eventOf(kind, id, chance);
    webhooks.fire(type, data, organizationOf(id), withinMs);
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
    log,
    setFaults(changed) {
      faults = { ...changed, skewMs };
    },
    change,
    remind() {
      const clients = living("clients");
      if (clients.length === 0) return;
      const { id } = chance.pick(clients);
      const data = { client_id: id, assessment_id: `asmt_${chance.between(1, 1_000_000)}` };
      webhooks.fire("assessment.due_soon", data, organizationOf(id), 60_000);
    },
    vanish(kind) {
      const candidates = living(kind);
      if (candidates.length < 2) return;
      const { id } = chance.pick(candidates);
      write(kind, id, true);
      if (kind === "clients") write("assessment-status", id, true);
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

function eventOf(kind: NetworkKind, id: string, chance: Chance) {
  switch (kind) {
    case "clients":
      return { type: "client.updated", data: { client_id: id }, withinMs: 30_000 };
    case "staff":
      return { type: "staff.updated", data: { staff_id: id }, withinMs: 30_000 };
    case "organizations":
      return { type: "organization.updated", data: { organization_id: id }, withinMs: 30_000 };
    case "assessment-status": {
      const scored = chance.happens(0.5);
      const data = { client_id: id, assessment_id: `asmt_${chance.between(1, 1_000_000)}` };
      return { type: scored ? "assessment.scored" : "assessment.scheduled", data, withinMs: 180_000 };
    }
  }
}
