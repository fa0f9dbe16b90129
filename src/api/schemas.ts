// Shapes of requests. What a schema does not name is refused. The OpenAPI document is made from the same schemas:
// what a transform hides from it (the text that comes in) is stated beside the transform.

import * as z from "zod";
import { CONNECTION_ID, connectionId, KINDS, RECORD_ID, recordId } from "../core/ids.ts";
import { ISO_INSTANT, parseInstant } from "../core/instant.ts";
import { limits } from "../core/limits.ts";
import { decodePosition } from "../core/page-cursor.ts";
import { REMINDER_STATUSES } from "../sync/reminders.ts";

/** @param described the text that comes in, as JSON Schema */
function parsed<T>(
  parse: (text: string) => T | undefined,
  message: string,
  described: { readonly description: string; readonly [keyword: string]: unknown },
) {
  return z
    .string({ error: message })
    .meta(described)
    .transform((text, context): T => {
      const value = parse(text);
      if (value !== undefined) return value;
      context.addIssue({ code: "custom", message });
      return z.NEVER;
    });
}

export const connection = parsed(connectionId, `must be a connection id: ${CONNECTION_ID.source}`, {
  description: "A connection's id.",
  pattern: CONNECTION_ID.source,
});
export const id = parsed(recordId, `must be an id: ${RECORD_ID.source}`, {
  description: "An id as RCMS gives it: opaque.",
  pattern: RECORD_ID.source,
});
export const kind = z.enum(KINDS, { error: `must be one of ${KINDS.join(", ")}` }).meta({ id: "Kind" });
const instant = parsed(parseInstant, "must be an ISO-8601 instant, e.g. 2026-01-31T12:00:00Z", {
  description: "An ISO-8601 date or date-time; without a zone it is UTC.",
  pattern: ISO_INSTANT.source,
});

function rows(max: number, fallback: number) {
  const read = (text: string) => (/^\d{1,6}$/.test(text) ? Number(text) : 0);
  return parsed(
    (text) => (read(text) >= 1 && read(text) <= max ? read(text) : undefined),
    `must be a whole number from 1 to ${max}`,
    { description: "How many at most.", type: "integer", minimum: 1, maximum: max, default: fallback },
  ).default(fallback);
}

const page = {
  limit: rows(limits.pageRows, limits.pageRowsDefault),
  cursor: parsed(decodePosition, "is not a cursor of this list", {
    description: "Where the page begins: taken from `next_url`, never made up.",
    pattern: "^[A-Za-z0-9_-]{1,256}$",
  }).optional(),
};

export const listQuery = z.strictObject({
  ...page,
  updated_after: instant
    .optional()
    .meta({ description: "Only what changed at or after this ISO-8601 instant." }),
  organization_id: id.optional().meta({ description: "Only records of this organization." }),
  status: z.string().min(1).max(64).optional().meta({ description: "Only records of this status." }),
});

/** A whole number from 0, as text. */
function count(max: number, fallback: number, description: string) {
  return parsed(
    (text) => (/^\d{1,16}$/.test(text) && Number(text) <= max ? Number(text) : undefined),
    `must be a whole number from 0 to ${max}`,
    { description, type: "integer", minimum: 0, maximum: max, default: fallback },
  ).default(fallback);
}

export const changesQuery = z.strictObject({
  after: count(
    Number.MAX_SAFE_INTEGER,
    0,
    "Only what came after this `seq`: `meta.next_after` of the page before.",
  ),
  limit: page.limit,
  kinds: z
    .string()
    .meta({ description: "Only these kinds, with commas between: `clients,staff`." })
    .transform((text) => text.split(","))
    .pipe(z.array(kind))
    .optional(),
  wait: count(limits.changesWaitSeconds, 0, "Seconds to wait for something to say while there is nothing."),
});

export const reminderQuery = z.strictObject({
  ...page,
  status: z
    .enum(REMINDER_STATUSES, { error: `must be one of ${REMINDER_STATUSES.join(", ")}` })
    .optional()
    .meta({ description: "Only reminders of this status." }),
});

export const noQuery = z.strictObject({});

