// Queue messages at the boundary: parsed, not trusted. They may have been sent by an older version.

import * as z from "zod/mini";
import { connectionId, eventId, KINDS, type RecordId, recordId } from "../core/ids.ts";
import type { JsonObject } from "../core/json.ts";
import { once } from "../core/once.ts";
import type { EventMessage, JobMessage } from "../sync/messages.ts";

/** An id at the boundary, by the one check of core/ids.ts. */
export function branded<T>(parse: (value: unknown) => T | undefined, what: string) {
  return z.pipe(
    z.unknown(),
    z.transform((value, context): T => {
      const parsed = parse(value);
      if (parsed !== undefined) return parsed;
      context.issues.push({ code: "custom", message: `is not ${what}`, input: value });
      return z.NEVER;
    }),
  );
}

const schemas = once(() => {
  const connection = branded(connectionId, "a connection id");
  const ref = z.object({ kind: z.enum(KINDS), id: branded(recordId, "a record id") });
  const organizationId = z.optional(branded<RecordId>(recordId, "an organization id"));
  const instant = z.int();

  const event = z.object({
    connection,
    eventId: branded(eventId, "an event id"),
    type: z.string().check(z.maxLength(64)),
    createdAt: z.optional(instant),
    receivedAt: instant,
    organizationId,
    what: z.discriminatedUnion("is", [
      z.object({
        is: z.literal("changed"),
        ref,
        assessmentTaken: z.optional(z.literal(true)),
        readmitted: z.optional(z.literal(true)),
      }),
      z.object({
        is: z.literal("record"),
        ref,
        payload: z.custom<JsonObject>((value) => value instanceof Object),
      }),
      z.object({ is: z.literal("test") }),
      z.object({ is: z.literal("unknown"), why: z.enum(["type", "envelope"]) }),
    ]),
  });

  const job = z.discriminatedUnion("job", [
    z.object({ job: z.literal("look"), connection, ref, organizationId }),
    z.object({ job: z.literal("replay"), connection, parkedBefore: instant }),
    z.object({ job: z.literal("backfill"), connection, backfill: z.string().check(z.maxLength(64)) }),
    z.object({ job: z.literal("rebuild"), connection }),
    z.object({ job: z.literal("minimise"), connection }),
    z.object({ job: z.literal("guard"), connection }),
    z.object({
      job: z.literal("sweep"),
      connection,
      kinds: z.array(z.enum([...KINDS, "verify"])),
      failures: z.optional(z.int().check(z.minimum(0))),
    }),
  ]);
  return { event, job };
});

/** @throws when the message is not one of ours */
export const parseEventMessage = (message: unknown): EventMessage => schemas().event.parse(message);

/** @throws when the message is not one of ours */
export const parseJobMessage = (message: unknown): JobMessage => schemas().job.parse(message);
