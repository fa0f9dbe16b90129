// Shapes of the answers to apps, for the OpenAPI document; a test holds every route's real answers against them. Nothing is
// validated against them at run time: a record's text goes out untouched.

import * as z from "zod/mini";
import { once } from "../core/once.ts";
import { REMINDER_STATUSES } from "../sync/reminders.ts";
import { ERROR_CODES } from "./errors.ts";
import { kind } from "./schemas.ts";

export const instant = z.iso.datetime().check(z.meta({ description: "ISO-8601, UTC." }));
export const count = z.int().check(z.minimum(0));
export const connectionStatus = z.enum(["connecting", "active", "degraded", "paused"]);

export const one = <S extends z.ZodMiniType>(name: string, data: S) =>
  z.strictObject({ data }).check(z.meta({ id: name }));

export const appAnswers = once(() => {
  const issue = z.strictObject({
    path: z
      .string()
      .check(z.meta({ description: "Where in the request, e.g. `limit` or `webhook.public_url`." })),
    message: z
      .string()
      .check(z.meta({ description: "What is wrong and what is expected; never the value." })),
  });

  const failure = z
    .strictObject({
      error: z.strictObject({
        code: z.enum(ERROR_CODES),
        message: z.string().check(z.meta({ description: "For a person; it may change." })),
        request_id: z.string().check(z.meta({ description: "The same as the header `X-Request-Id`." })),
        issues: z.optional(z.array(issue)),
      }),
    })
    .check(z.meta({ id: "Error" }));

  // RCMS documents these fields and may leave out or add others: whatever it sends goes through.
  const upstreamId = z.union([z.string(), z.number()]);
  const upstreamFields = {
    organization_id: z.nullish(upstreamId),
    status: z.nullish(z.string()),
    created_at: z.nullish(z.string()),
    updated_at: z.nullish(z.string()),
  };

  const upstreamRecord = (name: string, description: string) =>
    z.looseObject({ id: upstreamId, ...upstreamFields }).check(z.meta({ id: name, description }));

  const records = {
    organizations: upstreamRecord("Organization", "RCMS's own object, unknown fields included."),
    staff: upstreamRecord("StaffMember", "RCMS's own object, unknown fields included."),
    clients: upstreamRecord("Client", "RCMS's own object: one enrolment of a person."),
  };

  const assessmentStatus = z
    .looseObject({ client_id: z.optional(upstreamId), ...upstreamFields })
    .check(z.meta({ id: "AssessmentStatus", description: "RCMS's own object: a client's scores." }));

  const reminder = z
    .looseObject({
      id: z.string(),
      type: z.string().check(z.meta({ description: "`assessment.due_soon` or `assessment.overdue`." })),
      status: z.enum(REMINDER_STATUSES),
      organization_id: z.nullable(upstreamId),
      client_id: z.optional(upstreamId),
      created_at: instant,
      updated_at: instant,
      acknowledged_at: z.nullable(instant),
      closed_at: z.nullable(instant),
    })
    .check(z.meta({ id: "Reminder", description: "What the event said, and what became of it." }));

  const listMeta = z
    .strictObject({
      next_url: z
        .nullable(z.url())
        .check(z.meta({ description: "The next page, absolute; null on the last." })),
      as_of: z.nullable(instant).check(
        z.meta({
          description:
            "The instant up to which RCMS's changes are in the list; null before the kind's first sweep. Deletions are found by the verifier's round, which takes longer.",
        }),
      ),
      complete: z.boolean().check(
        z.meta({
          description: "Whether a rebuild has read the whole kind: before that, records may be missing.",
        }),
      ),
    })
    .check(z.meta({ id: "ListMeta" }));

  const list = <S extends z.ZodMiniType>(name: string, item: S) =>
    z.strictObject({ data: z.array(item), meta: listMeta }).check(z.meta({ id: name }));

  const organizationList = list("OrganizationList", records.organizations);
  const staffList = list("StaffList", records.staff);
  const clientList = list("ClientList", records.clients);
  const oneOrganization = one("OneOrganization", records.organizations);
  const oneStaffMember = one("OneStaffMember", records.staff);
  const oneClient = one("OneClient", records.clients);
  const oneAssessmentStatus = one("OneAssessmentStatus", assessmentStatus);
  const reminderList = list("ReminderList", reminder);
  const oneReminder = one("OneReminder", reminder);

  const change = z
    .strictObject({
      seq: count,
      kind,
      id: z.string(),
      op: z.enum(["upsert", "delete"]),
      updated_at: z.nullable(instant),
      as_of: instant,
      record: z
        .nullable(z.looseObject({}))
        .check(z.meta({ description: "RCMS's own object; null when it is deleted." })),
    })
    .check(z.meta({ id: "Change" }));

  const changeFeed = z
    .strictObject({
      data: z.array(change),
      meta: z.strictObject({
        next_after: count.check(z.meta({ description: "The next `after`, for ever." })),
        has_more: z.boolean(),
      }),
    })
    .check(z.meta({ id: "ChangeFeed" }));

  const oneBackfill = one(
    "OneBackfill",
    z.strictObject({
      id: z.string(),
      status: z.enum(["queued", "running", "done", "failed"]),
      reason: z.nullable(z.string()),
      created_at: instant,
      updated_at: instant,
    }),
  );

  const received = z.strictObject({ received: z.literal(true) }).check(z.meta({ id: "Received" }));

  const health = z
    .strictObject({
      status: z.enum(["ok", "degraded"]),
      connections: z.array(z.strictObject({ source: z.string(), status: connectionStatus })),
    })
    .check(z.meta({ id: "Health" }));

  const openApi = z
    .looseObject({ openapi: z.string().check(z.regex(/^3\.1\.\d+$/)) })
    .check(z.meta({ id: "OpenApi", description: "This document." }));

  return {
    failure,
    organizationList,
    staffList,
    clientList,
    oneOrganization,
    oneStaffMember,
    oneClient,
    oneAssessmentStatus,
    reminderList,
    oneReminder,
    changeFeed,
    oneBackfill,
    received,
    health,
    openApi,
  };
});
