// The public API's routes under /v1: lists and single records here, webhooks next door. Answers what is true for
// this key; faults and idempotency wrap it.

import { withoutAlias } from "./events.ts";
import { type Answer, ApiError, type Exchange, errorAnswer, json } from "./exchange.ts";
import { type ApiKey, sees } from "./keys.ts";
import type { NetworkParts } from "./network.ts";
import { pageOf } from "./paging.ts";
import type { Kind } from "./records.ts";
import { render } from "./render.ts";
import { answerWebhooks } from "./webhook-routes.ts";

export function answerApi(parts: NetworkParts, key: ApiKey, exchange: Exchange): Answer {
  try {
    return route(parts, key, exchange);
  } catch (error) {
    return errorAnswer(error);
  }
}

function route(parts: NetworkParts, key: ApiKey, exchange: Exchange): Answer {
  const [root, head, id, tail, ...rest] = exchange.path.slice(1).split("/").map(decoded);
  if (root !== "v1" || rest.length > 0) throw notFound();
  if (head === "webhooks") return answerWebhooks(parts, key, exchange, id, tail);
  if (head !== "organizations" && head !== "staff" && head !== "clients") throw notFound();
  if (tail !== undefined && (head !== "clients" || tail !== "assessment-status")) throw notFound();
  if (exchange.method !== "GET") throw new ApiError(405, "only GET here");
  if (id === undefined) return list(parts, key, exchange, head);
  return single(parts, key, tail === undefined ? head : "assessment-status", id);
}

function list({ core, records }: NetworkParts, key: ApiKey, exchange: Exchange, kind: Kind): Answer {
  const visible = records.allReadable(kind).filter((fields) => sees(key.scope, kind, fields));
  const page = pageOf(visible, exchange, core.settings);
  const data = page.fields.map((fields) => render(kind, fields, core.settings));
  return json(200, { data, meta: { next_url: page.nextUrl } });
}

const SINGLE_SETTINGS = {
  organizations: "organizations_single",
  staff: "staff_single",
  clients: "clients_single",
  "assessment-status": "assessment_status_single",
} as const;

function single({ core, records }: NetworkParts, key: ApiKey, kind: Kind, id: string): Answer {
  const mode = core.settings[SINGLE_SETTINGS[kind]];
  if (mode === "405") throw new ApiError(405, "no single reads of this kind");
  const fields = mode === "404" ? null : records.readable(kind, withoutAlias(id));
  // What a key may not see is answered exactly like what is not there.
  if (fields === null || !sees(key.scope, kind, fields)) throw notFound();
  const record = render(kind, fields, core.settings);
  return json(200, core.settings.single_envelope === "data" ? { data: record } : record);
}

export function notFound(): ApiError {
  return new ApiError(404, "not found");
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new ApiError(400, "the path is not properly encoded", "path");
  }
}
