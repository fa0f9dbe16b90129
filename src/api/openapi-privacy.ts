// The operator's routes for privacy: purging, which fields are kept, who read what.

import type { Operation } from "./openapi-operation.ts";
import { privacyAnswers } from "./responses-privacy.ts";
import * as ask from "./schemas.ts";

const privacy = { access: "operator", tag: "Privacy" } as const;
const ofConnection = { params: { id: ask.connection }, errors: ["not_found"] } as const;

export function privacyOperations(): readonly Operation[] {
  const out = privacyAnswers();
  return [
    {
      ...privacy,
      method: "delete",
      path: "/admin/connections/:id/clients/:client_id",
      name: "purgeClient",
      summary: "Purge a client",
      description: "Removes its rows everywhere and keeps it out when late events arrive.",
      params: { id: ask.connection, client_id: ask.id },
      query: ask.noQuery,
      answers: { 200: { description: "What was removed.", body: out.purged } },
      errors: ["not_found"],
    },
    {
      ...privacy,
      ...ofConnection,
      method: "get",
      path: "/admin/connections/:id/fields",
      name: "getFields",
      summary: "Which fields are kept",
      query: ask.noQuery,
      answers: { 200: { description: "The lists.", body: out.fields } },
    },
    {
      ...privacy,
      ...ofConnection,
      method: "put",
      path: "/admin/connections/:id/fields",
      name: "changeFields",
      summary: "Change which fields are kept",
      description: "The whole list at once: a kind it does not name is no longer restricted.",
      body: ask.newFields,
      example: { fields: { clients: ["status", "updated_at"] } },
      answers: { 202: { description: "Ordered.", body: out.fieldsChanged } },
    },
    {
      ...privacy,
      method: "get",
      path: "/admin/access",
      name: "listAccess",
      summary: "Which key read what, newest first",
      query: ask.accessQuery,
      answers: { 200: { description: "Ids and counts, no content.", body: out.accessLog } },
    },
  ];
}
