// Where RCMS delivers. The route only measures and forwards; what a delivery means is decided in
// sync/receive.ts, after its signature is proven.

import type { Hono } from "hono";
import { boundedBytes } from "../core/bounded.ts";
import { connectionId } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import type { ApiDeps, AppEnv } from "./deps.ts";
import { ApiError, errorResponse } from "./errors.ts";

export function hooks(app: Hono<AppEnv>, deps: ApiDeps): void {
  app.post("/hooks/:connection", async (c) => {
    const id = connectionId(c.req.param("connection"));
    if (id === undefined) throw unknownConnection();
    if (c.req.header("content-encoding") !== undefined) {
      throw new ApiError("unsupported_media_type", "send the body as it is, without Content-Encoding");
    }
    const body = await boundedBytes(c.req.raw, limits.deliveryBytes);
    if (body === undefined) {
      throw new ApiError("payload_too_large", `a delivery may hold at most ${limits.deliveryBytes} bytes`);
    }

    const received = await deps.receive(id, { header: (name) => c.req.header(name) ?? null, body });
    switch (received.result) {
      case "queued":
        return c.json({ received: true }, 202);
      case "unknown_connection":
        throw unknownConnection();
      case "rejected":
        // One answer for every reason: what exactly was wrong helps only who is guessing.
        deps.log("warn", "delivery_rejected", { connection: id, why: received.why });
        return errorResponse(c, {
          code: "signature_invalid",
          message: "the signature of this delivery is not valid",
        });
      case "queue_refused":
        deps.log("error", "queue_refused", { connection: id });
        throw new ApiError("unavailable", "the delivery could not be queued; send it again", {
          headers: { "retry-after": "30" },
        });
    }
  });
}

function unknownConnection(): ApiError {
  return new ApiError("not_found", "there is no such connection");
}
