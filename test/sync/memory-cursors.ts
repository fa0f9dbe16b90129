// Sweep cursors as KV keeps them, with what KV may do to them: refuse, be late, or see its caller die.

import type { Cursor, CursorKey, Cursors } from "../../src/sync/ports.ts";
import { HERE } from "./world.ts";

/** The caller dies here: nothing after it happens. */
export class Crash extends Error {
  override readonly name = "Crash";
}

export function kvCursors() {
  const values = new Map<CursorKey, Cursor>();
  const writes: Cursor[] = [];
  let stale: Cursor | undefined;
  let crash: { at: number; written: boolean } | undefined;

  const cursors: Cursors = {
    async read(_connection, name) {
      if (stale === undefined) return values.get(name) ?? {};
      const answered = stale;
      stale = undefined;
      return answered;
    },
    async write(_connection, name, cursor) {
      // What comes back was text in between.
      const kept = JSON.parse(JSON.stringify(cursor)) as Cursor;
      writes.push(kept);
      const dies = crash !== undefined && --crash.at === 0;
      if (!dies || crash?.written) values.set(name, kept);
      if (dies) {
        crash = undefined;
        throw new Crash();
      }
    },
    removeAll: async () => values.clear(),
  };

  return {
    ...cursors,
    writes,
    of: (name: CursorKey = "clients") => values.get(name) ?? {},
    put: (cursor: Cursor, name: CursorKey = "clients") => cursors.write(HERE, name, cursor),
    /** The next read answers with this, whatever was written since. */
    answerStale(cursor: Cursor) {
      stale = cursor;
    },
    /** The caller dies in its nth write from now, just before or just after the value was taken. */
    crashAt(nth: number, written: boolean) {
      crash = { at: nth, written };
    },
  };
}
