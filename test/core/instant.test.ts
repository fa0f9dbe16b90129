// Instants: the upstream's text in, integer milliseconds inside, ISO text out.

import fc from "fast-check";
import { expect, it } from "vitest";
import { isoInstant, parseInstant } from "../../src/core/instant.ts";

it("WR3 ISO-8601 instants are read to the millisecond, in whatever zone they are written", () => {
  const at = Date.UTC(2026, 0, 31, 12, 34, 56, 789);
  expect(parseInstant("2026-01-31T12:34:56.789Z")).toBe(at);
  expect(parseInstant("2026-01-31T14:34:56.789+02:00")).toBe(at);
  expect(parseInstant("2026-01-31T14:34:56.789+0200")).toBe(at);
  expect(parseInstant("2026-01-31 12:34:56.789Z")).toBe(at);
  expect(parseInstant("2026-01-31T12:34:56.789123456Z")).toBe(at);
  expect(parseInstant("2026-01-31T12:34:56Z")).toBe(at - 789);
  expect(parseInstant("2026-01-31T12:34Z")).toBe(at - 56_789);
});

it("WR3 an instant without a zone is UTC, wherever this runs", () => {
  expect(parseInstant("2026-01-31T12:00:00")).toBe(Date.UTC(2026, 0, 31, 12));
  expect(parseInstant("2026-01-31 12:00:00")).toBe(Date.UTC(2026, 0, 31, 12));
  expect(parseInstant("2026-01-31")).toBe(Date.UTC(2026, 0, 31));
});

it("WR3 anything else is no instant, rather than a wrong one", () => {
  const texts = [
    "",
    "now",
    "2026",
    "2026-13-01",
    "2026-01-31T25:00:00Z",
    "31.01.2026",
    "1769860800",
    "Jan 31 2026",
  ];
  for (const value of [...texts, "2026-01-31T12:00:00Z ", 1_769_860_800, null, undefined, {}]) {
    expect(parseInstant(value), String(value)).toBeUndefined();
  }
});

it("WR3 what is written is read back as the same instant", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) }),
      (at) => parseInstant(isoInstant(at)) === at,
    ),
  );
});
