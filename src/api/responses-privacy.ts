// Shapes of the answers to what the operator orders for privacy's sake.

import * as z from "zod/mini";
import { ACTIONS } from "../core/access.ts";
import { once } from "../core/once.ts";
import { count, instant, one } from "./responses.ts";
import { kind } from "./schemas.ts";

export const privacyAnswers = once(() => {
  const purged = one(
    "Purged",
    z.strictObject({
      client_id: z.string(),
      suppressed_ids: z
        .array(z.string())
        .check(z.meta({ description: "Every id it was known by: kept out from now on." })),
      removed: z.record(z.string(), count).check(z.meta({ description: "Rows removed per table." })),
    }),
  );

  const fieldLists = z
    .partialRecord(kind, z.array(z.string()))
    .check(z.meta({ description: "Per kind the fields kept beside `id`; a kind left out keeps all." }));

  const fields = one(
    "Fields",
    z.strictObject({
      id: z.string(),
      fields: fieldLists,
      pending: z.array(kind).check(z.meta({ description: "Kinds whose records are still being minimised." })),
    }),
  );

  const fieldsChanged = one(
    "FieldsChanged",
    z.strictObject({
      id: z.string(),
      fields: fieldLists,
      narrowed: z.array(kind).check(z.meta({ description: "What is held is being minimised." })),
      widened: z.array(kind).check(z.meta({ description: "What was never kept comes back with a rebuild." })),
    }),
  );

  const accessLog = z
    .strictObject({
      data: z.array(
        z.strictObject({
          id: z.string(),
          at: instant,
          connection: z.string(),
          key: z.string().check(z.meta({ description: "The key's id, never the key." })),
          action: z.enum(ACTIONS),
          kind: z.nullable(kind),
          record_id: z.nullable(z.string()),
          records: z.nullable(count).check(z.meta({ description: "How many, of a list." })),
          status: z.int(),
        }),
      ),
      meta: z.strictObject({ next_before: z.nullable(z.string()) }),
    })
    .check(z.meta({ id: "AccessLog" }));

  return { purged, fields, fieldsChanged, accessLog };
});
