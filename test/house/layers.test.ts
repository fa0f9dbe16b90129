// Imports point down only, and the world outside enters at one rim.

import { posix } from "node:path";
import { expect, it } from "vitest";
import { codeOnly, importsOf, type SourceFile, sourceFiles } from "./sources.ts";

interface Layer {
  /** Layers of ours it may import; `name (types)`: only their types. */
  readonly layers: readonly string[];
  readonly packages: readonly string[];
}

// Zod itself cannot be taken apart: half of it would be in the bundle for nothing.
const ZOD = ["zod/mini", "zod/locales"];

const LAYERS: Readonly<Record<string, Layer>> = {
  core: { layers: ["core"], packages: [] },
  sources: { layers: ["core", "sources"], packages: [] },
  sync: { layers: ["core", "sync", "sources (types)"], packages: [] },
  store: { layers: ["core", "store", "sync (types)"], packages: ["drizzle-orm"] },
  api: { layers: ["core", "sync", "api", "sources (types)"], packages: ["hono", ...ZOD] },
  cloudflare: {
    layers: ["core", "sources", "sync", "store", "api", "cloudflare"],
    packages: ["hono", ...ZOD, "drizzle-orm", "lru-cache", "cloudflare:workers", "node:crypto"],
  },
  index: { layers: ["cloudflare"], packages: [] },
};

const src = sourceFiles("src");

it("HS1 every file lies in a layer that is known", () => {
  expect(src.length).toBeGreaterThan(40);
  expect(src.map(layerOf).filter((layer) => LAYERS[layer] === undefined)).toEqual([]);
});

it("HS1 imports point down only", () => {
  expect(src.flatMap(importProblems)).toEqual([]);
});

it("HS1 the check sees an import that points up, a package too many and a value where a type is due", () => {
  const problems = (path: string, text: string) => importProblems({ path, text });
  expect(problems("src/core/x.ts", 'import { y } from "../sync/y.ts";')).toHaveLength(1);
  expect(problems("src/core/x.ts", 'import "zod";\nexport * from "./limits.ts";')).toHaveLength(1);
  expect(problems("src/core/x.ts", 'import {\n  a,\n} from "node:fs";')).toHaveLength(1);
  expect(problems("src/sync/x.ts", 'import { type A, b } from "../sources/source.ts";')).toHaveLength(1);
  expect(problems("src/sync/x.ts", 'import { type A, type B } from "../sources/source.ts";')).toEqual([]);
  expect(problems("src/sync/x.ts", 'const x = await import("../store/y.ts");')).toHaveLength(1);
  expect(problems("src/core/x.ts", '// import { y } from "../sync/y.ts";')).toEqual([]);
});

const AMBIENT = [
  /\bDate\.now\b/,
  /\bnew Date\(\s*\)/,
  /\bperformance\.now\b/,
  /\bMath\.random\b/,
  /\bcrypto\.randomUUID\b/,
  /(?<![.\w])fetch\((?![^()]*\)\s*\{)/,
  /(?<![.\w])(?:setTimeout|setInterval)\(/,
  /\bconsole\./,
];

it("HS1 clocks, chance, ids, fetch, timers and console appear only at the rim", () => {
  const inner = src.filter((file) => layerOf(file) !== "cloudflare");
  expect(inner.flatMap(ambientUses)).toEqual([]);
});

it("HS1 the check sees each of them in code and none in comments or text", () => {
  const uses = (text: string) => ambientUses({ path: "src/core/x.ts", text });
  for (const bad of [
    "Date.now()",
    "new Date()",
    "Math.random()",
    "crypto.randomUUID()",
    "await fetch(url)",
    "setTimeout(go, 1)",
    "console.log(1)",
  ]) {
    expect(uses(`const x = ${bad};`), bad).toHaveLength(1);
    expect(uses(`// ${bad}\n/* ${bad} */ const x = "${bad}";`), bad).toEqual([]);
  }
  expect(uses("deps.fetch(request); new Date(at); clock.now();")).toEqual([]);
});

it("HS1 no file outgrows 400 lines, and none is a drawer", () => {
  const files = [...src, ...sourceFiles("test")];
  const tooLong = files.filter(({ text }) => text.split("\n").length > 401).map(({ path }) => path);
  expect(tooLong).toEqual([]);
  const drawers = files.filter(({ path }) => /(^|\/)(utils?|helpers?|common)(\.|\/)/.test(path));
  expect(drawers.map(({ path }) => path)).toEqual([]);
});

function layerOf({ path }: Pick<SourceFile, "path">): string {
  const [, first = ""] = path.split("/");
  return first.replace(/\.ts$/, "");
}

function importProblems(file: SourceFile): readonly string[] {
  const layer = LAYERS[layerOf(file)];
  if (layer === undefined) return [`${file.path} lies in no layer`];
  return importsOf(file.text).flatMap(({ from, typeOnly }) => {
    const problem = `${file.path} imports ${from}`;
    if (!from.startsWith(".")) {
      return layer.packages.some((name) => from === name || from.startsWith(`${name}/`)) ? [] : [problem];
    }
    const target = layerOf({ path: posix.join(posix.dirname(file.path), from) });
    if (layer.layers.includes(target)) return [];
    if (!layer.layers.includes(`${target} (types)`)) return [problem];
    return typeOnly ? [] : [`${problem} for more than its types`];
  });
}

function ambientUses({ path, text }: SourceFile): readonly string[] {
  return codeOnly(text)
    .split("\n")
    .flatMap((line, i) =>
      AMBIENT.filter((use) => use.test(line)).map((use) => `${path}:${i + 1} ${use.source}`),
    );
}
