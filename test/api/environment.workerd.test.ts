// A bad environment stops every handler with one line that names the variable, never its value.

import { createScheduledController } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import worker from "../../src/index.ts";
import { isolateTests, logged } from "../support/each-test.ts";
import { expectError } from "../support/errors.ts";
import { createMirror } from "../support/mirror.ts";

isolateTests();

const SHORT_KEY = "c2hvcnQtc2VjcmV0";

const bad: readonly (readonly [name: string, value: unknown])[] = [
  ["ADMIN_TOKEN", undefined],
  ["ADMIN_TOKEN", "too-short-secret"],
  ["ADMIN_TOKEN", 123_456_789_012_345],
  ["SEALING_KEY", undefined],
  ["SEALING_KEY", ""],
  ["SEALING_KEY", SHORT_KEY],
  ["SEALING_KEY", "not base64 at all! secret"],
  ["SEALING_KEY_PREVIOUS", SHORT_KEY],
  ["SWEEP_INTERVAL_MINUTES", "0"],
  ["SWEEP_INTERVAL_MINUTES", "soon"],
  ["SWEEP_OVERLAP_SECONDS", "-1"],
  ["SWEEP_PAGES_PER_RUN", "1.5"],
  ["VERIFY_PER_SWEEP", ""],
  ["UPSTREAM_PER_MINUTE", "0"],
  ["UPSTREAM_BURST", "1e3"],
  ["RECORD_TTL_SECONDS", "0"],
  ["L1_TTL_SECONDS", "NaN"],
  ["LEDGER_HOURS", "47"],
  ["WRITER_SHARDS", "257"],
  ["WRITER_SHARDS", " 16"],
  ["ALLOW_HTTP_UPSTREAM", "yes"],
  ["ALLOW_HTTP_UPSTREAM", true],
  ["DB", undefined],
  ["CURSORS", undefined],
  ["EVENTS", undefined],
  ["JOBS", undefined],
  ["DEAD_LETTERS", undefined],
  ["ACCESS", undefined],
  ["ACCESS_LOG_DAYS", "-1"],
  ["ACCESS_WINDOW_MS", "5001"],
  ["WRITERS", undefined],
  ["GATES", undefined],
];

describe("the environment", () => {
  it.each(bad)("EN1 %s = %j stops HTTP, queue and cron with one line that names it", async (name, value) => {
    const mirror = createMirror({ [name]: value });
    for (const path of ["/healthz", "/v1/clients", "/hooks/rcms", "/nowhere"]) {
      const error = await expectError(await mirror.fetch(path), 500, "bad_environment");
      expect(error.message.split(/[\s:]/)[0]).toBe(name);
      expect(logged()).toEqual([error.message]);
      if (typeof value === "string" && value.length > 4) expect(error.message).not.toContain(value);
    }

    const message = { body: {} };
    // The messages wait for whoever mends it, without using up their retries meanwhile.
    expect(await mirror.consume("mirror-events", [message])).toEqual([[{ retry: 900 }]]);
    expect(logged()).toEqual([expect.stringContaining(name)]);

    const controller = createScheduledController({ cron: "*/15 * * * *" });
    const scheduled = Promise.resolve(worker.scheduled(controller, mirror.env));
    await expect(scheduled).rejects.toThrow(name);
    expect(logged()).toEqual([expect.stringContaining(name)]);
  });

  it("EN1 a good environment starts with its required values alone", async () => {
    const optional = { ALLOW_HTTP_UPSTREAM: undefined, SEALING_KEY_PREVIOUS: undefined };
    expect((await createMirror(optional).fetch("/healthz")).status).toBe(200);
  });

  it("EN1 numbers may come as numbers, and bounds are inclusive", async () => {
    const edges = { WRITER_SHARDS: 256, LEDGER_HOURS: "48", L1_TTL_SECONDS: "0", VERIFY_PER_SWEEP: 0 };
    expect((await createMirror(edges).fetch("/healthz")).status).toBe(200);
  });
});
