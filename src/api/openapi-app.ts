// The routes of apps, of RCMS and of everybody.

import * as z from "zod/mini";
import type { Answer, Operation } from "./openapi-operation.ts";
import { appAnswers } from "./responses.ts";
import * as ask from "./schemas.ts";

const plain = (description: string, body: z.ZodMiniType): Answer => ({
  description,
  body,
  headers: ["Cache-Control"],
});

const listHeaders = {
  headers: ["Cache-Control", "ETag", "Cache-Status"],
  sometimes: ["Age", "Mirror-As-Of", "Mirror-Bookmark"],
} as const;
const recordHeaders = {
  headers: ["Cache-Control", "ETag", "Cache-Status", "Age", "Mirror-As-Of", "Mirror-Seq"],
  sometimes: ["Last-Modified", "Mirror-Bookmark"],
} as const;
const feedHeaders = {
  headers: ["Cache-Control", "ETag", "Mirror-Seq"],
  sometimes: ["Mirror-Bookmark"],
} as const;
const held = "You hold it already.";
const list = (body: z.ZodMiniType) => ({
  200: { description: "A page.", body, ...listHeaders },
  304: { description: held, ...listHeaders },
});
const record = (body: z.ZodMiniType): Answer => ({ description: "The record.", body, ...recordHeaders });
const readRecord = (body: z.ZodMiniType) => ({
  200: record(body),
  304: { description: held, ...recordHeaders },
});

const recordRoute = { tag: "Records", access: "app", method: "get" } as const;
const oneRecord = {
  ...recordRoute,
  params: { id: ask.id },
  query: ask.noQuery,
  requestHeaders: [
    "If-None-Match",
    "If-Modified-Since",
    "Cache-Control",
    "Mirror-Min-Seq",
    "Mirror-Bookmark",
  ],
  errors: ["not_found", "upstream_unavailable", "gateway_timeout"],
  description: "A record the mirror has never held is fetched while you wait, for at most 3 s.",
} as const;
const page = "By `updated_at`, newest last, records without it first; deleted ones are left out.";

const document = {
  tag: "Public",
  access: "public",
  method: "get",
  requestHeaders: ["If-None-Match"],
} as const;
const unchanged: Answer = { description: held, headers: ["Cache-Control", "ETag"] };

