// One HTTP exchange as both listeners see it: the read request, the answer, and the error that becomes an answer.
// No routing here.

import { Buffer } from "node:buffer";
import type { IncomingMessage, ServerResponse } from "node:http";

// Far above anything a partner or an admin sends; it only keeps a runaway caller from filling memory.
const BODY_LIMIT_BYTES = 16 * 1024 * 1024;

export interface Exchange {
  method: string;
  path: string;
  params: URLSearchParams;
  /** `http://host:port` as the caller addressed us, so links lead back the same way. */
  origin: string;
  headers: IncomingMessage["headers"];
  body: string;
}

export interface Answer {
  status: number;
  headers?: Record<string, string>;
  body: string;
}

/** Becomes `{error:{code,message,field?}}`; `field` names what was wrong. */
export class ApiError extends Error {
  status: number;
  field: string | undefined;

  constructor(status: number, message: string, field?: string) {
    super(message);
    this.status = status;
    this.field = field;
  }
}

export async function readExchange(request: IncomingMessage): Promise<Exchange> {
  const host = request.headers.host ?? "127.0.0.1";
  const origin = `http://${host}`;
  const target = request.url ?? "/";
  const queryAt = target.indexOf("?");
  return {
    method: request.method ?? "GET",
    path: queryAt < 0 ? target : target.slice(0, queryAt),
    params: new URLSearchParams(queryAt < 0 ? "" : target.slice(queryAt + 1)),
    origin,
    headers: request.headers,
    body: await readBody(request),
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > BODY_LIMIT_BYTES) throw new ApiError(413, "body too large");
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** The body as a JSON object; an absent body reads as `{}`. */
export function jsonBody(exchange: Exchange): Record<string, unknown> {
  const parsed = parseJson(exchange.body === "" ? "{}" : exchange.body);
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    throw new ApiError(400, "body must be a JSON object", "body");
  return { ...parsed };
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError(400, "body is not JSON", "body");
  }
}

export function json(status: number, value: unknown): Answer {
  return { status, headers: { "Content-Type": "application/json" }, body: JSON.stringify(value) };
}

export function errorAnswer(error: unknown): Answer {
  if (!(error instanceof ApiError))
    return json(500, { error: { code: "internal", message: error instanceof Error ? error.message : "?" } });
  const { status, message, field } = error;
  return json(status, { error: { code: codes[status] ?? "error", message, ...(field ? { field } : {}) } });
}

const codes: Record<number, string> = {
  400: "invalid_request",
  401: "unauthorized",
  404: "not_found",
  405: "method_not_allowed",
  409: "conflict",
  413: "too_large",
  422: "refused",
  429: "rate_limited",
};

export function send(response: ServerResponse, answer: Answer, dateMs?: number): void {
  if (response.destroyed || response.writableEnded) return;
  if (dateMs !== undefined) response.setHeader("Date", new Date(dateMs).toUTCString());
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value);
  response.statusCode = answer.status;
  if (answer.status !== 204) response.setHeader("Content-Length", Buffer.byteLength(answer.body));
  response.end(answer.status === 204 ? undefined : answer.body);
}
