// The first records of a network: readable at once, announced to nobody, their times spread over the past months.

import { type Core, chance } from "./core.ts";
import { ApiError } from "./exchange.ts";
import { between } from "./random.ts";
import type { Fields, Kind, Records } from "./records.ts";
import { createWorld, type World } from "./world.ts";

export interface Seed {
  organizations: number;
  staff: number;
  clients: number;
}

const LARGEST = 200_000;
const DAY_MS = 86_400_000;

export function seedRecords(core: Core, records: Records, wanted: unknown): void {
  const seed = checkedSeed(wanted);
  const world = createWorld({ core, records: withoutLag(records), announce: () => "" });
  for (let i = 0; i < seed.organizations; i += 1) world.createOrganization(past(core));
  const homes = records.allNewest("organizations").map((organization) => organization.id);
  for (let i = 0; i < seed.staff; i += 1) {
    const gone = chance(core.worldRandom, 0.1) ? { status: "deactivated" } : {};
    world.createStaff({ organization_id: homes[i % homes.length], ...past(core), ...gone });
  }
  let person: unknown;
  for (let i = 0; i < seed.clients; i += 1) {
    // Now and then the same person enrols again elsewhere: another client, the same client_uuid.
    const again = person !== undefined && chance(core.worldRandom, 0.04) ? { client_uuid: person } : {};
    person = seedClient(core, world, { organization_id: homes[i % homes.length], ...again });
  }
}

function seedClient(core: Core, world: World, patch: Fields): unknown {
  const times = past(core);
  const gone = chance(core.worldRandom, 0.2);
  const left = gone ? { status: "discharged", discharged_at: times.updated_at } : {};
  const { id, record } = world.enrolClient({ ...patch, admitted_at: times.created_at, ...times, ...left });
  const stage = between(core.worldRandom, [0, 4]);
  const then = { updated_at: times.updated_at };
  if (stage === 1) world.scheduleAssessment(id, then);
  if (stage >= 2) world.submitAssessment(id, { ...then, submitted_at: times.updated_at });
  if (stage >= 3) world.scoreAssessment(id, then);
  if (stage >= 4) world.lockAssessment(id, { ...then, locked_at: times.updated_at });
  if (stage === 0) world.changeSilently("assessment-status", id, then);
  return record?.client_uuid;
}

function past(core: Core) {
  const created = core.now() - between(core.worldRandom, [2 * DAY_MS, 200 * DAY_MS]);
  const updated = Math.floor(created + (core.now() - DAY_MS - created) * core.worldRandom());
  return { created_at: new Date(created).toISOString(), updated_at: new Date(updated).toISOString() };
}

function withoutLag(records: Records): Records {
  return {
    ...records,
    write(kind: Kind, id: string, fields: Fields | null) {
      records.write(kind, id, fields, 0);
      // Reading drops the versions no one can ask for any more.
      records.readable(kind, id);
    },
  };
}

function checkedSeed(wanted: unknown): Seed {
  if (typeof wanted !== "object" || wanted === null)
    throw new ApiError(400, "seed must be an object", "seed");
  const seed: Seed = { organizations: 0, staff: 0, clients: 0 };
  for (const [name, count] of Object.entries(wanted)) {
    const whole = typeof count === "number" && Number.isInteger(count) && count >= 0 && count <= LARGEST;
    if (name !== "organizations" && name !== "staff" && name !== "clients")
      throw new ApiError(400, `unknown seed ${name}`, `seed.${name}`);
    if (!whole)
      throw new ApiError(400, `seed.${name} must be a whole number from 0 to ${LARGEST}`, `seed.${name}`);
    seed[name] = count;
  }
  // Staff and clients have to live somewhere.
  if (seed.organizations === 0 && seed.staff + seed.clients > 0) seed.organizations = 1;
  return seed;
}