export function appOperations(): readonly Operation[] {
  const out = appAnswers();
  // What RCMS sends. Only the bytes are looked at here; what they mean is decided once the signature is proven.
  const delivery = z
    .looseObject({
      id: z.string(),
      type: z.string(),
      created_at: z.string(),
      organization_id: z.optional(z.string()),
      data: z.looseObject({}),
    })
    .check(z.meta({ id: "RcmsDelivery", description: "An event as RCMS sends it." }));

  return [
    {
      ...recordRoute,
      path: "/v1/organizations",
      name: "listOrganizations",
      summary: "List organizations",
      description: page,
      query: ask.listQuery,
      requestHeaders: ["If-None-Match", "Mirror-Bookmark"],
      answers: list(out.organizationList),
    },
    {
      ...recordRoute,
      path: "/v1/staff",
      name: "listStaff",
      summary: "List staff",
      description: page,
      query: ask.listQuery,
      requestHeaders: ["If-None-Match", "Mirror-Bookmark"],
      answers: list(out.staffList),
    },
    {
      ...recordRoute,
      path: "/v1/clients",
      name: "listClients",
      summary: "List clients",
      description: page,
      query: ask.listQuery,
      requestHeaders: ["If-None-Match", "Mirror-Bookmark"],
      answers: list(out.clientList),
    },
    {
      ...oneRecord,
      path: "/v1/organizations/:id",
      name: "getOrganization",
      summary: "One organization",
      answers: readRecord(out.oneOrganization),
    },
    {
      method: "get",
      path: "/v1/changes",
      name: "followChanges",
      tag: "Changes",
      access: "app",
      summary: "What changed, in order",
      requestHeaders: ["If-None-Match", "Mirror-Bookmark"],
      query: ask.changesQuery,
      answers: {
        200: { description: "A page.", body: out.changeFeed, ...feedHeaders },
        304: { description: held, ...feedHeaders },
      },
    },
    {
      ...oneRecord,
      path: "/v1/staff/:id",
      name: "getStaffMember",
      summary: "One staff member",
      answers: readRecord(out.oneStaffMember),
    },
    {
      ...oneRecord,
      path: "/v1/clients/:id",
      name: "getClient",
      summary: "One client",
      answers: readRecord(out.oneClient),
    },
    {
      ...oneRecord,
      path: "/v1/clients/:id/assessment-status",
      name: "getAssessmentStatus",
      summary: "A client's scores",
      answers: readRecord(out.oneAssessmentStatus),
    },
    {
      method: "get",
      path: "/v1/reminders",
      name: "listReminders",
      tag: "Reminders",
      access: "app",
      summary: "List reminders",
      query: ask.reminderQuery,
      requestHeaders: ["If-None-Match"],
      answers: list(out.reminderList),
    },
    {
      method: "post",
      path: "/v1/reminders/:id/ack",
      name: "acknowledgeReminder",
      tag: "Reminders",
      access: "app",
      summary: "Acknowledge a reminder",
      description: "However often it is asked, it is acknowledged once.",
      params: { id: ask.id },
      query: ask.noQuery,
      answers: { 200: record(out.oneReminder) },
      errors: ["not_found"],
    },
    {
      method: "post",
      path: "/v1/logins",
      name: "login",
      tag: "Logins",
      access: "app",
      summary: "A user opens a client",
      description:
        "The first time, the client, its organization and its scores are hydrated; later calls do nothing and answer with the same id.",
      body: ask.newLogin,
      example: { user_id: "user-1", client_id: "client_1" },
      answers: {
        202: { description: "Queued.", body: out.oneBackfill },
        200: { description: "Asked for before.", body: out.oneBackfill },
      },
      errors: ["not_found", "upstream_unavailable", "gateway_timeout"],
    },
    {
      method: "get",
      path: "/v1/backfills/:id",
      name: "getBackfill",
      tag: "Logins",
      access: "app",
      summary: "How far a hydration is",
      params: { id: z.string() },
      query: ask.noQuery,
      answers: { 200: { description: "The hydration.", body: out.oneBackfill } },
      errors: ["not_found", "upstream_unavailable", "gateway_timeout"],
    },
    {
      method: "post",
      path: "/hooks/:connection",
      name: "receiveDelivery",
      tag: "Webhooks",
      access: "signature",
      summary: "A delivery of RCMS",
      description:
        "Answered as soon as it is queued. A duplicate, an event of unknown type and one we cannot use are accepted too.",
      params: { connection: ask.connection },
      requestHeaders: ["Content-Encoding"],
      body: delivery,
      example: {
        id: "evt_1",
        type: "client.updated",
        created_at: "2026-01-31T12:00:00Z",
        data: { client_id: "client_1" },
      },
      answers: { 202: { description: "Authentic, and queued.", body: out.received } },
      errors: ["signature_invalid", "not_found", "unsupported_media_type", "unavailable"],
    },
    {
      method: "get",
      path: "/healthz",
      name: "getHealth",
      tag: "Public",
      access: "public",
      summary: "Is the mirror working?",
      answers: { 200: plain("Statuses only; nobody is named.", out.health) },
    },
    {
      ...document,
      path: "/openapi.json",
      name: "getOpenApi",
      summary: "This document",
      answers: {
        200: {
          description: "OpenAPI 3.1.",
          body: out.openApi,
          headers: ["Cache-Control", "ETag", "X-Content-Type-Options"],
        },
        304: unchanged,
      },
    },
    {
      ...document,
      path: "/docs",
      name: "getDocs",
      summary: "This document, for people",
      answers: {
        200: {
          description: "A page without scripts.",
          mediaType: "text/html",
          headers: ["Cache-Control", "ETag", "X-Content-Type-Options", "Content-Security-Policy"],
        },
        304: unchanged,
      },
    },
  ];
}
