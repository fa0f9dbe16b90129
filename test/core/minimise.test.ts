// Field minimisation: what is not allowed is gone before anything is hashed or stored.

import fc from "fast-check";
import { expect, it } from "vitest";
import { minimise } from "../../src/core/minimise.ts";

it("PR3 only allowed fields are left, and the id always is", () => {
  const record = { id: "1", first_name: "Ada", status: "active", nested: { ssn: "x" } };
  expect(minimise(record, ["status"])).toEqual({ id: "1", status: "active" });
  expect(minimise(record, [])).toEqual({ id: "1" });
  expect(minimise(record, ["nested"])).toEqual({ id: "1", nested: { ssn: "x" } });
});

it("PR3 a kind without a list keeps everything", () => {
  const record = { id: "1", first_name: "Ada" };
  expect(minimise(record, undefined)).toBe(record);
});

it("PR3 nothing is made up, nothing changed and nothing kept that is not allowed", () => {
  const field = fc.constantFrom<string>("id", "a", "b", "__proto__", "constructor");
  fc.assert(
    fc.property(fc.array(fc.tuple(field, fc.integer())), fc.array(field), (members, allowed) => {
      const record = Object.fromEntries(members);
      const kept = minimise(record, allowed);
      for (const [name, value] of Object.entries(record)) {
        const expected = name === "id" || allowed.includes(name);
        expect(Object.hasOwn(kept, name)).toBe(expected);
        if (expected) expect(Object.entries(kept)).toContainEqual([name, value]);
      }
      expect(Object.keys(kept).every((name) => Object.hasOwn(record, name))).toBe(true);
    }),
  );
});
