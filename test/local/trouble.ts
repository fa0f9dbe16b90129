// What a person is told when something cannot go on: one sentence, perhaps a few lines of a log, never a stack
// unless DEBUG=1 asks for it.

import { closeSync, openSync, readSync, statSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";

// The end of a log is enough to see why something died.
const TAIL_BYTES = 64 * 1024;
// A request that was answered, a batch that was taken: never why something died.
const REQUEST = /^\[wrangler:info\] ([A-Z]+ \/|QUEUE )/;

/** Its message is a sentence for the person at the terminal. */
export class Trouble extends Error {
  override readonly name = "Trouble";
  /** Shown below the sentence, indented. */
  readonly details: readonly string[];

  constructor(sentence: string, details: readonly string[] = []) {
    super(sentence);
    this.details = details;
  }
}

/** @param logPath where to read more, if there is a log */
export function tell(error: unknown, logPath?: string): void {
  const known = error instanceof Trouble;
  const sentence = error instanceof Error ? error.message : String(error);
  console.error(known ? sentence : `Something unexpected went wrong: ${sentence}`);
  if (known) for (const line of error.details) console.error(`    ${line}`);
  if (logPath !== undefined) console.error(`The worker's log: ${logPath}`);
  if (process.env.DEBUG === "1" && error instanceof Error) console.error(error.stack);
}

/** The last lines of a log that say something, without colours; none when there is no such file. */
export function lastLines(path: string, count = 12): string[] {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size === 0) return [];
  const file = openSync(path, "r");
  try {
    const bytes = Buffer.alloc(Math.min(size, TAIL_BYTES));
    readSync(file, bytes, 0, bytes.length, size - bytes.length);
    return lastLinesOf(bytes.toString(), count);
  } finally {
    closeSync(file);
  }
}

export function lastLinesOf(text: string, count = 12): string[] {
  return stripVTControlCharacters(text)
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line.trim() !== "" && !REQUEST.test(line))
    .slice(-count);
}
