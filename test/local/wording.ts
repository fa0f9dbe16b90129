// Changes and totals in words: one line each.

import type { Network } from "../fake-rcms/network.ts";
import type { Fields } from "../fake-rcms/records.ts";
import type { Announced } from "./announced.ts";
import { paint, width } from "./screen.ts";
import { percentile, type Tally } from "./tally.ts";
import type { Seen } from "./watcher.ts";

// Above this a change does not feel instant any more.
const SLOW_MS = 1_000;

// Narrower than this, what is new is left out.
const FULL_WIDTH = 98;

/** `client.updated   Amara Abbott   residential   client_…7Q2K1   31 ms` */
export function changeLine(network: Network, { change, ms, failure }: Seen): string {
  const columns = [
    paint(colorOf(change), change.type.padEnd(24)),
    cut(whoIsIt(network, change), 24),
    ...(width() < FULL_WIDTH ? [] : [cut(whatIsNew(change), 22)]),
    paint("dim", cut(shortId(change.id), 13)),
    ms === undefined
      ? paint("red", notReadable(failure))
      : paint(ms > SLOW_MS ? "yellow" : "green", inMs(ms)),
  ];
  return `  ${columns.join(" ")}`;
}

function inMs(ms: number): string {
  return `${String(ms).padStart(6)} ms`;
}

function notReadable(failure: string | undefined): string {
  return failure === undefined ? "did not arrive" : `cannot be read: ${failure}`;
}

/** `62 changes, 61 mirrored, 1 under way · webhook → readable: p50 31 ms, p95 80 ms` */
export function totalsLine(tally: Tally): string {
  const { changes, mirrored, late, latencies } = tally;
  const underWay = changes - mirrored - late;
  const counts = [
    `${changes} ${changes === 1 ? "change" : "changes"}`,
    `${mirrored} mirrored`,
    ...(underWay > 0 ? [`${underWay} under way`] : []),
    ...(late > 0 ? [`${late} did not arrive`] : []),
  ];
  if (latencies.length === 0) return counts.join(", ");
  const [p50, p95] = [percentile(latencies, 0.5), percentile(latencies, 0.95)];
  return `${counts.join(", ")} · webhook → readable: p50 ${p50} ms, p95 ${p95} ms`;
}

function whoIsIt(network: Network, { kind, id, record }: Announced): string {
  const ofClient = kind === "assessment-status" || kind === "reminders";
  const person = ofClient ? network.parts.records.newest("clients", String(record.client_id)) : record;
  return String(person?.name ?? ([person?.first_name, person?.last_name].filter(Boolean).join(" ") || id));
}

function whatIsNew({ type, record }: Announced): string {
  switch (type) {
    case "client.updated":
    case "client.enrolled":
      return words(record.level_of_care);
    case "staff.created":
    case "staff.updated":
      return words(record.role);
    case "organization.created":
      return `in ${record.city}`;
    case "organization.updated":
      return `phone ${String(record.phone).slice(-8)}`;
    case "assessment.scheduled":
      return `for ${day(record, "scheduled_at")}`;
    case "assessment.due_soon":
    case "assessment.overdue":
      return `due ${day(record, "due_at")}`;
    case "assessment.submitted":
      return `number ${record.assessment_number}`;
    case "assessment.scored":
      return `overall score ${record.overall_score}`;
    default:
      return "";
  }
}

function words(value: unknown): string {
  return String(value ?? "").replaceAll("_", " ");
}

function day(record: Fields, field: string): string {
  return String(record[field] ?? "").slice(0, 10);
}

function colorOf({ kind }: Announced) {
  const colors = {
    clients: "cyan",
    "assessment-status": "magenta",
    reminders: "yellow",
    staff: "blue",
    organizations: "white",
  } as const;
  return colors[kind];
}

/** `client_01KAQ3…` is mostly time; its end tells two apart. */
function shortId(id: string): string {
  const prefix = /^[a-z]+_/.exec(id)?.[0] ?? "";
  return id.length <= prefix.length + 6 ? id : `${prefix}…${id.slice(-5)}`;
}

function cut(text: string, width: number): string {
  return (text.length > width ? `${text.slice(0, width - 1)}…` : text).padEnd(width);
}
