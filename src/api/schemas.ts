// Shapes of requests. What a schema does not name is refused. The OpenAPI document is made from the same schemas:
// what a transform hides from it (the text that comes in) is stated beside the transform.

import { en } from "zod/locales";
import * as z from "zod/mini";
import { CONNECTION_ID, connectionId, KINDS, RECORD_ID, recordId } from "../core/ids.ts";
import { ISO_INSTANT, parseInstant } from "../core/instant.ts";
import { limits } from "../core/limits.ts";
import { decodePosition } from "../core/page-cursor.ts";
import { REMINDER_STATUSES } from "../sync/reminders.ts";

// What is wrong is told in words, and these are the only ones that zod brings along.
z.config(en());

/** @param described the text that comes in, as JSON Schema */
function parsed<T>(
  parse: (text: string) => T | undefined,
  message: string,
  described: { readonly description: string; readonly [keyword: string]: unknown },
) {
  return z.pipe(
    z.string({ error: message }).check(z.meta(described)),
    z.transform((text, context): T => {
      const value = parse(text);
      if (value !== undefined) return value;
      context.issues.push({ code: "custom", message, input: text });
      return z.NEVER;
    }),
  );
}

export const connection = parsed(connectionId, `must be a connection id: ${CONNECTION_ID.source}`, {
  description: "A connection's id.",
  pattern: CONNECTION_ID.source,
});
export const id = parsed(recordId, `must be an id: ${RECORD_ID.source}`, {
  description: "An id as RCMS gives it: opaque.",
  pattern: RECORD_ID.source,
});
export const kind = z
  .enum(KINDS, { error: `must be one of ${KINDS.join(", ")}` })
  .check(z.meta({ id: "Kind" }));
const instant = parsed(parseInstant, "must be an ISO-8601 instant, e.g. 2026-01-31T12:00:00Z", {
  description: "An ISO-8601 date or date-time; without a zone it is UTC.",
  pattern: ISO_INSTANT.source,
});

function rows(max: number, fallback: number) {
  const read = (text: string) => (/^\d{1,6}$/.test(text) ? Number(text) : 0);
  return z._default(
    parsed(
      (text) => (read(text) >= 1 && read(text) <= max ? read(text) : undefined),
      `must be a whole number from 1 to ${max}`,
      { description: "How many at most.", type: "integer", minimum: 1, maximum: max, default: fallback },
    ),
    fallback,
  );
}

const page = {
  limit: rows(limits.pageRows, limits.pageRowsDefault),
  cursor: z.optional(
    parsed(decodePosition, "is not a cursor of this list", {
      description: "Where the page begins: taken from `next_url`, never made up.",
      pattern: "^[A-Za-z0-9_-]{1,256}$",
    }),
  ),
};

export const listQuery = z.strictObject({
  ...page,
  updated_after: z
    .optional(instant)
    .check(z.meta({ description: "Only what changed at or after this ISO-8601 instant." })),
  organization_id: z.optional(id).check(z.meta({ description: "Only records of this organization." })),
  status: z
    .optional(z.string().check(z.minLength(1), z.maxLength(64)))
    .check(z.meta({ description: "Only records of this status." })),
});

/** A whole number from 0, as text. */
function count(max: number, fallback: number, description: string) {
  return z._default(
    parsed(
      (text) => (/^\d{1,16}$/.test(text) && Number(text) <= max ? Number(text) : undefined),
      `must be a whole number from 0 to ${max}`,
      { description, type: "integer", minimum: 0, maximum: max, default: fallback },
    ),
    fallback,
  );
}

export const changesQuery = z.strictObject({
  after: count(
    Number.MAX_SAFE_INTEGER,
    0,
    "Only what came after this `seq`: `meta.next_after` of the page before.",
  ),
  limit: page.limit,
  kinds: z.optional(
    z.pipe(
      z.pipe(
        z.string().check(z.meta({ description: "Only these kinds, with commas between: `clients,staff`." })),
        z.transform((text) => text.split(",")),
      ),
      z.array(kind),
    ),
  ),
  wait: count(limits.changesWaitSeconds, 0, "Seconds to wait for something to say while there is nothing."),
});

