// What the upstream of one history knows: its records with every version they ever had, the events it has fired and
// not yet delivered, the webhooks it delivers to. Both mirrors of a history are told by the same world.

import { createNetwork, type Network, type NetworkKind, type RecordVersion } from "../sim/network.ts";

export type Paging = "time" | "id" | "offset";

export interface Shape {
  readonly organizations: number;
  readonly staff: number;
  readonly clients: number;
  readonly paging: Paging;
  readonly pageSize: number;
  /** `updated_at` is cut to this, ms. */
  readonly grainMs: 1 | 1_000;
  /** Upstream's clock minus ours, ms. */
  readonly skewMs: number;
}

export interface FiredEvent {
  readonly id: string;
  readonly type: string;
  readonly body: string;
  readonly createdAt: number;
  /** How often it was sent: 0, and RCMS calls it failed. */
  sent: number;
}

export interface World {
  readonly shape: Shape;
  readonly network: Network;
  /** Waiting to be delivered, oldest first. */
  readonly outbox: FiredEvent[];
  /** All that were fired. */
  readonly fired: FiredEvent[];
  organizationOf(client: string): string;
  /** A new version: with content, or gone. @param backMs its own date lies so far back */
  write(kind: NetworkKind, id: string, how?: WriteHow): void;
  fire(type: string, data: Record<string, string>, organization: string): void;
}

export interface WriteHow {
  readonly gone?: true;
  readonly lagMs?: number;
  readonly backMs?: number;
  readonly organization?: string;
  readonly status?: string;
}

export function createWorld(shape: Shape, now: () => number): World {
  const network = createNetwork();
  const outbox: FiredEvent[] = [];
  const fired: FiredEvent[] = [];
  const places = new Map<string, string>();
  const organizationOf = (id: string) => places.get(id) ?? "org_1";

  const world: World = {
    shape,
    network,
    outbox,
    fired,
    organizationOf,
    write(kind, id, { gone, lagMs = 0, backMs = 0, organization, status } = {}) {
      if (organization !== undefined) places.set(id, organization);
      const at = now();
      const updatedAt = Math.floor((at + shape.skewMs - backMs) / shape.grainMs) * shape.grainMs;
      const number = (network.get(kind, id)?.versions.length ?? 0) + 1;
      const own = kind === "assessment-status" ? { client_id: id, overall_score: number } : { id, number };
      const body = {
        ...own,
        note: `${kind} ${id} ${number}`,
        organization_id: kind === "organizations" ? id : organizationOf(id),
        ...(status === undefined ? {} : { status }),
        updated_at: new Date(updatedAt).toISOString(),
      };
      network.write(kind, id, { at, visibleAt: at + lagMs, updatedAt, body: gone ? undefined : body });
    },
    fire(type, data, organization) {
      const createdAt = now() + shape.skewMs;
      const id = `evt_${fired.length + 1}`;
      const created_at = new Date(createdAt).toISOString();
      const body = JSON.stringify({ id, type, created_at, organization_id: organization, data });
      const event = { id, type, body, createdAt, sent: 0 };
      fired.push(event);
      outbox.push(event);
    },
  };
  populate(world);
  return world;
}

function populate(world: World): void {
  const { organizations, staff, clients } = world.shape;
  const place = (i: number) => `org_${(i % organizations) + 1}`;
  const first = { backMs: 86_400_000 };
  for (let i = 1; i <= organizations; i++) world.write("organizations", `org_${i}`, first);
  for (let i = 1; i <= staff; i++) world.write("staff", `staff_${i}`, { ...first, organization: place(i) });
  for (let i = 1; i <= clients; i++) {
    world.write("clients", `client_${i}`, { ...first, organization: place(i) });
    world.write("assessment-status", `client_${i}`, first);
  }
}

/** As the API shows it at this instant; undefined when it shows none. */
export function shown(
  network: Network,
  kind: NetworkKind,
  id: string,
  at: number,
): RecordVersion | undefined {
  return network.shown(network.get(kind, id), at);
}
