// The stored records of one network, each as its last few versions: a write becomes readable only after the
// visibility lag, and until then a read gets the version before it. Knows nothing of HTTP or of how a record looks
// on the wire.

export type Kind = "organizations" | "staff" | "clients" | "assessment-status";
export const KINDS: readonly Kind[] = ["organizations", "staff", "clients", "assessment-status"];

/** JSON fields as stored: every time is ISO-8601 with milliseconds. */
export type Fields = Record<string, unknown>;

interface Version {
  /** null: deleted as of this version. */
  fields: Fields | null;
  visibleAtMs: number;
}

export interface Records {
  write(kind: Kind, id: string, fields: Fields | null, lagMs?: number): void;
  /** The newest version, whether readable yet or not; null when there is none or it is deleted. */
  newest(kind: Kind, id: string): Fields | null;
  /** The last version that was not a deletion, to bring it back. */
  lastLiving(kind: Kind, id: string): Fields | null;
  readable(kind: Kind, id: string): Fields | null;
  allReadable(kind: Kind): Fields[];
  allNewest(kind: Kind): Fields[];
}

export function createRecords(clock: () => number, lagMs: () => number): Records {
  const tables: Record<Kind, Map<string, Version[]>> = {
    organizations: new Map(),
    staff: new Map(),
    clients: new Map(),
    "assessment-status": new Map(),
  };
  const buried = new Map<string, Fields>();

  function newest(kind: Kind, id: string): Fields | null {
    return tables[kind].get(id)?.at(-1)?.fields ?? null;
  }

  return {
    newest,
    write(kind, id, fields, lag = lagMs()) {
      const before = newest(kind, id);
      if (fields === null && before !== null) buried.set(`${kind} ${id}`, before);
      const versions = tables[kind].get(id) ?? [];
      versions.push({ fields, visibleAtMs: clock() + lag });
      tables[kind].set(id, versions);
    },
    lastLiving: (kind, id) => newest(kind, id) ?? buried.get(`${kind} ${id}`) ?? null,
    readable: (kind, id) => readableVersion(tables[kind].get(id) ?? [], clock()),
    allReadable(kind) {
      const now = clock();
      return present([...tables[kind].values()].map((versions) => readableVersion(versions, now)));
    },
    allNewest: (kind) => present([...tables[kind].keys()].map((id) => newest(kind, id))),
  };
}

function readableVersion(versions: Version[], nowMs: number): Fields | null {
  const at = versions.findLastIndex((version) => version.visibleAtMs <= nowMs);
  if (at < 0) return null;
  // What came before the readable version can never be read again.
  if (at > 0) versions.splice(0, at);
  return versions[0]?.fields ?? null;
}

function present(found: (Fields | null)[]): Fields[] {
  return found.filter((fields) => fields !== null);
}
