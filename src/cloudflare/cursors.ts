// Sweep cursors in KV, one key per connection and kind. KV may answer a minute late and refuses a second write
// within a second; both may only repeat work, so a checkpoint that is refused is let go, and what ends a sweep is
// written again once the second is over.

import * as z from "zod/mini";
import { limits } from "../core/limits.ts";
import { once } from "../core/once.ts";
import type { Cursor, Cursors } from "../sync/ports.ts";

const cursor = once(() => {
  const whole = z.int();
  return z.object({
    watermark: z.optional(whole),
    vouch: z.optional(z.object({ asOf: whole, from: whole, bookmark: z.optional(z.string()) })),
    run: z.optional(
      z.object({
        since: z.optional(whole),
        startedAt: whole,
        passStartedAt: z.optional(whole),
        nextUrl: z.optional(z.string()),
        landmark: z.optional(z.string()),
        pages: whole,
        seen: whole,
        drifted: whole,
        passes: whole,
        moved: z.boolean(),
        asOf: z.optional(whole),
        doubted: z.optional(z.literal(true)),
        mayMiss: z.optional(z.literal(true)),
      }),
    ),
    walkedTo: z.optional(z.string()),
    windowTo: z.optional(z.string()),
    within: z.optional(z.string()),
    recentTo: z.optional(whole),
    heardTo: z.optional(whole),
    left: z.optional(whole),
    sofar: z.optional(z.object({ seen: whole, drifted: whole })),
    last: z.optional(z.object({ at: whole, pages: whole, seen: whole, drifted: whole })),
  });
});

type Kv = Pick<KVNamespace, "put" | "delete"> & {
  get(key: string): Promise<string | null>;
  list(options: { prefix: string }): Promise<{ readonly keys: readonly { readonly name: string }[] }>;
};

export function cursors(kv: Kv, sleep: (ms: number) => Promise<void>): Cursors {
  const prefix = (connection: string) => `cursor/${connection}/`;
  return {
    /** @throws when the value is not a cursor: starting over would skip what lies between */
    async read(connection, name) {
      const text = await kv.get(prefix(connection) + name);
      return text === null ? {} : (cursor().parse(JSON.parse(text)) satisfies Cursor);
    },

    async write(connection, name, value, mayBeLost = false) {
      const put = () => kv.put(prefix(connection) + name, JSON.stringify(value));
      try {
        await put();
      } catch {
        if (mayBeLost) return;
        await sleep(limits.kvWriteEveryMs);
        await put();
      }
    },

    async removeAll(connection) {
      const { keys } = await kv.list({ prefix: prefix(connection) });
      await Promise.all(keys.map(({ name }) => kv.delete(name)));
    },
  };
}
