// Structured log lines. Fields are ids of ours, counts and vocabulary; never a payload, name, key or secret.

import type { Log } from "../sync/ports.ts";

/** Lines of one event per window; a flood of rejected deliveries must not become a flood of logs. */
const LINES_PER_WINDOW = 20;
const WINDOW_MS = 10_000;

const windows = new Map<string, { startedAt: number; lines: number; suppressed: number }>();

export function createLog(now: () => number): Log {
  return (level, event, fields = {}) => {
    const at = now();
    let window = windows.get(event);
    if (window === undefined || at - window.startedAt >= WINDOW_MS) {
      const suppressed = window?.suppressed ?? 0;
      window = { startedAt: at, lines: 0, suppressed: 0 };
      windows.set(event, window);
      if (suppressed > 0)
        console.warn(JSON.stringify({ level: "warn", event, suppressed_lines: suppressed }));
    }
    if (++window.lines > LINES_PER_WINDOW) {
      window.suppressed++;
      return;
    }
    console[level](JSON.stringify({ level, event, ...fields }));
  };
}
