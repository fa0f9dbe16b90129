// Waiting for what comes about in other processes: by looking, never by sleeping a while and hoping.

import { vi } from "vitest";

// Far beyond what anything here takes, because the machine may be busy with something else entirely.
const PATIENCE_MS = 90_000;
const LOOK_EVERY_MS = 50;

/** Repeats `look` until it does not throw; then gives what it returned. */
export function eventually<T>(look: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(look, { timeout: PATIENCE_MS, interval: LOOK_EVERY_MS });
}