/** An absolute http(s) URL without credentials, query or fragment; https is checked by the route. */
const plainUrl = parsed(
  (text) => {
    if (text.length > 512 || !URL.canParse(text)) return undefined;
    const url = new URL(text);
    const plain = url.username === "" && url.password === "" && url.search === "" && url.hash === "";
    return plain && /^https?:$/.test(url.protocol)
      ? `${url.origin}${url.pathname}`.replace(/\/+$/, "")
      : undefined;
  },
  "must be an absolute URL without credentials, query or fragment",
  {
    description: "An absolute https URL without credentials, query or fragment.",
    format: "uri",
    maxLength: 512,
  },
);

// Visible ASCII: anything else could not travel in a header or would not be what was copied.
const secretText = z.string().regex(/^[\x21-\x7e]{8,256}$/, "must be 8 to 256 visible ASCII characters");

const fieldLists = z
  .partialRecord(kind, z.array(z.string().min(1).max(128)).max(256))
  .meta({ description: "Per kind the fields to keep beside `id`; a kind left out keeps all." });

export const newConnection = z
  .strictObject({
    id: connection,
    source: z.literal("rcms", { error: 'must be "rcms"' }),
    base_url: plainUrl,
    api_key: secretText.meta({ description: "The upstream's API key: sealed, never shown." }),
    webhook: z.union(
      [
        z
          .strictObject({
            public_url: plainUrl,
            events: z.array(z.string().min(1).max(64)).min(1).max(64).optional(),
          })
          .meta({
            description: "The worker registers `<public_url>/hooks/<id>` itself, for all events or these.",
          }),
        z
          .strictObject({ signing_secret: secretText, webhook_id: id.optional() })
          .meta({ description: "A webhook registered by hand." }),
      ],
      { error: "must be {public_url, events?} or {signing_secret, webhook_id?}" },
    ),
    fields: fieldLists.default({}),
  })
  .meta({ id: "NewConnection" });

export const newFields = z.strictObject({ fields: fieldLists }).meta({ id: "NewFields" });

export const newSecret = z.strictObject({ signing_secret: secretText }).meta({ id: "NewSecret" });

export const resumption = z
  .strictObject({
    api_key: secretText.optional().meta({ description: "Replaces the key that RCMS no longer accepts." }),
  })
  .meta({ id: "Resumption" });

export const removal = z.strictObject({
  force: z
    .enum(["true", "false"], { error: 'must be "true" or "false"' })
    .default("false")
    .meta({ description: "Let go even if RCMS cannot be reached; its webhook then stays behind." }),
});

// A partner's own id of its user: opaque, never shown again.
const userId = z
  .string()
  .min(1, "must not be empty")
  .max(128, "may be at most 128 characters long")
  .meta({ description: "Your own id of the user: opaque, never shown again." });

export const newLogin = z.strictObject({ user_id: userId, client_id: id }).meta({ id: "NewLogin" });

export const kindsOrder = z
  .strictObject({
    kinds: z
      .array(
        z.enum(["organizations", "staff", "clients", "assessment-status"], {
          error: "must be kinds that are swept",
        }),
      )
      .min(1)
      .optional()
      .meta({ description: "These kinds; all that are swept when left out." }),
  })
  .meta({ id: "KindsOrder" });

export const newKey = z
  .strictObject({
    connection,
    name: z.string().min(1).max(128),
    organizations: z
      .array(id)
      .min(1)
      .max(1_000)
      .optional()
      .meta({ description: "It sees only these organizations." }),
    kinds: z.array(kind).min(1).optional().meta({ description: "It sees only these kinds." }),
    expires_at: instant.optional(),
  })
  .meta({ id: "NewKey" });

export const ledgerQuery = z.strictObject({
  connection: connection.optional(),
  outcome: z
    .string()
    .regex(/^[a-z_]{1,32}$/, "must be an outcome, e.g. update")
    .optional()
    .meta({ description: "Only events of this outcome." }),
  limit: rows(limits.operatorRows, limits.pageRowsDefault),
});

export const accessQuery = z.strictObject({
  connection: connection.optional(),
  key: z.string().min(1).max(64).optional().meta({ description: "Only reads with this key, by its id." }),
  before: z
    .string()
    .regex(/^\d{13}-[A-Za-z0-9-]{1,64}$/, "must be an entry's id")
    .optional()
    .meta({ description: "Only entries older than this one: `meta.next_before` of the page before." }),
  limit: rows(limits.operatorRows, limits.pageRowsDefault),
});

export const deadLetterQuery = z.strictObject({
  connection: connection.optional(),
  limit: rows(limits.operatorRows, limits.pageRowsDefault),
});
