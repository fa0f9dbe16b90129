// Sweep cursors in KV, one key per connection and kind. KV may answer a minute late and refuses a second write
// within a second; both may only repeat work, so a checkpoint that is refused is let go, and what ends a sweep is
// not.

import { z } from "zod";
import type { Cursor, Cursors } from "../sync/ports.ts";

const whole = z.number().int();
const cursor = z.object({
  watermark: whole.optional(),
  vouch: z.object({ asOf: whole, from: whole }).optional(),
  run: z
    .object({
      since: whole.optional(),
      startedAt: whole,
      passStartedAt: whole.optional(),
      nextUrl: z.string().optional(),
      landmark: z.string().optional(),
      pages: whole,
      seen: whole,
      drifted: whole,
      passes: whole,
      moved: z.boolean(),
      asOf: whole.optional(),
      doubted: z.literal(true).optional(),
      mayMiss: z.literal(true).optional(),
    })
    .optional(),
  walkedTo: z.string().optional(),
  recentTo: whole.optional(),
  last: z.object({ at: whole, pages: whole, seen: whole, drifted: whole }).optional(),
});

export function cursors(kv: KVNamespace): Cursors {
  const prefix = (connection: string) => `cursor/${connection}/`;
  return {
    /** @throws when the value is not a cursor: starting over would skip what lies between */
    async read(connection, name) {
      const text = await kv.get(prefix(connection) + name);
      return text === null ? {} : (cursor.parse(JSON.parse(text)) satisfies Cursor);
    },

    async write(connection, name, value, mayBeLost = false) {
      try {
        await kv.put(prefix(connection) + name, JSON.stringify(value));
      } catch (error) {
        if (!mayBeLost) throw error;
      }
    },

    async removeAll(connection) {
      const { keys } = await kv.list({ prefix: prefix(connection) });
      await Promise.all(keys.map(({ name }) => kv.delete(name)));
    },
  };
}
