// What a network was asked: one row per API request, without keys or bodies, and the most requests ever in flight
// at once per path.

import { Buffer } from "node:buffer";
import type { Exchange } from "./exchange.ts";
import { keyPrefix } from "./keys.ts";

const KEPT = 50_000;

export interface LoggedRequest {
  at: string;
  method: string;
  /** With its query. */
  path: string;
  /** null while unanswered; 0 when the connection ended without an answer. */
  status: number | null;
  key_prefix: string;
  body_size: "none" | "under_1k" | "under_64k" | "larger";
}

export interface RequestLog {
  /** The returned function notes the end; only its first call counts. */
  begin(exchange: Exchange, key: string, atMs: number): (status: number) => void;
  read(): { requests: LoggedRequest[]; in_flight_max: Record<string, number> };
  clear(): void;
}

export function createRequestLog(): RequestLog {
  let requests: LoggedRequest[] = [];
  let most = new Map<string, number>();
  const inFlight = new Map<string, number>();

  return {
    begin(exchange, key, atMs) {
      const { method, path } = exchange;
      const query = exchange.params.toString();
      const row: LoggedRequest = {
        at: new Date(atMs).toISOString(),
        method,
        path: query === "" ? path : `${path}?${query}`,
        status: null,
        key_prefix: keyPrefix(key),
        body_size: sizeOf(exchange.body),
      };
      requests.push(row);
      if (requests.length > 2 * KEPT) requests = requests.slice(-KEPT);
      const now = (inFlight.get(path) ?? 0) + 1;
      inFlight.set(path, now);
      most.set(path, Math.max(most.get(path) ?? 0, now));
      return (status) => {
        if (row.status !== null) return;
        row.status = status;
        inFlight.set(path, (inFlight.get(path) ?? 1) - 1);
      };
    },
    read: () => ({ requests: structuredClone(requests), in_flight_max: Object.fromEntries(most) }),
    clear() {
      requests = [];
      most = new Map([...inFlight].filter(([, count]) => count > 0));
    },
  };
}

function sizeOf(body: string): LoggedRequest["body_size"] {
  const bytes = Buffer.byteLength(body);
  if (bytes === 0) return "none";
  if (bytes < 1024) return "under_1k";
  return bytes < 65_536 ? "under_64k" : "larger";
}
