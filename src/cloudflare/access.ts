// The access log at the rim: its messages, and the table they end in.

import * as z from "zod/mini";
import { connectionId, KINDS, recordId } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import type { Log } from "../sync/ports.ts";
import type { AccessEntry, AccessStore } from "../sync/privacy-stores.ts";
import { branded } from "./messages.ts";

const ACTIONS = ["read", "list", "changes", "ack", "login", "backfill", "other"] as const;

const message = z.object({
  access: z
    .array(
      z.object({
        id: z.string().check(z.regex(/^\d{13}-[A-Za-z0-9-]{1,64}$/)),
        connection: branded(connectionId, "a connection id"),
        at: z.int(),
        keyId: z.string().check(z.maxLength(64)),
        action: z.enum(ACTIONS),
        kind: z.optional(z.enum(KINDS)),
        recordId: z.optional(branded(recordId, "a record id")),
        records: z.optional(z.int()),
        status: z.int(),
      }),
    )
    .check(z.maxLength(limits.accessEntries)),
});

export const isAccessMessage = (body: unknown): boolean =>
  typeof body === "object" && body !== null && "access" in body;

/** One message per batch of entries. */
export async function sendAccess(queue: Queue, batches: readonly (readonly AccessEntry[])[]): Promise<void> {
  for (const access of batches) await queue.send({ access });
}

/** A batch is one statement, its entries of one minute one row. What fails comes back whole: added twice is told once. */
export async function keepAccess(
  { access, log }: { readonly access: AccessStore; readonly log: Log },
  messages: readonly Message[],
): Promise<void> {
  const entries = messages.flatMap(({ body }): readonly AccessEntry[] => {
    const parsed = message.safeParse(body);
    if (parsed.success) return parsed.data.access;
    log("error", "message_unreadable", { queue: "access" });
    return [];
  });
  try {
    await access.add(entries);
    for (const one of messages) one.ack();
  } catch {
    log("error", "batch_failed", { queue: "access", messages: messages.length });
    for (const one of messages) one.retry({ delaySeconds: retrySeconds(one.attempts) });
  }
}

const retrySeconds = (attempts: number) =>
  Math.min(limits.retryBaseSeconds * 2 ** Math.min(attempts, 10), limits.retryCapSeconds);
