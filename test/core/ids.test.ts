// Ids from outside enter paths, keys and SQL parameters: what may be one, and what never.

import fc from "fast-check";
import { expect, it } from "vitest";
import { connectionId, eventId, KINDS, recordId, refKey } from "../../src/core/ids.ts";
import { refOf } from "./samples.ts";

const HOSTILE = [
  "",
  " ",
  "a b",
  "../x",
  "a/b",
  "a%2fb",
  'a"b',
  "a'b",
  "a\n",
  "\u0000",
  "é",
  "a?b",
  "a#b",
  "a\\b",
  ".",
];

it("IN7 a record id is 1 to 64 plain characters, or a whole number", () => {
  for (const id of ["260", "client_01J8ZK", "0190f3a2-6f4e-7d13-9c6e-0d4c8f2b1a77", "x".repeat(64)]) {
    expect(recordId(id)).toBe(id);
  }
  expect(recordId(260)).toBe("260");
  expect(recordId(0)).toBe("0");
});

it("IN7 nothing else is a record id", () => {
  for (const value of [
    ...HOSTILE,
    "x".repeat(65),
    1.5,
    2 ** 53,
    Number.NaN,
    null,
    undefined,
    {},
    ["260"],
    true,
  ]) {
    expect(recordId(value), String(value)).toBeUndefined();
  }
});

it("IN7 an id that passed means the same in a path as in a map key", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 70 }), (text) => {
      const id = recordId(text);
      if (id === undefined) return;
      expect(encodeURIComponent(id)).toBe(id);
      expect(new URL(`https://h/v1/clients/${id}`).pathname).toBe(`/v1/clients/${id}`);
      expect(refKey({ kind: "clients", id }).split("/")).toEqual(["clients", id]);
    }),
  );
});

it("IN8 an event id may also hold dots and colons, and is up to 128 long", () => {
  for (const id of ["evt_01J8", "a.b:c-d", "x".repeat(128)]) expect(eventId(id)).toBe(id);
  for (const value of [...HOSTILE.filter((text) => text !== "."), "x".repeat(129), 5, null, undefined]) {
    expect(eventId(value), String(value)).toBeUndefined();
  }
});

it("AD1 a connection id is 1 to 32 lower-case letters, digits and dashes, and begins with none of the last", () => {
  for (const id of ["a", "0", "north-wales", "x".repeat(32)]) expect(connectionId(id)).toBe(id);
  for (const value of [...HOSTILE, "A", "-a", "a_b", "x".repeat(33), 1, null, undefined]) {
    expect(connectionId(value), String(value)).toBeUndefined();
  }
});

it("IN9 parents come before what refers to them", () => {
  expect(KINDS.indexOf("organizations")).toBeLessThan(KINDS.indexOf("clients"));
});

it("WR1 two refs have one key exactly when they are the same", () => {
  expect(refKey(refOf("1"))).toBe(refKey(refOf("1")));
  expect(refKey(refOf("1"))).not.toBe(refKey(refOf("1", "staff")));
  expect(refKey(refOf("1"))).not.toBe(refKey(refOf("11")));
});
