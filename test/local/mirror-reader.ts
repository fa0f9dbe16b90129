// The mirror as an app reads it: with an app key, over the read API. It asks only for what the mirror holds: a
// read that made the worker fetch would prove nothing about webhooks.

import type { Fields } from "../fake-rcms/records.ts";

export type ListedKind = "organizations" | "staff" | "clients";

// A list longer than this is a loop.
const MOST_PAGES = 500;

export interface MirrorReader {
  /** Every page. @param updatedAfter ISO-8601, inclusive */
  list(kind: ListedKind, updatedAfter?: string): Promise<Fields[]>;
  reminders(): Promise<Fields[]>;
  /** undefined while the mirror does not hold it */
  assessmentStatus(clientId: string): Promise<Fields | undefined>;
}

export function createMirrorReader(workerUrl: string, key: string): MirrorReader {
  const headers = { authorization: `Bearer ${key}`, "cache-control": "only-if-cached" };

  async function get(url: string): Promise<{ status: number; json: unknown }> {
    const answer = await fetch(url, { headers, signal: AbortSignal.timeout(10_000) });
    const text = await answer.text();
    const absent = answer.status === 404 || answer.status === 504;
    if (!answer.ok && !absent)
      throw new Error(`the mirror answered ${answer.status} to GET ${new URL(url).pathname}`);
    return { status: answer.status, json: absent ? undefined : JSON.parse(text) };
  }

  async function list(url: string): Promise<Fields[]> {
    const rows: Fields[] = [];
    let next: string | null = url;
    for (let pages = 0; next !== null && pages < MOST_PAGES; pages++) {
      const { json } = await get(next);
      const { data, meta } = json as { data: Fields[]; meta: { next_url: string | null } };
      rows.push(...data);
      next = meta.next_url;
    }
    return rows;
  }

  return {
    list(kind, updatedAfter) {
      const since = updatedAfter === undefined ? "" : `&updated_after=${encodeURIComponent(updatedAfter)}`;
      return list(`${workerUrl}/v1/${kind}?limit=200${since}`);
    },
    reminders: () => list(`${workerUrl}/v1/reminders?limit=200`),
    async assessmentStatus(clientId) {
      const { json } = await get(`${workerUrl}/v1/clients/${clientId}/assessment-status`);
      return (json as { data: Fields } | undefined)?.data;
    },
  };
}
