// The checks a setting's new value can be put to. Each says in words what the value must be.

import { ApiError } from "./exchange.ts";

/** What a value must be, in words, or null when it is fine. */
export type Check = (value: unknown) => string | null;

/** Checks every field by name; a 400 names the first that is unknown or wrong. */
export function checkedFields(
  what: string,
  patch: unknown,
  table: Record<string, Check>,
  prefix = "",
): Record<string, unknown> {
  if (!isObject(patch)) throw new ApiError(400, `${what} must be an object`, what);
  for (const [name, value] of Object.entries(patch)) {
    const check = Object.hasOwn(table, name) ? table[name] : undefined;
    if (check === undefined) throw new ApiError(400, `unknown setting ${prefix}${name}`, prefix + name);
    const wanted = check(value);
    if (wanted !== null) throw new ApiError(400, `${prefix}${name} must be ${wanted}`, prefix + name);
  }
  return patch;
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const flag: Check = (value) => (typeof value === "boolean" ? null : "true or false");
export const rate: Check = (value) =>
  typeof value === "number" && value >= 0 && value <= 1 ? null : "a number from 0 to 1";
export const text: Check = (value) => (typeof value === "string" && value !== "" ? null : "a non-empty text");
export const isNumber = (value: unknown): value is number =>
  typeof value === "number" && Number.isFinite(value);
export const whole =
  (min: number, max: number): Check =>
  (value) =>
    Number.isInteger(value) && Number(value) >= min && Number(value) <= max
      ? null
      : `a whole number from ${min} to ${max}`;
export const oneOf =
  (...names: string[]): Check =>
  (value) =>
    typeof value === "string" && names.includes(value) ? null : `one of ${names.join(", ")}`;
export const orNull =
  (check: Check): Check =>
  (value) => {
    const wanted = value === null ? null : check(value);
    return wanted === null ? null : `${wanted} or null`;
  };
export const range: Check = (value) => {
  const [min, max, ...rest]: unknown[] = Array.isArray(value) ? value : [];
  const fine =
    isNumber(min) && isNumber(max) && rest.length === 0 && min >= 0 && min <= max && max <= 600_000;
  return fine ? null : "[min, max] in milliseconds, at most 600000";
};
export const instant: Check = (value) =>
  typeof value === "string" && !Number.isNaN(Date.parse(value)) ? null : "an ISO-8601 time";
