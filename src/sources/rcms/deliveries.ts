// RCMS's log of its own deliveries: the last 100 of a webhook, with status, attempts and times.

import type { Result } from "../../core/failure.ts";
import { eventId, recordId } from "../../core/ids.ts";
import { parseInstant } from "../../core/instant.ts";
import { isJsonObject, type Json, property } from "../../core/json.ts";
import { badAnswer, type DeliveryEntry, type DeliveryLog, type Send } from "../source.ts";

export async function readDeliveries(send: Send, webhookId: string): Promise<Result<DeliveryLog>> {
  const id = recordId(webhookId);
  if (id === undefined) return badAnswer("shape");
  const reply = await send({ method: "GET", target: `/webhooks/${id}/deliveries` });
  if (!reply.ok) return reply;
  const { status, json } = reply.value;
  if (status === 404 || status === 410) return { ok: true, value: { webhook: "missing" } };
  if (status >= 400) return { ok: false, failure: { kind: "refused", status } };
  const rows = isJsonObject(json) ? property(json, "data") : undefined;
  if (!Array.isArray(rows)) return badAnswer("shape");
  const entries = (rows as readonly Json[]).flatMap(readEntry);
  // The newest first, whatever order they came in.
  entries.sort((a, b) => (b.at ?? 0) - (a.at ?? 0));
  const webhook = isDisabled(await send({ method: "GET", target: `/webhooks/${id}` })) ? "disabled" : "known";
  return { ok: true, value: { webhook, entries: entries.map(({ at: _, ...entry }) => entry) } };
}

function readEntry(row: Json): (DeliveryEntry & { readonly at: number | undefined })[] {
  if (!isJsonObject(row)) return [];
  const id = eventId(property(row, "event_id"));
  const type = property(row, "event_type");
  const said = String(property(row, "status"));
  const attempts = property(row, "attempt_count");
  const createdAt = parseInstant(property(row, "created_at"));
  return [
    {
      type: typeof type === "string" && /^[a-z_.]{1,64}$/.test(type) ? type : "unreadable",
      status:
        said === "delivered" || said === "succeeded" ? "delivered" : said === "failed" ? "failed" : "pending",
      attempts: typeof attempts === "number" ? attempts : 0,
      at: parseInstant(property(row, "last_attempt_at")) ?? createdAt,
      ...(id === undefined ? {} : { eventId: id }),
      ...(createdAt === undefined ? {} : { createdAt }),
    },
  ];
}

/** RCMS does not document reading a webhook; where it answers, its status is the plainest sign. */
function isDisabled(reply: Awaited<ReturnType<Send>>): boolean {
  if (!reply.ok || !isJsonObject(reply.value.json)) return false;
  const data = property(reply.value.json, "data");
  return isJsonObject(data) && property(data, "status") === "disabled";
}