export const reminderQuery = z.strictObject({
  ...page,
  status: z
    .optional(z.enum(REMINDER_STATUSES, { error: `must be one of ${REMINDER_STATUSES.join(", ")}` }))
    .check(z.meta({ description: "Only reminders of this status." })),
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
const secretText = z
  .string()
  .check(z.regex(/^[\x21-\x7e]{8,256}$/, "must be 8 to 256 visible ASCII characters"));

const fieldLists = z
  .partialRecord(kind, z.array(z.string().check(z.minLength(1), z.maxLength(128))).check(z.maxLength(256)))
  .check(z.meta({ description: "Per kind the fields to keep beside `id`; a kind left out keeps all." }));

export const newConnection = z
  .strictObject({
    id: connection,
    source: z.literal("rcms", { error: 'must be "rcms"' }),
    base_url: plainUrl,
    api_key: secretText.check(z.meta({ description: "The upstream's API key: sealed, never shown." })),
    webhook: z.union(
      [
        z
          .strictObject({
            public_url: plainUrl,
            events: z.optional(
              z
                .array(z.string().check(z.minLength(1), z.maxLength(64)))
                .check(z.minLength(1), z.maxLength(64)),
            ),
          })
          .check(
            z.meta({
              description: "The worker registers `<public_url>/hooks/<id>` itself, for all events or these.",
            }),
          ),
        z
          .strictObject({ signing_secret: secretText, webhook_id: z.optional(id) })
          .check(z.meta({ description: "A webhook registered by hand." })),
      ],
      { error: "must be {public_url, events?} or {signing_secret, webhook_id?}" },
    ),
    fields: z._default(fieldLists, {}),
  })
  .check(z.meta({ id: "NewConnection" }));

export const newFields = z.strictObject({ fields: fieldLists }).check(z.meta({ id: "NewFields" }));

export const newSecret = z.strictObject({ signing_secret: secretText }).check(z.meta({ id: "NewSecret" }));

export const resumption = z
  .strictObject({
    api_key: z
      .optional(secretText)
      .check(z.meta({ description: "Replaces the key that RCMS no longer accepts." })),
  })
  .check(z.meta({ id: "Resumption" }));

export const removal = z.strictObject({
  force: z
    ._default(z.enum(["true", "false"], { error: 'must be "true" or "false"' }), "false")
    .check(z.meta({ description: "Let go even if RCMS cannot be reached; its webhook then stays behind." })),
});

// A partner's own id of its user: opaque, never shown again.
const userId = z
  .string()
  .check(z.minLength(1, "must not be empty"), z.maxLength(128, "may be at most 128 characters long"))
  .check(z.meta({ description: "Your own id of the user: opaque, never shown again." }));

export const newLogin = z.strictObject({ user_id: userId, client_id: id }).check(z.meta({ id: "NewLogin" }));

export const kindsOrder = z
  .strictObject({
    kinds: z
      .optional(
        z
          .array(
            z.enum(["organizations", "staff", "clients", "assessment-status"], {
              error: "must be kinds that are swept",
            }),
          )
          .check(z.minLength(1)),
      )
      .check(z.meta({ description: "These kinds; all that are swept when left out." })),
  })
  .check(z.meta({ id: "KindsOrder" }));

export const newKey = z
  .strictObject({
    connection,
    name: z.string().check(z.minLength(1), z.maxLength(128)),
    organizations: z
      .optional(z.array(id).check(z.minLength(1), z.maxLength(1_000)))
      .check(z.meta({ description: "It sees only these organizations." })),
    kinds: z
      .optional(z.array(kind).check(z.minLength(1)))
      .check(z.meta({ description: "It sees only these kinds." })),
    expires_at: z.optional(instant),
  })
  .check(z.meta({ id: "NewKey" }));

export const ledgerQuery = z.strictObject({
  connection: z.optional(connection),
  outcome: z
    .optional(z.string().check(z.regex(/^[a-z_]{1,32}$/, "must be an outcome, e.g. update")))
    .check(z.meta({ description: "Only events of this outcome." })),
  limit: rows(limits.operatorRows, limits.pageRowsDefault),
});

export const accessQuery = z.strictObject({
  connection: z.optional(connection),
  key: z
    .optional(z.string().check(z.minLength(1), z.maxLength(64)))
    .check(z.meta({ description: "Only reads with this key, by its id." })),
  before: z
    .optional(z.string().check(z.regex(/^\d{13}-[A-Za-z0-9-]{1,64}$/, "must be an entry's id")))
    .check(
      z.meta({ description: "Only entries older than this one: `meta.next_before` of the page before." }),
    ),
  limit: rows(limits.operatorRows, limits.pageRowsDefault),
});

export const deadLetterQuery = z.strictObject({
  connection: z.optional(connection),
  limit: rows(limits.operatorRows, limits.pageRowsDefault),
});
