// A connection of the bench: made by the operator's API, its events signed as RCMS signs them, its rows filled in
// directly where only reading is measured.

import type { Fields } from "../fake-rcms/records.ts";
import { signatureHeader } from "../support/sign.ts";
import { bodyOf } from "./bodies.ts";
import type { Asked } from "./http-connections.ts";
import { post } from "./load.ts";
import type { Database, Running } from "./system.ts";

export const SECRET = "whsec_bench_0123456789";

/** Nobody listens there: for what needs no upstream. */
const NOWHERE = { baseUrl: "http://127.0.0.1:9/v1", apiKey: "rcms_test_bench0123" };

/** @param upstream its network; without one the connection has nobody to ask */
export async function connect(
  mirror: Running,
  upstream: { readonly baseUrl: string; readonly apiKey: string } = NOWHERE,
  id = "bench",
): Promise<void> {
  await mirror.admin("POST", "/connections", {
    ...{ id, source: "rcms", base_url: upstream.baseUrl, api_key: upstream.apiKey },
    webhook: { signing_secret: SECRET },
  });
}

/** @returns the header an app sends */
export async function newKey(mirror: Running, connection = "bench") {
  const made = (await mirror.admin("POST", "/keys", { connection, name: "bench" })) as {
    readonly key: string;
  };
  return { authorization: `Bearer ${made.key}` };
}

let made = 0;

export interface EventBody {
  readonly id: string;
  readonly type: string;
  readonly created_at: string;
  readonly organization_id: unknown;
  readonly data: { readonly client_id: unknown };
}

/** What RCMS would say of a client that has just changed. */
export function changedEvent(client: Fields): EventBody {
  return {
    id: `evt_bench_${++made}`,
    type: "client.updated",
    created_at: String(client.updated_at),
    organization_id: client.organization_id,
    data: { client_id: client.id },
  };
}

const RECEIVED = { status: 202, body: '{"received":true}' };

/** @param path where it is sent; the bare worker has another */
export function signedPost(event: EventBody, path = "/hooks/bench"): Asked {
  const body = JSON.stringify(event);
  return post(path, { "x-rcms-signature": signatureHeader(SECRET, nowSeconds(), body) }, body, RECEIVED);
}

/** Well formed and wrong. */
export function forgedPost(event: EventBody, path = "/hooks/bench"): Asked {
  const body = JSON.stringify(event);
  const header = signatureHeader("whsec_of_somebody_else", nowSeconds(), body);
  return post(path, { "x-rcms-signature": header }, body, { status: 401, contains: "signature_invalid" });
}

const nowSeconds = () => Math.floor(Date.now() / 1_000);

/** The times are whole numbers bound as doubles otherwise, which changes how rows compare. */
const FILL = `
WITH RECURSIVE n(i) AS (SELECT CAST(?1 AS INTEGER) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < CAST(?2 AS INTEGER))
INSERT INTO records (connection_id, kind, id, seq, updated_at, fetched_at, hash, organization_id, client_id, status,
                     terminal, deleted_at, body, as_of)
SELECT 'bench', 'clients', 'client_' || i, i + 1, CAST(?3 AS INTEGER) + i, CAST(?4 AS INTEGER),
       printf('%064x', i), 'org_' || (i % 50), 'client_' || i, 'active', 0, NULL,
       replace(replace(?5, 'client_7', 'client_' || i), 'org_7', 'org_' || (i % 50)), CAST(?4 AS INTEGER)
FROM n`;

/** Clients `client_0` and on, with `bodyOf` each, fetched just now so that no reader waits for a fetch. */
export async function fill(db: Database, rows: number): Promise<void> {
  const updatedAt = Date.parse("2026-01-01T00:00:00Z");
  const fetchedAt = Date.now() + 3_600_000;
  for (let from = 0; from < rows; from += 50_000) {
    await db
      .prepare(FILL)
      .bind(from, Math.min(rows, from + 50_000), updatedAt, fetchedAt, bodyOf(7))
      .run();
  }
}
