// Words that exist nowhere else, one in every place where something private stands, and what to look through for
// them afterwards.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Network } from "../fake-rcms/network.ts";
import type { Fields } from "../fake-rcms/records.ts";

export const WORD = "cAnArY";

export interface Population {
  readonly organization: string;
  readonly staff: string;
  readonly client: string;
}

/** Every field of every record that could tell who someone is or how they fare. */
export function populate({ world }: Network): Population {
  const organization = world.createOrganization(spelled("org", ["name", "city", "phone"])).id;
  const of = { organization_id: organization };
  const person = ["first_name", "last_name", "email", "phone"];
  const staff = world.createStaff({ ...of, ...spelled("staff", [...person, "role"]) }).id;
  const private_ = [...person, "date_of_birth", "level_of_care", "client_uuid"];
  const notes = { custom_fields: { note: `${WORD}-nested` } };
  const client = world.enrolClient({ ...of, ...spelled("client", private_), ...notes }).id;
  return { organization, staff, client };
}

/** Something happens to each of them, so that every kind of event is about something private. */
export function live({ world }: Network, { organization, staff, client }: Population): (string | null)[] {
  const changes = [
    world.updateOrganization(organization, spelled("org2", ["name", "phone"])),
    world.updateStaff(staff, spelled("staff2", ["first_name", "email"])),
    world.updateClient(client, spelled("client2", ["first_name", "email"])),
    world.scheduleAssessment(client, { note: `${WORD}-assessment` }),
    world.assessmentDueSoon(client, { note: `${WORD}-reminder` }),
    world.submitAssessment(client, { note: `${WORD}-submitted` }),
    world.scoreAssessment(client, { positive_score: `${WORD}-score` }),
    world.dischargeClient(client, { discharge_reason: `${WORD}-discharged` }),
  ];
  return changes.map(({ event_id }) => event_id);
}

function spelled(of: string, names: readonly string[]): Fields {
  return Object.fromEntries(names.map((name) => [name, `${WORD}-${of}-${name}`]));
}

/** Which of `secrets` stand in `text`, as the words around them. */
export function found(text: string, secrets: readonly string[]): string[] {
  return secrets.flatMap((secret) => {
    const at = text.indexOf(secret);
    return at < 0 ? [] : [text.slice(Math.max(0, at - 60), at + secret.length + 20)];
  });
}

/** Every byte the worker's processes left in a folder, databases and their logs included. */
export function bytesIn(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "latin1"))
    .join("\n");
}
