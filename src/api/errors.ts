// Errors on the wire: `{error:{code,message,request_id,issues?}}`. Codes are stable, statuses come from one
// table, and the message of an error nobody expected never leaves the worker.

import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Log } from "../sync/ports.ts";

const STATUS = {
  invalid_request: 400,
  unauthorized: 401,
  signature_invalid: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  payload_too_large: 413,
  unsupported_media_type: 415,
  rate_limited: 429,
  internal: 500,
  bad_environment: 500,
  upstream_refused: 502,
  unavailable: 503,
  upstream_unavailable: 503,
  gateway_timeout: 504,
} as const satisfies Record<string, ContentfulStatusCode>;

export type ErrorCode = keyof typeof STATUS;

export const ERROR_CODES = Object.keys(STATUS) as [ErrorCode, ...ErrorCode[]];

export interface Issue {
  /** Where in the request, e.g. `webhook.public_url` or `limit`. */
  readonly path: string;
  /** What is wrong and what is expected; never the value. */
  readonly message: string;
}

/** What an error answers. Where it is the rule and not the exception, it is answered as it is: a throw is dear. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
  readonly issues?: readonly Issue[] | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

export class ApiError extends Error implements Refusal {
  override readonly name = "ApiError";
  readonly code: ErrorCode;
  readonly issues: readonly Issue[] | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: ErrorCode,
    message: string,
    more: { readonly issues?: readonly Issue[]; readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(message);
    this.code = code;
    this.issues = more.issues;
    this.headers = more.headers ?? {};
  }
}

export function errorBody(error: Refusal, requestId: string) {
  const { code, message, issues } = error;
  return { error: { code, message, request_id: requestId, ...(issues ? { issues } : {}) } };
}

export function statusOf(code: ErrorCode): ContentfulStatusCode {
  return STATUS[code];
}

export function errorResponse(c: Context, error: Refusal): Response {
  return c.json(errorBody(error, c.get("requestId")), statusOf(error.code), error.headers);
}

/** The same without a context: with the request's id in its header. */
export function errorAnswer(error: Refusal, requestId: string): Response {
  const headers = { ...error.headers, "x-request-id": requestId };
  return Response.json(errorBody(error, requestId), { status: statusOf(error.code), headers });
}

/** An unexpected error may carry anything: only its class is logged, and nothing of it is answered. */
export function refusalOf(log: Log, error: unknown, requestId: string): Refusal {
  if (error instanceof ApiError) return error;
  const name = error instanceof Error ? error.name : "unknown";
  log("error", "request_failed", { request_id: requestId, error: name });
  return {
    code: "internal",
    message: "something went wrong on our side; the request id finds it in the log",
  };
}

export const notFound = () => new ApiError("not_found", "there is nothing here, or not for this key");
