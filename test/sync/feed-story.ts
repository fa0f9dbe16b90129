// A story of writes and followers, told to a store: records come, move between organizations, go and return, while
// readers of different scopes follow the feed at their own pace. What each may see is said a second time here, by the
// rules of single reads alone.

import { expect } from "vitest";
import { type ConnectionId, KINDS, type Kind, type Ref, refKey } from "../../src/core/ids.ts";
import type { Write } from "../../src/core/record.ts";
import type { RecordStore } from "../../src/sync/stores.ts";
import { refOf } from "../core/samples.ts";
import { between, pick, type Random, seededRandom } from "../fake-rcms/random.ts";

type Feed = Pick<RecordStore, "commit" | "changes">;

export interface Truth {
  organizationId: string | undefined;
  deleted: boolean;
  body: string;
}

export interface Scope {
  readonly organizations?: readonly string[];
  readonly kinds?: readonly Kind[];
}

export const ORGANIZATIONS = ["o1", "o2", "o3"];
const SCOPES: readonly Scope[] = [
  {},
  { kinds: ["clients"] },
  { organizations: ["o1"] },
  { organizations: ["o2"] },
  { organizations: ["o1", "o3"] },
  { organizations: ["o2"], kinds: ["assessment-status", "staff"] },
];

export async function tellFeedStory(store: Feed, connection: ConnectionId, seed: number, steps: number) {
  const random = seededRandom(seed);
  const truth = new Map<string, Truth>();
  const followers = SCOPES.map((scope) => follower(store, connection, scope, truth));
  for (let step = 1; step <= steps; step++) {
    const writes = Array.from({ length: between(random, [1, 3]) }, () => someWrite(random, step));
    const written = new Map(writes.map((write) => [keyOf(write), write]));
    await store.commit(connection, [...written.values()]);
    // Clients arrive before their documents do.
    const [documents = [], others = []] = [true, false].map((of) =>
      [...written].filter(([key]) => key.startsWith("assessment-status") === of),
    );
    for (const part of [others, documents]) {
      for (const [, write] of part) believe(truth, write);
      for (const one of followers) one.look();
    }
    for (const one of followers) if (random() < 0.4) await one.read(between(random, [1, 4]));
  }
  for (const one of followers) {
    await one.finish();
    const fresh = follower(store, connection, one.scope, truth, one.seen);
    await fresh.finish();
  }
}

export function someWrite(random: Random, step: number): Write {
  const kind = pick(random, KINDS);
  const ref = refOf(`r${between(random, [1, 4])}`, kind);
  const fetchedAt = step * 10;
  if (random() < 0.2) return { write: "tombstone", ref, fetchedAt };
  const organizationId = random() < 0.2 ? undefined : pick(random, ORGANIZATIONS);
  const content = `${step}/${random()}`;
  return {
    write: "put",
    snapshot: {
      ...ref,
      fetchedAt,
      updatedAt: fetchedAt,
      ...(organizationId === undefined ? {} : { organizationId }),
      terminal: false,
      hash: content,
      body: JSON.stringify({ id: ref.id, content }),
    },
  };
}

const keyOf = (write: Write) => refKey(write.write === "put" ? write.snapshot : write.ref);

export function believe(truth: Map<string, Truth>, write: Write): void {
  const known = truth.get(keyOf(write));
  if (write.write === "tombstone") {
    if (known) known.deleted = true;
    return;
  }
  const { organizationId = known?.organizationId, body } = write.snapshot;
  truth.set(keyOf(write), { organizationId, body, deleted: false });
}

/** As a single read would have it: a status is seen by whoever sees its client. */
export function maySee(
  truth: ReadonlyMap<string, Truth>,
  { organizations, kinds }: Scope,
  ref: Ref,
): boolean {
  const record = truth.get(refKey(ref));
  if (record === undefined || record.deleted || !(kinds?.includes(ref.kind) ?? true)) return false;
  if (organizations === undefined) return true;
  const owner = ref.kind === "assessment-status" ? truth.get(refKey({ ...ref, kind: "clients" })) : record;
  const { organizationId } = owner === undefined || owner.deleted ? {} : owner;
  return organizationId !== undefined && organizations.includes(organizationId);
}

/** @param seen refs that were ever visible in this scope, with how often they came */
function follower(
  store: Feed,
  connection: ConnectionId,
  scope: Scope,
  truth: ReadonlyMap<string, Truth>,
  seen = new Map<string, number>(),
) {
  const held = new Map<string, string>();
  const visible = new Set<string>();
  /** How often the record had come into sight when its last `delete` was read. */
  const told = new Map<string, number>();
  let position = 0;
  let more = true;

  function refs(): Ref[] {
    return [...truth.keys()].map((key) => {
      const [kind, id] = key.split("/");
      return { kind, id } as Ref;
    });
  }

  function look(): void {
    for (const ref of refs()) {
      const key = refKey(ref);
      if (!maySee(truth, scope, ref)) visible.delete(key);
      else if (!visible.has(key)) {
        visible.add(key);
        seen.set(key, (seen.get(key) ?? 0) + 1);
      }
    }
  }

  async function read(limit: number): Promise<void> {
    const page = await store.changes(connection, { ...scope, after: position, limit });
    expect(page.rows.length).toBeLessThanOrEqual(limit);
    const positions = page.rows.map(({ seq }) => seq);
    expect(positions).toEqual([...new Set(positions)].sort((a, b) => a - b));
    expect(positions.every((seq) => seq > position && seq <= page.next)).toBe(true);
    expect(new Set(page.rows.map(refKey)).size).toBe(page.rows.length);
    for (const row of page.rows) {
      const key = refKey(row);
      if (row.deletedAt === undefined) held.set(key, row.body);
      else {
        // Nothing is said of what was never theirs, and nothing twice of what is no longer theirs.
        const came = seen.get(key) ?? 0;
        expect([key, came]).not.toEqual([key, told.get(key) ?? (scope.organizations === undefined ? -1 : 0)]);
        if (scope.organizations !== undefined) told.set(key, came);
        expect(row.body).toBe("null");
        held.delete(key);
      }
    }
    position = page.next;
    more = page.more;
  }

  async function finish(): Promise<void> {
    more = true;
    for (let pages = 0; more; pages++) {
      expect(pages).toBeLessThan(1_000);
      await read(3);
    }
    const theirs = refs().filter((ref) => maySee(truth, scope, ref));
    const expected = theirs.map((ref) => [refKey(ref), truth.get(refKey(ref))?.body]);
    expect([...held].sort()).toEqual(expected.sort());
  }

  return { scope, seen, look, read, finish };
}
