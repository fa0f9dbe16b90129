// One HTTP POST with a time limit, over kept-alive connections. Never follows a redirect, never throws.

import { Buffer } from "node:buffer";
import { Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { Timers } from "./timers.ts";

/** The response's status, or null when there was none (refused, cut, timed out). */
export type Post = (
  url: string,
  headers: Record<string, string>,
  body: string,
  limitMs: number,
) => Promise<number | null>;

export function createPost(timers: Timers): { post: Post; close(): void } {
  const http = new HttpAgent({ keepAlive: true });
  // A receiver on this machine has a self-signed certificate at best.
  const https = new HttpsAgent({ keepAlive: true, rejectUnauthorized: false });

  function once(url: string, headers: Record<string, string>, body: string, limitMs: number) {
    return new Promise<number | "stale" | null>((resolve) => {
      const secure = url.startsWith("https:");
      const options = { method: "POST", agent: secure ? https : http, headers: withLength(headers, body) };
      const request = secure ? httpsRequest(url, options) : httpRequest(url, options);
      const cancelLimit = timers.after(limitMs, () => request.destroy(new Error("time limit")));
      const settle = (result: number | "stale" | null) => {
        cancelLimit();
        resolve(result);
      };
      request.on("response", (response) => {
        response.on("error", () => {});
        response.resume();
        settle(response.statusCode ?? null);
      });
      request.on("error", (error: Error & { code?: string }) =>
        // The receiver closed an idle connection just as it was reused: it never saw this delivery.
        settle(request.reusedSocket && error.code === "ECONNRESET" ? "stale" : null),
      );
      request.end(body);
    });
  }

  return {
    async post(url, headers, body, limitMs) {
      const first = await once(url, headers, body, limitMs);
      if (first !== "stale") return first;
      const second = await once(url, headers, body, limitMs);
      return second === "stale" ? null : second;
    },
    close() {
      http.destroy();
      https.destroy();
    },
  };
}

function withLength(headers: Record<string, string>, body: string): Record<string, string> {
  return { ...headers, "Content-Length": String(Buffer.byteLength(body)) };
}
