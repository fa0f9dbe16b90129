// Many refs of one kind at once: one delta list instead of many single fetches (WR9). Everything the list
// brings is offered to the writers, so later batches of the same burst find their records already there.

import type { Result } from "../core/failure.ts";
import { type Kind, refKey } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import type { Page } from "../sources/source.ts";
import type { Looked, Writers } from "./ports.ts";

export type ListChanged = (kind: Kind, since: number | undefined, pageUrl?: string) => Promise<Result<Page>>;

/** The refs waited for, each with the instant of its oldest event (upstream's clock, ms). */
export type Burst = readonly { readonly key: string; readonly since: number }[];

/**
 * Stops as soon as every ref was seen, or when more pages would cost more than they save. A failing list is
 * no failure of the events: what it did not bring is fetched singly.
 * @param looks receives what the list showed of the refs waited for
 */
export async function listBurst(
  deps: { readonly listChanged: ListChanged; readonly writers: Writers },
  kind: Kind,
  burst: Burst,
  looks: Map<string, Looked>,
): Promise<void> {
  const missing = new Set(burst.map(({ key }) => key));
  const since = Math.min(...burst.map((wanted) => wanted.since)) - limits.burstSlackMs;
  const maxPages = Math.max(1, Math.floor(burst.length * limits.burstPagesPerRef));
  let pageUrl: string | undefined;
  for (let pages = 0; pages < maxPages && missing.size > 0; pages++) {
    const page = await deps.listChanged(kind, since, pageUrl);
    if (!page.ok) return;
    const { snapshots, nextUrl } = page.value;
    const looked = await deps.writers.offer(snapshots);
    snapshots.forEach((snapshot, i) => {
      const key = refKey(snapshot);
      if (missing.delete(key)) looks.set(key, looked[i] as Looked);
    });
    if (nextUrl === undefined || nextUrl === pageUrl) return;
    pageUrl = nextUrl;
  }
}
