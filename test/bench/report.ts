// The one table: what was measured, against what, and whether the aim was met.

import { readFileSync, writeFileSync } from "node:fs";
import type { Figure } from "./statistics.ts";

export interface Row {
  readonly what: string;
  readonly against: string;
  /** As shown, unit included. */
  readonly measured: string;
  readonly spread: string;
  readonly aim: string;
  /** Absent: told for information. */
  readonly met?: boolean;
  /** For programs. */
  readonly value?: number;
}

export interface Aim {
  readonly atLeast?: number;
  readonly atMost?: number;
}

export interface Shown {
  readonly what: string;
  readonly against: string;
  readonly aim?: Aim;
  readonly unit?: string;
  /** Dollars are written before their number. */
  readonly sign?: string;
  readonly digits?: number;
  /** Added to what was measured. */
  readonly note?: string;
}

/** A figure, or a single number that has no spread because it was counted. */
export function row(value: Figure | number, shown: Shown): Row {
  const { what, against, aim, unit = "", sign = "", digits = 2, note } = shown;
  const number = typeof value === "number" ? value : value.median;
  const text = (n: number) => `${sign}${n.toFixed(digits)}`;
  return {
    ...{ what, against, value: number },
    measured: `${text(number)}${unit}${note === undefined ? "" : ` (${note})`}`,
    spread:
      typeof value === "number" ? "counted" : `${text(value.low)} – ${text(value.high)}, n ${value.count}`,
    aim:
      aim === undefined
        ? ""
        : `${aim.atLeast === undefined ? "≤" : "≥"} ${sign}${aim.atLeast ?? aim.atMost}${unit}`,
    ...(aim === undefined ? {} : { met: isMet(number, aim) }),
  };
}

/** Told as words: what has no single number. */
export function told(what: string, against: string, measured: string): Row {
  return { what, against, measured, spread: "", aim: "" };
}

function isMet(value: number, { atLeast, atMost }: Aim): boolean {
  return value >= (atLeast ?? Number.NEGATIVE_INFINITY) && value <= (atMost ?? Number.POSITIVE_INFINITY);
}

const HEAD = ["what", "against", "measured", "spread", "aim", "met"] as const;

export const cells = (one: Row): readonly string[] => [
  one.what,
  one.against,
  one.measured,
  one.spread,
  one.aim,
  one.met === undefined ? "" : one.met ? "yes" : "NO",
];

export function asText(rows: readonly Row[]): string {
  const lines = [HEAD, ...rows.map(cells)];
  const widths = HEAD.map((_, i) => Math.max(...lines.map((line) => (line[i] ?? "").length)));
  return lines
    .map((line) =>
      line
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

export function asMarkdown(rows: readonly Row[]): string {
  const line = (of: readonly string[]) => `| ${of.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(HEAD), line(HEAD.map(() => "---")), ...rows.map((one) => line(cells(one)))].join("\n");
}

const TABLE = /(<!-- bench -->\n)[\s\S]*?(<!-- \/bench -->)/;

/** Between its two marks. @throws when the document has no such place */
export function writeReadme(path: string, table: string): void {
  const before = readFileSync(path, "utf8");
  if (!TABLE.test(before))
    throw new Error(`${path} has no place for the table: <!-- bench --> … <!-- /bench -->`);
  writeFileSync(
    path,
    before.replace(TABLE, (_, start: string, end: string) => `${start}\n${table}\n\n${end}`),
  );
}
