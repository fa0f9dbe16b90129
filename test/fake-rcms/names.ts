// Word lists for invented people and places, and the first fields of a new record drawn from them.

import { between, pick, type Random } from "./random.ts";

// biome-ignore format: word lists read better packed
const FIRST = ["Amara", "Ben", "Carla", "Dmitri", "Elena", "Farid", "Grace", "Hugo", "Imani", "Jonas", "Keiko", "Liam",
  "Maya", "Noah", "Olivia", "Pedro", "Quinn", "Rosa", "Samir", "Tessa", "Umar", "Vera", "Wesley", "Yara", "Zoe"];
// biome-ignore format: word lists read better packed
const LAST = ["Abbott", "Barnes", "Castillo", "Dawson", "Ellison", "Fischer", "Greene", "Hassan", "Ivanov", "Jensen",
  "Keller", "Lindqvist", "Moreau", "Nakamura", "Okafor", "Patel", "Quist", "Reyes", "Sullivan", "Tran", "Underhill",
  "Vasquez", "Whitaker", "Young", "Ziegler"];
const PLACES = [
  "Cedar Ridge",
  "Harbor",
  "Juniper",
  "Lakeview",
  "Maple Grove",
  "New Dawn",
  "Pine Hollow",
  "Summit",
];
const HOUSES = ["Recovery Center", "Treatment Services", "House", "Behavioral Health", "Wellness Collective"];
const CITIES = ["Asheville", "Boise", "Duluth", "Eugene", "Knoxville", "Lancaster", "Provo", "Tucson"];
const ZONES = ["America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"];

export const ROLES = ["counselor", "nurse", "case_manager", "therapist", "clinical_director", "peer_support"];
export const LEVELS_OF_CARE = [
  "detox",
  "residential",
  "partial_hospitalization",
  "intensive_outpatient",
  "outpatient",
];

export function newOrganization(random: Random) {
  return {
    name: `${pick(random, PLACES)} ${pick(random, HOUSES)}`,
    city: pick(random, CITIES),
    time_zone: pick(random, ZONES),
    phone: newPhone(random),
  };
}

export function newStaff(random: Random) {
  return { ...newPerson(random), role: pick(random, ROLES) };
}

export function newClient(random: Random) {
  const born = `${between(random, [1955, 2005])}-${twoDigits(random, 12)}-${twoDigits(random, 28)}`;
  return {
    ...newPerson(random),
    date_of_birth: born,
    phone: newPhone(random),
    level_of_care: pick(random, LEVELS_OF_CARE),
  };
}

export function newPhone(random: Random): string {
  // 555-0100 to 555-0199 belong to nobody.
  return `+1 ${between(random, [201, 989])} 555 01${String(between(random, [0, 99])).padStart(2, "0")}`;
}

function newPerson(random: Random) {
  const first = pick(random, FIRST);
  const last = pick(random, LAST);
  const email = `${first}.${last}${between(random, [1, 999])}@example.org`.toLowerCase();
  return { first_name: first, last_name: last, email };
}

function twoDigits(random: Random, max: number): string {
  return String(between(random, [1, max])).padStart(2, "0");
}
