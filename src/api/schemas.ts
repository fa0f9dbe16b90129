// Shapes of requests. What a schema does not name is refused.

import { z } from "zod";
import { connectionId, KINDS, recordId } from "../core/ids.ts";
import { parseInstant } from "../core/instant.ts";
import { limits } from "../core/limits.ts";
import { decodePosition } from "../core/page-cursor.ts";
import { REMINDER_STATUSES } from "../sync/reminders.ts";

function parsed<T>(parse: (text: string) => T | undefined, message: string) {
  return z.string({ error: message }).transform((text, context): T => {
    const value = parse(text);
    if (value !== undefined) return value;
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  });
}

const connection = parsed(connectionId, "must be a connection id: ^[a-z0-9][a-z0-9-]{0,31}$");
const id = parsed(recordId, "must be an id: ^[A-Za-z0-9_-]{1,64}$");
const kind = z.enum(KINDS, { error: `must be one of ${KINDS.join(", ")}` });
const instant = parsed(parseInstant, "must be an ISO-8601 instant, e.g. 2026-01-31T12:00:00Z");

function rows(max: number, fallback: number) {
  const message = `must be a whole number from 1 to ${max}`;
  return z
    .string()
    .regex(/^\d{1,6}$/, message)
    .transform(Number)
    .pipe(z.number().min(1, message).max(max, message))
    .default(fallback);
}

const page = {
  limit: rows(limits.pageRows, limits.pageRowsDefault),
  cursor: parsed(decodePosition, "is not a cursor of this list").optional(),
};

export const listQuery = z.strictObject({
  ...page,
  updated_after: instant.optional(),
  organization_id: id.optional(),
  status: z.string().min(1).max(64).optional(),
});

export const reminderQuery = z.strictObject({
  ...page,
  status: z.enum(REMINDER_STATUSES, { error: `must be one of ${REMINDER_STATUSES.join(", ")}` }).optional(),
});

export const noQuery = z.strictObject({});

/** An absolute http(s) URL without credentials, query or fragment; https is checked by the route. */
const plainUrl = parsed((text) => {
  if (text.length > 512 || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const plain = url.username === "" && url.password === "" && url.search === "" && url.hash === "";
  return plain && /^https?:$/.test(url.protocol)
    ? `${url.origin}${url.pathname}`.replace(/\/+$/, "")
    : undefined;
}, "must be an absolute URL without credentials, query or fragment");

// Visible ASCII: anything else could not travel in a header or would not be what was copied.
const secretText = z.string().regex(/^[\x21-\x7e]{8,256}$/, "must be 8 to 256 visible ASCII characters");

/** Per kind, what may be kept; a kind without a list keeps everything. */
const fieldLists = z.partialRecord(kind, z.array(z.string().min(1).max(128)).max(256));

export const newConnection = z.strictObject({
  id: connection,
  source: z.literal("rcms", { error: 'must be "rcms"' }),
  base_url: plainUrl,
  api_key: secretText,
  webhook: z.union(
    [
      z.strictObject({
        public_url: plainUrl,
        events: z.array(z.string().min(1).max(64)).min(1).max(64).optional(),
      }),
      z.strictObject({ signing_secret: secretText, webhook_id: id.optional() }),
    ],
    { error: "must be {public_url, events?} or {signing_secret, webhook_id?}" },
  ),
  fields: fieldLists.default({}),
});

export const newFields = z.strictObject({ fields: fieldLists });

export const newSecret = z.strictObject({ signing_secret: secretText });

export const resumption = z.strictObject({ api_key: secretText.optional() });

export const removal = z.strictObject({
  force: z.enum(["true", "false"], { error: 'must be "true" or "false"' }).default("false"),
});

// A partner's own id of its user: opaque, never shown again.
const userId = z.string().min(1, "must not be empty").max(128, "may be at most 128 characters long");

export const newLogin = z.strictObject({ user_id: userId, client_id: id });

export const kindsOrder = z.strictObject({
  kinds: z
    .array(
      z.enum(["organizations", "staff", "clients", "assessment-status"], {
        error: "must be kinds that are swept",
      }),
    )
    .min(1)
    .optional(),
});

export const newKey = z.strictObject({
  connection,
  name: z.string().min(1).max(128),
  organizations: z.array(id).min(1).max(1_000).optional(),
  kinds: z.array(kind).min(1).optional(),
  expires_at: instant.optional(),
});

export const ledgerQuery = z.strictObject({
  connection: connection.optional(),
  outcome: z
    .string()
    .regex(/^[a-z_]{1,32}$/, "must be an outcome, e.g. update")
    .optional(),
  limit: rows(limits.operatorRows, limits.pageRowsDefault),
});

export const accessQuery = z.strictObject({
  connection: connection.optional(),
  key: z.string().min(1).max(64).optional(),
  before: z
    .string()
    .regex(/^\d{13}-[A-Za-z0-9-]{1,64}$/, "must be an entry's id")
    .optional(),
  limit: rows(limits.operatorRows, limits.pageRowsDefault),
});

export const deadLetterQuery = z.strictObject({
  connection: connection.optional(),
  limit: rows(limits.operatorRows, limits.pageRowsDefault),
});
