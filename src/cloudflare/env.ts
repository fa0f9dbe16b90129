// The environment, parsed once. A bad value stops every handler with one line that names the variable; a
// half-working worker would be worse.

import * as z from "zod/mini";
import { base64Bytes } from "../core/base64.ts";
import type { RecordWriter } from "./record-writer.ts";
import type { UpstreamGate } from "./upstream-gate.ts";

export interface Env {
  readonly DB: D1Database;
  readonly CURSORS: KVNamespace;
  readonly EVENTS: Queue;
  readonly JOBS: Queue;
  readonly DEAD_LETTERS: Queue;
  readonly ACCESS: Queue;
  readonly WRITERS: DurableObjectNamespace<RecordWriter>;
  readonly GATES: DurableObjectNamespace<UpstreamGate>;
  readonly READS: RateLimit;
  /** Secrets and vars: whatever was configured, until parsed. */
  readonly [name: string]: unknown;
}

const BINDINGS = ["DB", "CURSORS", "EVENTS", "JOBS", "DEAD_LETTERS", "ACCESS", "WRITERS", "GATES", "READS"];

/** A whole number, as the text wrangler passes. */
function whole(fallback: number, min: number, max: number) {
  const number = z.pipe(
    z.unknown(),
    z.transform((given, context): number => {
      const value = /^\d{1,9}$/.test(String(given)) ? Number(given) : Number.NaN;
      if (value >= min && value <= max) return value;
      const message = `must be a whole number from ${min} to ${max}`;
      context.issues.push({ code: "custom", message, input: undefined });
      return z.NEVER;
    }),
  );
  return z._default(number, fallback);
}

const sealingKey = z.pipe(
  z.string({ error: "is required: base64 of 32 random bytes, e.g. `openssl rand -base64 32`" }),
  z.transform((text, context) => {
    const bytes = base64Bytes(text);
    if (bytes?.length === 32) return bytes;
    context.issues.push({ code: "custom", message: "must be base64 of exactly 32 bytes", input: undefined });
    return z.NEVER;
  }),
);

const schema = z.object({
  ADMIN_TOKEN: z
    .string({ error: "is required: a secret of at least 24 characters" })
    .check(z.minLength(24, "must be at least 24 characters long")),
  SEALING_KEY: sealingKey,
  SEALING_KEY_PREVIOUS: z.optional(sealingKey),
  SWEEP_INTERVAL_MINUTES: whole(15, 1, 1_440),
  SWEEP_OVERLAP_SECONDS: whole(120, 0, 86_400),
  SWEEP_PAGES_PER_RUN: whole(50, 1, 1_000),
  SILENCE_HOURS: whole(6, 1, 8_760),
  VERIFY_PER_SWEEP: whole(25, 0, 1_000),
  UPSTREAM_PER_MINUTE: whole(120, 1, 100_000),
  UPSTREAM_BURST: whole(30, 1, 100_000),
  RECORD_TTL_SECONDS: whole(1_800, 1, 31_536_000),
  L1_TTL_SECONDS: whole(2, 0, 3_600),
  LEDGER_HOURS: whole(72, 48, 8_760),
  ACCESS_LOG_DAYS: whole(90, 0, 3_650),
  ACCESS_WINDOW_MS: whole(500, 0, 5_000),
  WRITER_SHARDS: whole(16, 1, 256),
  ALLOW_HTTP_UPSTREAM: z.pipe(
    z._default(z.enum(["true", "false"], { error: 'must be "true" or "false"' }), "false"),
    z.transform((text) => text === "true"),
  ),
});

export type Settings = z.infer<typeof schema>;

export class BadEnvironment extends Error {
  override readonly name = "BadEnvironment";
}

/** @throws BadEnvironment naming the first variable that is wrong; never its value */
export function parseSettings(env: Readonly<Record<string, unknown>>): Settings {
  const missing = BINDINGS.find((name) => env[name] === undefined);
  if (missing !== undefined) {
    throw new BadEnvironment(`${missing} is not bound: wrangler.toml must declare the binding ${missing}`);
  }
  const parsed = schema.safeParse(env);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new BadEnvironment(`${String(issue?.path[0])} ${issue?.message}`);
}
