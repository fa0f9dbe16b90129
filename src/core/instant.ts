// Instants are integer milliseconds since 1970 inside, ISO-8601 text outside.

export const ISO_INSTANT = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)?(Z|[+-]\d\d:?\d\d)?$/;

/** @returns milliseconds, or undefined when `value` is not an ISO-8601 date or date-time (no zone: UTC) */
export function parseInstant(value: unknown): number | undefined {
  if (typeof value !== "string") return undefined;
  const match = ISO_INSTANT.exec(value);
  if (!match) return undefined;
  const dateOnly = value.length === 10;
  const at = Date.parse(match[1] === undefined && !dateOnly ? `${value.replace(" ", "T")}Z` : value);
  return Number.isNaN(at) ? undefined : at;
}

export function isoInstant(at: number): string {
  return new Date(at).toISOString();
}

let last = { at: Number.NaN, text: "" };

/** As `isoInstant`, where one instant is told again and again: a sweep vouches for all records of a kind. */
export function asOfText(asOf: number): string {
  if (last.at !== asOf) last = { at: asOf, text: isoInstant(asOf) };
  return last.text;
}
