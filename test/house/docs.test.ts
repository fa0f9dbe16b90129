// The documents tell the truth: what they name in backticks as a file or folder of ours is there.

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { ROOT } from "./sources.ts";

const DOCUMENTS = ["src/RULES.md", "src/ARCHITECTURE.md", "README.md"];

it.each(DOCUMENTS)("HS3 %s is there", (document) => {
  expect(existsSync(join(ROOT, document))).toBe(true);
});

it.each(DOCUMENTS.filter((document) => existsSync(join(ROOT, document))))(
  "HS3 every file named in %s exists",
  (document) => {
    const text = readFileSync(join(ROOT, document), "utf8");
    const named = namedPaths(text);
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((path) => !existsNear(document, path))).toEqual([]);
  },
);

it("HS3 the check takes for a path what is one, and finds a file that is not there", () => {
  const text =
    "`core/gate.ts`, `test/fake-rcms/`, `wrangler.toml`, `/v1/clients`, `a/b`, `npm start`, `*.ts`, `x.y()`";
  expect(namedPaths(text)).toEqual(["core/gate.ts", "test/fake-rcms/", "wrangler.toml"]);
  expect(namedPaths("```\n`src/nowhere.ts`\n```\n`src/nowhere.ts`")).toEqual(["src/nowhere.ts"]);
  expect(existsNear("src/RULES.md", "core/gate.ts")).toBe(true);
  expect(existsNear("src/RULES.md", "migrations/0001_mirror.sql")).toBe(true);
  expect(existsNear("src/RULES.md", "src/nowhere.ts")).toBe(false);
});

/** Code spans that are a relative path with an ending we use, or a folder. Fenced blocks are examples. */
function namedPaths(text: string): readonly string[] {
  const prose = text.replace(/^```[\s\S]*?^```/gm, "");
  const spans = [...prose.matchAll(/`([^`\n]+)`/g)].map(([, span]) => span ?? "");
  return spans
    .map((span) => span.replace(/[:#]L?\d+(-\d+)?$/, ""))
    .filter((span) => /^[\w@.-]+(\/[\w@.-]+)*(\.(ts|md|sql|toml|json)|\/)$/.test(span));
}

/** A document names files from the root or from its own folder. */
function existsNear(document: string, path: string): boolean {
  return [ROOT, join(ROOT, dirname(document))].some((from) => existsSync(join(from, path)));
}
