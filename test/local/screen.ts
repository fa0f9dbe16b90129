// How it looks. Plain lines everywhere; colours and one line that redraws itself only on a terminal. `styleText`
// leaves colours out where the stream, NO_COLOR or the terminal says so.

import { clearLine, cursorTo } from "node:readline";
import { styleText } from "node:util";

type Style = Parameters<typeof styleText>[0];

const FIRST_WORD_MS = 1_000;
const NEXT_WORD_MS = 5_000;

const { stdout } = process;
const isTerminal = stdout.isTTY === true && process.env.TERM !== "dumb";

export function paint(style: Style, text: string): string {
  return styleText(style, text, { stream: stdout });
}

let live = "";

/** Prints a line above the live one. */
export function line(text = ""): void {
  eraseLive();
  stdout.write(`${text}\n`);
  drawLive();
}

/** Shows a dim line that is replaced by the next; nothing where lines cannot be redrawn. */
export function setLive(text: string): void {
  if (!isTerminal) return;
  eraseLive();
  live = text;
  drawLive();
}

/** Columns; what is not a terminal wraps nothing. */
export function width(): number {
  return isTerminal ? (stdout.columns ?? 80) : 1_000;
}

export function canRedraw(): boolean {
  return isTerminal;
}

/**
 * Does something that may take a while, and says so: on a terminal with the seconds counting, elsewhere with a
 * line after one second and then every five.
 */
export async function during<T>(doing: string, work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  let nextWord = FIRST_WORD_MS;
  const tick = () => {
    const ms = performance.now() - began;
    const text = `  … ${doing}${ms < FIRST_WORD_MS ? "" : ` (${Math.floor(ms / 1000)} s)`}`;
    if (isTerminal) return setLive(text);
    if (ms < nextWord) return;
    line(text);
    nextWord = ms + NEXT_WORD_MS;
  };
  tick();
  const timer = setInterval(tick, 200);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    setLive("");
  }
}

/** `  ✓ label   text` */
export function done(label: string, text: string): void {
  line(`  ${paint("green", "✓")} ${label.padEnd(12)} ${text}`);
}

export function heading(text: string): void {
  line(paint("bold", text));
}

function eraseLive(): void {
  if (live === "") return;
  cursorTo(stdout, 0);
  clearLine(stdout, 0);
}

function drawLive(): void {
  if (live === "") return;
  // A line that wraps could not be erased.
  stdout.write(paint("dim", live.slice(0, width() - 1)));
}
