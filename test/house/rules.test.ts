// Every rule has a test, every test names a rule.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ROOT, sourceFiles } from "./sources.ts";
import { testTitles } from "./titles.ts";

const rules = readFileSync(join(ROOT, "src/RULES.md"), "utf8");
const ids = [...rules.matchAll(/^- \*\*([A-Z]{2,3}\d{1,2})\*\* /gm)].map(([, id]) => id ?? "");

const titles = sourceFiles("test").flatMap(({ path, text }) =>
  testTitles(text).flatMap((title) => idsOf(title, text).map((id) => ({ path, title, id }))),
);

it("HS2 every rule is written down once, in one line that ends with where its code lives", () => {
  expect(ids.length).toBeGreaterThan(30);
  expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
  const lines = rules.split("\n").filter((line) => line.startsWith("- "));
  expect(
    lines.filter((line) => !/^- \*\*[A-Z]{2,3}\d{1,2}\*\* .+[.] \((`[^`]+`(, )?)+\)$/.test(line)),
  ).toEqual([]);
});

it("HS2 every rule has a test", () => {
  const proven = new Set(titles.map(({ id }) => id));
  expect(ids.filter((id) => !proven.has(id))).toEqual([]);
});

it("HS2 every test's title begins with the id of a rule", () => {
  const nameless = titles.filter(({ id }) => id === undefined || !ids.includes(id));
  expect(nameless.map(({ path, title }) => `${path}: ${title ?? "not a literal"}`)).toEqual([]);
});

it("HS2 the check reads titles however a test is written, and only of tests", () => {
  const source = [
    'it("WR1 plain", () => {});',
    "test('WR2 single quotes', () => {});",
    "it.each([1, [2, (3)]])(`WR3 a $" + "{template} title`, () => {});",
    'it.each([\n  { text: "a) b" },\n] as const)(\n  "WR4 after a table",\n  () => {},\n);',
    'it.skip("WR5 skipped", () => {});',
    "it(name, () => {});",
    '// it("no comment")',
    'pattern.test("no member"); path.split("/"); const quoted = "it(1)"; submit("x");',
  ].join("\n");
  expect(testTitles(source)).toEqual([
    "WR1 plain",
    "WR2 single quotes",
    "WR3 a $" + "{template} title",
    "WR4 after a table",
    "WR5 skipped",
    undefined,
  ]);
});

/** A table may bring the id as its first column: `it.each([["WR3", …]])("%s …")`, or the whole title. */
function idsOf(title: string | undefined, text: string): readonly (string | undefined)[] {
  const own = /^([A-Z]{2,3}\d{1,2}) \S/.exec(title ?? "")?.[1];
  if (own !== undefined || !/^%s( |$)/.test(title ?? "")) return [own];
  const column = [...text.matchAll(/\[\s*"([A-Z]{2,3}\d{1,2})[" ]/g)].map(([, id]) => id);
  return column.length === 0 ? [undefined] : [...new Set(column)];
}
