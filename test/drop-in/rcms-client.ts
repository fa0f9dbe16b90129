// An app's client of RCMS, written from RCMS's public documentation alone: it knows nothing of a mirror. What works
// with it against RCMS has to work against the mirror with another base URL and another key.

export type ListName = "organizations" | "staff" | "clients";

export interface RcmsRecord {
  readonly [field: string]: unknown;
}

export interface RcmsClient {
  /** Every page; `updatedAfter` is ISO-8601 and inclusive. */
  list(name: ListName, updatedAfter?: string): Promise<RcmsRecord[]>;
  one(name: ListName, id: string): Promise<RcmsRecord>;
  assessmentStatus(clientId: string): Promise<RcmsRecord>;
}

export class RcmsError extends Error {
  override readonly name = "RcmsError";
  readonly status: number;

  constructor(status: number, path: string) {
    super(`${status} to GET ${path}`);
    this.status = status;
  }
}

interface Page {
  readonly data: RcmsRecord[];
  readonly meta: { readonly next_url: string | null };
}

// A list longer than this is a loop.
const MOST_PAGES = 1_000;

/** @param baseUrl with its version, e.g. `https://api.measurerecovery.com/v1` */
export function createRcmsClient(baseUrl: string, apiKey: string): RcmsClient {
  async function get<T>(url: string): Promise<T> {
    const response = await fetch(url, { headers: { Authorization: `Bearer ${apiKey}` } });
    if (!response.ok) throw new RcmsError(response.status, new URL(url).pathname);
    return (await response.json()) as T;
  }

  const data = async (path: string) => (await get<{ data: RcmsRecord }>(baseUrl + path)).data;

  return {
    async list(name, updatedAfter) {
      const since =
        updatedAfter === undefined ? "" : `?${new URLSearchParams({ updated_after: updatedAfter })}`;
      const records: RcmsRecord[] = [];
      let next: string | null = `${baseUrl}/${name}${since}`;
      for (let pages = 0; next !== null; pages++) {
        if (pages === MOST_PAGES) throw new Error(`the list of ${name} does not end`);
        const page: Page = await get(next);
        records.push(...page.data);
        next = page.meta.next_url;
      }
      return records;
    },
    one: (name, id) => data(`/${name}/${encodeURIComponent(id)}`),
    assessmentStatus: (clientId) => data(`/clients/${encodeURIComponent(clientId)}/assessment-status`),
  };
}
