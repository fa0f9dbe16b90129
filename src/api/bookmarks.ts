// `Mirror-Bookmark`: how a reader says that a copy of the database near it will do, and how far it has to have come.

/** The database's own bookmarks, and what comes before all of them. */
const ANY = "any";
const BOOKMARK = /^[0-9a-f]+(?:-[0-9a-f]+)*$/;
const MAX_CHARS = 200;

/**
 * @returns empty: any copy will do; undefined: the primary is wanted. What is no bookmark is ignored, as a malformed
 * directive is
 */
export function bookmarkOf(headers: Headers): string | undefined {
  const header = headers.get("mirror-bookmark");
  if (header === null) return undefined;
  if (header === ANY) return "";
  return header.length <= MAX_CHARS && BOOKMARK.test(header) ? header : undefined;
}

/** Of an answer that came from a replica: sent back, the next answer is no older. */
export function bookmarkHeader(bookmark: string | undefined): Record<string, string> {
  return bookmark === undefined ? {} : { "mirror-bookmark": bookmark };
}
