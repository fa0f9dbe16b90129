// The records of a simulated RCMS: every version each record ever had, and from when the API shows it. The truth
// the mirror is held against.

import type { Kind } from "../../src/core/ids.ts";

export type NetworkKind = Exclude<Kind, "reminders">;

export interface RecordVersion {
  /** Our clock, ms. */
  readonly at: number;
  /** Our clock, ms: from here on GETs and lists show it. */
  readonly visibleAt: number;
  /** Upstream's clock, ms, as the record itself says. */
  readonly updatedAt: number;
  readonly number: number;
  /** Undefined: deleted. */
  readonly body: { readonly [key: string]: string | number } | undefined;
}

export interface NetworkRecord {
  readonly kind: NetworkKind;
  readonly id: string;
  readonly versions: RecordVersion[];
}

export interface Network {
  readonly records: ReadonlyMap<string, NetworkRecord>;
  of(kind: NetworkKind): readonly NetworkRecord[];
  /** A new version of the record; the first makes it. */
  write(kind: NetworkKind, id: string, version: Omit<RecordVersion, "number">): RecordVersion;
  /** What the API shows of the record at this instant; undefined when it shows none. */
  shown(record: NetworkRecord | undefined, at: number): RecordVersion | undefined;
  get(kind: NetworkKind, id: string): NetworkRecord | undefined;
}

export function createNetwork(): Network {
  const records = new Map<string, NetworkRecord>();
  const byKind = new Map<NetworkKind, NetworkRecord[]>();
  const get = (kind: NetworkKind, id: string) => records.get(`${kind}/${id}`);
  return {
    records,
    get,
    of: (kind) => byKind.get(kind) ?? [],
    write(kind, id, version) {
      let record = get(kind, id);
      if (record === undefined) {
        record = { kind, id, versions: [] };
        records.set(`${kind}/${id}`, record);
        const all = byKind.get(kind);
        if (all === undefined) byKind.set(kind, [record]);
        else all.push(record);
      }
      const written = { ...version, number: record.versions.length + 1 };
      record.versions.push(written);
      return written;
    },
    shown(record, at) {
      const version = record?.versions.findLast(({ visibleAt }) => visibleAt <= at);
      return version?.body === undefined ? undefined : version;
    },
  };
}

/** The newest version whatever the API shows. */
export function truth(record: NetworkRecord): RecordVersion {
  return record.versions.at(-1) as RecordVersion;
}
