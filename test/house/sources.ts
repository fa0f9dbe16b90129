// The project's own files as text, for tests that read code instead of running it.

import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";

export const ROOT = join(import.meta.dirname, "../..");

export interface SourceFile {
  /** From the root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

export function sourceFiles(folder: string): readonly SourceFile[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({
      path: relative(ROOT, path).split(sep).join("/"),
      text: readFileSync(path, "utf8"),
    }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** One token at a time: comments, then literals whose content must not be read as code. */
const TOKEN =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\[\s\S]|[^`\\])*`|(?<=[(,=:[!&|?{};\n]\s*)\/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/g;

/** The text with every comment replaced by spaces: positions and lines stay. */
export function withoutComments(text: string): string {
  return text.replace(TOKEN, (token) => (isComment(token) ? blank(token) : token));
}

/** Comments and the content of literals gone: what is left is code. */
export function codeOnly(text: string): string {
  return text.replace(TOKEN, blank);
}

export interface Import {
  readonly from: string;
  /** Nothing of it is left at run time. */
  readonly typeOnly: boolean;
}

const IMPORT = /(?:^|\n)\s*(?:import|export)\s+(type\s+)?([\w*{}\s,$]*?)\s*(?:from\s*)?"([^"]+)"/g;
const INLINE = /\b(?:import|require)\(\s*"([^"]+)"\s*\)/g;

export function importsOf(text: string): readonly Import[] {
  const code = withoutComments(text);
  const statements = [...code.matchAll(IMPORT)].map(([, type, names, from]) => ({
    from: from ?? "",
    typeOnly: type !== undefined || onlyTypeNames(names ?? ""),
  }));
  // `import("…").Name` as a type and a dynamic import look alike; both count as more than a type.
  const inline = [...code.matchAll(INLINE)].map(([, from]) => ({ from: from ?? "", typeOnly: false }));
  return [...statements, ...inline];
}

function onlyTypeNames(names: string): boolean {
  const listed = names
    .replace(/[{}]/g, "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  return listed.length > 0 && listed.every((name) => name.startsWith("type "));
}

function isComment(token: string): boolean {
  return token.startsWith("//") || token.startsWith("/*");
}

function blank(token: string): string {
  return token.replace(/[^\n]/g, " ");
}
