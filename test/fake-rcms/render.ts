// How a stored record looks on the wire: the switches that vary what the documentation leaves open.

import type { Fields, Kind } from "./records.ts";
import type { Settings } from "./settings.ts";

const ISO_MILLISECONDS = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

export function render(kind: Kind, fields: Fields, settings: Settings): Fields {
  const shown: Fields = {};
  for (const [name, value] of Object.entries(fields)) shown[name] = withGrain(value, settings);
  if (kind === "assessment-status" && settings.omit_status_updated_at) delete shown.updated_at;
  if (settings.extra_fields) Object.assign(shown, extraFields(fields));
  return shown;
}

// A stored record is never changed in place, so its time is parsed once however many lists it passes through.
const parsedTimes = new WeakMap<Fields, number>();

/** The time as the API states it, in milliseconds: filters and sorts must agree with what is shown. */
export function shownUpdatedAt(fields: Fields, settings: Settings): number {
  const at = parsedTimes.get(fields) ?? (Date.parse(String(fields.updated_at)) || 0);
  parsedTimes.set(fields, at);
  return settings.timestamp_grain === "s" ? Math.floor(at / 1000) * 1000 : at;
}

export function stamp(ms: number, settings: Settings): string {
  return String(withGrain(new Date(ms).toISOString(), settings));
}

function withGrain(value: unknown, settings: Settings): unknown {
  const coarse = settings.timestamp_grain === "s" && typeof value === "string";
  return coarse && ISO_MILLISECONDS.test(value) ? `${value.slice(0, 19)}Z` : value;
}

// A function of the record alone, so the same record always carries the same extras.
function extraFields(fields: Fields): Fields {
  return {
    custom_fields: { intake: { source: "referral", tags: ["a", { nested: { deeper: [1, 2.5, null] } }] } },
    links: [{ rel: "self", id: fields.id ?? fields.client_id ?? null }],
    "x-unknown": "ünïcode ✓ 😀",
    beta_flag: null,
  };
}
