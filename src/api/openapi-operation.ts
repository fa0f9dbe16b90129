// The words in which routes are described: one operation per route, as data. What follows from its authentication,
// query and body (401, 400, 413 …) is worked out in openapi.ts and never listed by hand.

import type * as z from "zod/mini";
import type { ErrorCode } from "./errors.ts";

export const TAGS = {
  Records: "What is mirrored, in RCMS's own words, paths and envelope.",
  Changes: "Every record once, at its latest change: followed from 0 it rebuilds what the key may see.",
  Reminders: "RCMS reminds nobody of clients your own key created: these are yours to deliver.",
  Logins: "Hydrates one client when one of your users first opens it.",
  Webhooks: "Where RCMS delivers.",
  Public: "For everybody, without a key.",
  Connections: "The operator's: upstream accounts.",
  Work: "The operator's: sweeps, rebuilds, RCMS's delivery log.",
  Privacy: "The operator's: purging a client, which fields are kept, who read what.",
  Keys: "The operator's: keys for apps.",
  Ledger: "The operator's: what became of events.",
} as const;

export type Tag = keyof typeof TAGS;

export const SECURITY = {
  app: {
    type: "http",
    scheme: "bearer",
    description: "An app's key, `rmk_…`: it sees its connection, its organizations and its kinds.",
  },
  operator: { type: "http", scheme: "bearer", description: "The operator's `ADMIN_TOKEN`." },
  signature: {
    type: "apiKey",
    in: "header",
    name: "X-RCMS-Signature",
    description:
      "`t=<unix seconds>,v1=<hex>`: HMAC-SHA256 of `<t>.<raw body>` under the webhook's signing secret; at most 300 s old.",
  },
} as const;

export type Access = keyof typeof SECURITY | "public";

export const HEADERS = {
  "X-Request-Id": {
    description: "Finds the request in the log; yours is kept if you send one.",
    example: "0f8c…",
  },
  "Cache-Control": {
    description: "Answers for one key are `private`; nothing is stored unasked.",
    example: "private, no-cache",
  },
  "Last-Modified": {
    description: "The record's own `updated_at`, where RCMS gives one.",
    example: "Sat, 31 Jan 2026 12:00:00 GMT",
  },
  Age: { description: "Seconds since the answer is known to equal RCMS's.", example: "42" },
  "Cache-Status": {
    description: "RFC 9211: where the copy came from, and why it was fetched if it was.",
    example: "rcms-mirror; hit; ttl=1758",
  },
  ETag: { description: "Changes with the content.", example: '"5d41402abc4b2a76"' },
  "Mirror-As-Of": {
    description:
      "ISO-8601: the copy is known to equal RCMS's at this instant. Deletions are vouched for by the verifier's round alone.",
    example: "2026-01-31T12:00:00.000Z",
  },
  "Mirror-Seq": { description: "The record's place in the change feed.", example: "4711" },
  "Mirror-Bookmark": {
    description:
      "The answer came from a copy of the database; sent with the next request, its answer is no older. Absent: keep the one you have.",
    example: "0000007b-0000b26e-00001538-0c3e87bb37b3db5cc52eedb93cd3b96b",
  },
  "Retry-After": { description: "Seconds to wait.", example: "5" },
  Allow: { description: "The methods this path has.", example: "GET, HEAD" },
  "WWW-Authenticate": { description: "Always `Bearer`.", example: "Bearer" },
  "X-Content-Type-Options": { description: "Always `nosniff`.", example: "nosniff" },
  "Content-Security-Policy": {
    description: "Nothing but the page's own style.",
    example: "default-src 'none'",
  },
} as const;

export type HeaderName = keyof typeof HEADERS;

export const REQUEST_HEADERS = {
  "If-None-Match": "An `ETag` you hold: 304 while it is still the one.",
  "If-Modified-Since": "A `Last-Modified` you hold; `If-None-Match` decides alone where both are given.",
  "Cache-Control":
    "`no-cache`, `max-age`, `max-stale` and `only-if-cached` mean what RFC 9111 says; `only-if-cached` on a miss is a 504.",
  "Mirror-Min-Seq":
    "A `Mirror-Seq` you have seen: no copy older than that is served from an isolate's memory.",
  "Mirror-Bookmark":
    "A copy of the database near you will do, if it has come as far as this bookmark of an earlier answer; `any` to begin with.",
  "Content-Encoding": "Must be absent: the signature is over the bytes as they are.",
} as const;

export type RequestHeaderName = keyof typeof REQUEST_HEADERS;

export interface Answer {
  readonly description: string;
  /** A JSON answer's shape. Absent: no JSON body. */
  readonly body?: z.ZodMiniType;
  /** A body that is no JSON. */
  readonly mediaType?: string;
  /** Beside `X-Request-Id`, which every answer has. */
  readonly headers?: readonly HeaderName[];
  /** Those it has only where there is something to say. */
  readonly sometimes?: readonly HeaderName[];
}

export interface Operation {
  readonly method: "get" | "post" | "put" | "delete";
  /** As the router has it: `/v1/clients/:id`. */
  readonly path: string;
  /** `operationId`. */
  readonly name: string;
  readonly tag: Tag;
  readonly access: Access;
  readonly summary: string;
  readonly description?: string;
  readonly params?: Readonly<Record<string, z.ZodMiniType>>;
  readonly requestHeaders?: readonly RequestHeaderName[];
  /** Present: every parameter it does not name is refused. */
  readonly query?: z.ZodMiniObject;
  readonly body?: z.ZodMiniType;
  /** What a good body looks like; sent by the example. */
  readonly example?: unknown;
  readonly answers: Readonly<Record<number, Answer>>;
  /** Beside those that follow from the rest. */
  readonly errors?: readonly ErrorCode[];
}

/** What each error means and what to do about it. */
export const ERRORS: Readonly<
  Record<ErrorCode, { readonly means: string; readonly headers?: HeaderName[] }>
> = {
  invalid_request: { means: "`issues` says which parameter or field, and what it must be." },
  unauthorized: {
    means: "The key is missing, wrong, expired or revoked.",
    headers: ["WWW-Authenticate"],
  },
  signature_invalid: { means: "The signature does not match; the worker's log has the reason." },
  forbidden: { means: "The key was not made for this kind." },
  not_found: { means: "It does not exist, or is not yours: the two are answered alike." },
  method_not_allowed: { means: "The path has other methods.", headers: ["Allow"] },
  conflict: { means: "A connection of this id exists." },
  payload_too_large: { means: "The body is larger than it may be." },
  unsupported_media_type: { means: "Send the body as it is, without `Content-Encoding`." },
  rate_limited: { means: "Too many requests with this key.", headers: ["Retry-After"] },
  internal: { means: "A fault of ours; the request id finds it in the log." },
  bad_environment: { means: "The worker is not set up; the message names the variable." },
  upstream_refused: { means: "RCMS refused; the message says how it answered." },
  unavailable: { means: "The queue did not accept; send it again.", headers: ["Retry-After"] },
  upstream_unavailable: {
    means: "Not mirrored yet, and RCMS does not answer in time; try again.",
    headers: ["Retry-After"],
  },
  gateway_timeout: { means: "`only-if-cached` was asked of something that is not held." },
};
