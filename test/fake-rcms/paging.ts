// Lists: the query a caller may send, the three ways of cutting a list into pages, and the opaque cursor between them.

import { Buffer } from "node:buffer";
import { ApiError, type Exchange } from "./exchange.ts";
import type { Fields } from "./records.ts";
import { shownUpdatedAt } from "./render.ts";
import type { Settings } from "./settings.ts";

const LARGEST_PAGE = 200;

interface ListQuery {
  updatedAfterMs: number | null;
  organizationId: string | null;
  status: string | null;
  limit: number;
  cursor: Cursor | null;
}

type Cursor =
  | { style: "time"; at: number; id: string }
  | { style: "id"; id: string }
  | { style: "offset"; skip: number };

interface Row {
  fields: Fields;
  at: number;
  id: string;
}

export interface Page {
  fields: Fields[];
  nextUrl: string | null;
}

export function pageOf(all: Fields[], exchange: Exchange, settings: Settings): Page {
  const query = parseListQuery(exchange.params, settings);
  const rows = all
    .map((fields) => ({ fields, at: shownUpdatedAt(fields, settings), id: String(fields.id) }))
    .filter((row) => matches(row, query) && isAfter(row, query.cursor))
    .sort(settings.paging === "id" ? (a, b) => compareIds(a.id, b.id) : compareRows);
  const skip = query.cursor?.style === "offset" ? query.cursor.skip : 0;
  const page = rows.slice(skip, skip + query.limit);
  const more = rows.length > skip + page.length;
  const next = more ? cursorAfter(page.at(-1), skip + page.length, settings) : null;
  return {
    fields: page.map((row) => row.fields),
    nextUrl: settings.hostile_next_url ?? (next === null ? null : nextUrl(exchange, next, settings)),
  };
}

function parseListQuery(params: URLSearchParams, settings: Settings): ListQuery {
  const updatedAfter = params.get("updated_after");
  const limit = params.get("limit");
  if (limit !== null && !/^[1-9]\d{0,5}$/.test(limit))
    throw new ApiError(400, "limit must be a whole number from 1", "limit");
  const cursor = params.get(settings.cursor_param);
  return {
    updatedAfterMs: updatedAfter === null ? null : parseInstant(updatedAfter),
    organizationId: params.get("organization_id"),
    status: params.get("status"),
    limit: Math.min(limit === null ? settings.page_size : Number(limit), LARGEST_PAGE),
    cursor: cursor === null ? null : parseCursor(cursor, settings),
  };
}

const INSTANT = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?)?$/;

function parseInstant(text: string): number {
  // A time without an offset is read as UTC; Date.parse alone would take this machine's zone.
  const bare = /T[^Z+-]*$/.test(text);
  const at = INSTANT.test(text) ? Date.parse(bare ? `${text}Z` : text) : Number.NaN;
  if (Number.isNaN(at)) throw new ApiError(400, "updated_after must be an ISO-8601 time", "updated_after");
  return at;
}

function matches(row: Row, query: ListQuery): boolean {
  const { fields } = row;
  if (query.updatedAfterMs !== null && row.at < query.updatedAfterMs) return false;
  if (query.status !== null && fields.status !== query.status) return false;
  if (query.organizationId === null) return true;
  return String(fields.organization_id ?? fields.id) === query.organizationId;
}

function isAfter(row: Row, cursor: Cursor | null): boolean {
  if (cursor === null || cursor.style === "offset") return true;
  if (cursor.style === "id") return compareIds(row.id, cursor.id) > 0;
  return row.at > cursor.at || (row.at === cursor.at && compareIds(row.id, cursor.id) > 0);
}

function compareRows(a: Row, b: Row): number {
  return a.at - b.at || compareIds(a.id, b.id);
}

function compareIds(a: string, b: string): number {
  if (/^\d+$/.test(a) && /^\d+$/.test(b)) return Number(a) - Number(b);
  return a < b ? -1 : a > b ? 1 : 0;
}

function cursorAfter(last: Row | undefined, skip: number, settings: Settings): Cursor | null {
  if (last === undefined) return null;
  if (settings.paging === "offset") return { style: "offset", skip };
  return settings.paging === "id"
    ? { style: "id", id: last.id }
    : { style: "time", at: last.at, id: last.id };
}

function nextUrl(exchange: Exchange, cursor: Cursor, settings: Settings): string {
  const params = new URLSearchParams(exchange.params);
  params.set(settings.cursor_param, Buffer.from(JSON.stringify(cursor)).toString("base64url"));
  return `${exchange.origin}${exchange.path}?${params}`;
}

function parseCursor(text: string, settings: Settings): Cursor {
  const cursor = decodedCursor(text);
  if (cursor === null || cursor.style !== settings.paging)
    throw new ApiError(400, `${settings.cursor_param} is not a cursor of this list`, settings.cursor_param);
  return cursor;
}

function decodedCursor(text: string): Cursor | null {
  let raw: unknown;
  try {
    raw = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
  } catch {
    return null;
  }
  if (typeof raw !== "object" || raw === null) return null;
  const { style, at, id, skip }: Fields = { ...raw };
  if (style === "time" && typeof at === "number" && typeof id === "string") return { style, at, id };
  if (style === "id" && typeof id === "string") return { style, id };
  if (style === "offset" && Number.isInteger(skip) && Number(skip) >= 0) return { style, skip: Number(skip) };
  return null;
}
