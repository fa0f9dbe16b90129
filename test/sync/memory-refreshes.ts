// Claims of refreshes in memory.

import type { ConnectionId } from "../../src/core/ids.ts";
import { refKey } from "../../src/core/ids.ts";
import type { RefreshStore } from "../../src/sync/stores.ts";
import type { OwnedRows } from "./memory.ts";

export function refreshMemory(exists: (id: ConnectionId) => boolean): RefreshStore & OwnedRows {
  const claims = new Map<string, number>();

  function forget(gone: (key: string, at: number) => boolean): number {
    const keys = [...claims].filter(([key, at]) => gone(key, at)).map(([key]) => key);
    for (const key of keys) claims.delete(key);
    return keys.length;
  }

  return {
    table: "refreshes",
    async claim(connection, ref, now, everyMs) {
      const key = `${connection} ${refKey(ref)}`;
      const before = claims.get(key);
      if (!exists(connection) || (before !== undefined && before > now - everyMs)) return false;
      claims.set(key, now);
      return true;
    },
    purgeBefore: async (claimedBefore) => forget((_, at) => at < claimedBefore),
    forget: (connection) => forget((key) => key.startsWith(`${connection} `)),
  };
}
