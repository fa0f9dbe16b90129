// Before and after each test inside workerd: the schema, a clock that only the test moves, and no network.

import { afterEach, beforeAll, beforeEach, type Mock, vi } from "vitest";
import { migrate } from "./bindings.ts";
import { leaves } from "./outlets.ts";

let logs: Mock<(line: string) => void>[] = [];

/** What was logged since the last call, in whichever level, without the level. */
export const logged = (): string[] =>
  logs.flatMap((log) => {
    const lines = log.mock.calls.flat();
    log.mockClear();
    return lines;
  });

export const NOW = Date.parse("2026-11-01T12:00:00.000Z");

/** Registers the hooks of a test file. */
export function isolateTests(): void {
  beforeAll(migrate);
  beforeEach(() => {
    // Only the clock: timers, and with them the runtime's own waits, stay real.
    vi.useFakeTimers({ toFake: ["Date"], now: NOW });
    logs = (["info", "warn", "error"] as const).map((level) =>
      vi.spyOn(console, level).mockImplementation((line: string) => leaves(`console.${level}`, line)),
    );
    vi.spyOn(globalThis, "fetch").mockRejectedValue(new TypeError("this test has no network"));
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });
}

export const passSeconds = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1_000);

export const ago = (seconds: number) => new Date(Date.now() - seconds * 1_000).toISOString();
