// KV as it is: a read may answer with what was there up to a minute ago, and a second write of a key within a second
// is refused.

import type { Chance } from "./chance.ts";
import type { Clock } from "./clock.ts";
import type { Faults } from "./faults.ts";

const STALE_MS = 60_000;
/** One write per second for a minute, and what was there before. */
const REMEMBERED = STALE_MS / 1_000 + 1;

export function createKv({
  clock,
  chance,
  faults,
  counters,
}: {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly faults: () => Faults;
  readonly counters: { staleReads: number };
}) {
  const histories = new Map<string, { readonly at: number; readonly text: string | null }[]>();
  function write(key: string, text: string | null) {
    const history = histories.get(key) ?? [];
    const last = history.at(-1);
    if (last !== undefined && clock.now() - last.at < 1_000) throw new Error("one write per second and key");
    histories.set(key, [...history.slice(-REMEMBERED), { at: clock.now(), text }]);
  }
  return {
    async get(key: string): Promise<string | null> {
      const history = histories.get(key) ?? [];
      const asOf = chance.happens(faults().staleKv) ? clock.now() - chance.between(0, STALE_MS) : clock.now();
      const found = history.findLast(({ at }) => at <= asOf);
      if (found !== history.at(-1)) counters.staleReads++;
      return found?.text ?? null;
    },
    put: async (key: string, text: unknown) => write(key, String(text)),
    delete: async (key: string) => write(key, null),
    list: async ({ prefix }: { readonly prefix: string }) => ({
      keys: [...histories.keys()].filter((name) => name.startsWith(prefix)).map((name) => ({ name })),
    }),
  };
}
