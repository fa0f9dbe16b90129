// Where RCMS delivers, before the router or in it. The route only measures and forwards; what a delivery means is
// decided in sync/receive.ts, after its signature is proven.

import type { Hono } from "hono";
import { boundedBytes } from "../core/bounded.ts";
import { type ConnectionId, connectionId } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import type { Received } from "../sync/receive.ts";
import type { ApiDeps, AppEnv } from "./deps.ts";
import { ApiError, errorAnswer, refusalOf } from "./errors.ts";
import { prepared, preparedError } from "./prepared.ts";
import { requestIdOf } from "./request-id.ts";

type HookDeps = Pick<ApiDeps, "receive" | "log" | "newId">;

/** As nearly every delivery comes; an escape in the id, or another method, is left to the router. */
const PATH = /^https?:\/\/[^/?#]+\/hooks\/([^/?#%]+)(?:\?|$)/;

/** @returns undefined where the router has to answer */
export type Deliveries = (request: Request) => Promise<Response> | undefined;

/** The router's answer, byte for byte, for less: a flood of deliveries is what the worker has to stand. */
export function deliveries(deps: HookDeps): Deliveries {
  return (request) => {
    if (request.method !== "POST") return undefined;
    const named = PATH.exec(request.url)?.[1];
    if (named === undefined) return undefined;
    return answer(deps, named, request, requestIdOf(request.headers.get("x-request-id"), deps.newId));
  };
}

export function hooks(app: Hono<AppEnv>, deps: HookDeps): void {
  app.post("/hooks/:connection", (c) =>
    answer(deps, c.req.param("connection"), c.req.raw, c.get("requestId")),
  );
}

/** @returns 202 only once every event of the delivery is on the queue */
async function answer(deps: HookDeps, named: string, request: Request, requestId: string): Promise<Response> {
  const id = connectionId(named);
  if (id === undefined) return UNKNOWN(requestId);
  try {
    const { headers } = request;
    if (headers.has("content-encoding")) {
      throw new ApiError("unsupported_media_type", "send the body as it is, without Content-Encoding");
    }
    const body = await boundedBytes(request, limits.deliveryBytes);
    if (body === undefined) {
      throw new ApiError("payload_too_large", `a delivery may hold at most ${limits.deliveryBytes} bytes`);
    }
    const received = await deps.receive(id, { header: (name) => headers.get(name), body });
    return answerTo(deps, id, received)(requestId);
  } catch (error) {
    return errorAnswer(refusalOf(deps.log, error, requestId), requestId);
  }
}

/** What is answered, but for the request's id. */
type Answer = (requestId: string) => Response;

/** @throws ApiError for what no flood consists of */
function answerTo(deps: HookDeps, id: ConnectionId, received: Received): Answer {
  switch (received.result) {
    case "queued":
      return RECEIVED;
    case "unknown_connection":
      return UNKNOWN;
    case "rejected":
      // One answer for every reason: what exactly was wrong helps only who is guessing.
      deps.log("warn", "delivery_rejected", { connection: id, why: received.why });
      return FORGED;
    case "queue_refused":
      deps.log("error", "queue_refused", { connection: id });
      throw new ApiError("unavailable", "the delivery could not be queued; send it again", {
        headers: { "retry-after": "30" },
      });
  }
}

const accepted = prepared(202, { "content-type": "application/json" });
const RECEIVED: Answer = (requestId) => accepted('{"received":true}', requestId);
const UNKNOWN: Answer = preparedError({ code: "not_found", message: "there is no such connection" });
const FORGED: Answer = preparedError({
  code: "signature_invalid",
  message: "the signature of this delivery is not valid",
});
