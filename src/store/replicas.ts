// Reading from a copy of the database near the reader (D1's sessions). The bookmarks are the database's own: text
// that sorts from oldest to newest.

import { drizzle } from "drizzle-orm/d1";
import type { Place, Replica } from "../sync/replica.ts";
import { kindStore } from "./kinds.ts";
import { recordStore } from "./records.ts";

/** How D1 spells "any copy will do". */
const ANY = "first-unconstrained";

/**
 * @param from a bookmark, or empty: any copy will do
 * @param primary answers what the copy cannot, be it that it is away or that the bookmark is nobody's
 */
export function openReplica(d1: D1Database, primary: Place, from: string): Replica {
  const session = d1.withSession(from === "" ? ANY : from);
  // A session has all that a reader needs of a database, and drizzle's types know only the database.
  const near = session as unknown as D1Database;
  const db = drizzle(near);
  const records = recordStore(near, db);
  const { isComplete } = kindStore(db);
  let astray = false;
  const or = <Asked extends unknown[], Answer>(
    ask: (...asked: Asked) => Promise<Answer>,
    askPrimary: (...asked: Asked) => Promise<Answer>,
  ) => {
    return async (...asked: Asked) => {
      if (astray) return askPrimary(...asked);
      try {
        return await ask(...asked);
      } catch {
        // From here on everything is asked there: what was shown never goes back.
        astray = true;
        return askPrimary(...asked);
      }
    };
  };
  return {
    records: {
      one: or(records.one, primary.records.one),
      page: or(records.page, primary.records.page),
      changes: or(records.changes, primary.records.changes),
    },
    isComplete: or(isComplete, primary.isComplete),
    bookmark: () => (astray ? undefined : (session.getBookmark() ?? undefined)),
  };
}
