// All that leaves a worker under test other than by its intended way: log lines, errors, queue messages, the URLs RCMS
// is asked for. Loaded before every test file inside workerd; after each test it is searched for what is private.
// The shared fixtures carry the marks, so every test of the suite is one of this, too.

import { afterEach, beforeEach, expect } from "vitest";

/** In every fixture's private places: names, notes, what RCMS says beside the records, reasons of its errors. */
export const CANARY = "cAnArY";

/** What opens something, by its look: app keys, signing secrets, signatures, tokens and keys of the fixtures. */
const SECRET = /rmk_[\w-]{20,}|whsec_\w|v1=[0-9a-f]{8}|canary-(?:admin-token|upstream-key)|AAECAwQFBgcICQ/;

interface Left {
  readonly by: string;
  readonly text: string;
}

const left: Left[] = [];
const LEVELS = ["log", "debug", "info", "warn", "error", "trace"] as const;

export function leaves(by: string, said: unknown): void {
  left.push({ by, text: typeof said === "string" ? said : (JSON.stringify(said) ?? "") });
}

export function leaks(): string[] {
  return left.splice(0).flatMap(({ by, text }) => {
    // The payload of a reminder rides along: its event is the record. No secret does.
    const carries = by === "queue" && text.includes('"is":"record"');
    const found = SECRET.exec(text)?.[0] ?? (!carries && text.includes(CANARY) ? CANARY : undefined);
    return found === undefined ? [] : [`${by}: ${found} in ${text.slice(0, 300)}`];
  });
}

beforeEach(() => void left.splice(0));
afterEach(() => expect(leaks()).toEqual([]));

// Beneath whatever spies a test puts over them; those of each-test.ts tell of what they hold back.
for (const level of LEVELS) {
  const speak = console[level].bind(console);
  console[level] = (...args: unknown[]) => {
    for (const arg of args) leaves(`console.${level}`, arg);
    speak(...args);
  };
}
