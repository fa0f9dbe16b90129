// Answers given often: what is the same in all of them is made once. The platform copies a status and headers for
// half of what it takes to make new ones.

import { errorBody, type Refusal, statusOf } from "./errors.ts";

/** Their bodies and their requests' ids differ. */
export type Prepared = (body: string | Uint8Array, requestId: string) => Response;

export function prepared(status: number, headers: Readonly<Record<string, string>>): Prepared {
  const head = new Response(null, { status, headers });
  const own = head.headers;
  return (body, requestId) => {
    // Nothing can come between here and the copy: what is set is this answer's own.
    own.set("x-request-id", requestId);
    return new Response(body, head);
  };
}

/** As `errorAnswer`, but for the request's id. */
export function preparedError(error: Refusal): (requestId: string) => Response {
  const answer = prepared(statusOf(error.code), { ...error.headers, "content-type": "application/json" });
  const [before = "", after = ""] = JSON.stringify(errorBody(error, PLACE)).split(PLACE);
  return (requestId) => answer(`${before}${requestId}${after}`, requestId);
}

/** Where the id goes, which needs no escape. */
const PLACE = "{request_id}";
