// Copies of the database: opened from a bookmark, never behind it, and replaced by the primary when they fail.

import { beforeAll, describe, expect, it } from "vitest";
import { openReplica } from "../../src/store/replicas.ts";
import { env, migrate } from "../support/bindings.ts";
import { createStores, newConnection, put, ref } from "../support/stores.ts";

const stores = createStores();
const { records, kinds } = stores;
const primary = { records, isComplete: kinds.isComplete };
beforeAll(migrate);

/** The database, with what was asked of its sessions; `fails`: how often they fail first. */
function watched(fails = 0) {
  const opened: (string | undefined)[] = [];
  const state = { fails, asked: 0 };
  const d1 = new Proxy(env.DB, {
    get(target, name) {
      const own: unknown = Reflect.get(target, name, target);
      if (name !== "withSession") return typeof own === "function" ? own.bind(target) : own;
      return (from?: string) => {
        opened.push(from);
        const session = target.withSession(from);
        return {
          prepare: (sql: string) => {
            state.asked++;
            if (state.fails-- > 0) throw new Error("the replica is away");
            return session.prepare(sql);
          },
          batch: session.batch.bind(session),
          getBookmark: session.getBookmark.bind(session),
        };
      };
    },
  });
  return { d1, opened, state };
}

describe("a replica", () => {
  it("RD2 is opened from the bookmark it has to have reached, or from anywhere", () => {
    const { d1, opened } = watched();
    openReplica(d1, primary, "");
    openReplica(d1, primary, "0000-01");
    expect(opened).toEqual(["first-unconstrained", "0000-01"]);
  });

  it("RD2 answers as the primary does, and names the state it showed", async () => {
    const connection = await newConnection(stores);
    await records.commit(connection, [put("a", { updatedAt: 1, organizationId: "o1" })]);
    await kinds.markComplete(connection, "clients");
    const { d1, state } = watched();
    const replica = openReplica(d1, primary, (await records.bookmark()) ?? "");
    const query = { limit: 5, organizations: ["o1"] };
    const follow = { after: 0, limit: 5 };
    expect(await replica.records.one(connection, ref("a"))).toEqual(await records.one(connection, ref("a")));
    expect(await replica.records.page(connection, "clients", query)).toHaveLength(1);
    expect(await replica.records.changes(connection, follow)).toEqual(
      await records.changes(connection, follow),
    );
    expect(await replica.isComplete(connection, "clients")).toBe(true);
    expect(replica.bookmark()).toMatch(/^[0-9a-f]+(-[0-9a-f]+)+$/);
    expect(state.asked).toBeGreaterThanOrEqual(4);
  });

  it("RD2 that fails is replaced by the primary for good, and names no state", async () => {
    const connection = await newConnection(stores);
    await records.commit(connection, [put("a", { updatedAt: 1 })]);
    const { d1, state } = watched(1);
    const replica = openReplica(d1, primary, "");
    for (let i = 0; i < 3; i++) expect(await replica.records.one(connection, ref("a"))).toBeDefined();
    expect(state.asked).toBe(1);
    expect(replica.bookmark()).toBeUndefined();
  });

  it("RD2 a bookmark names a state with everything written before, and later ones sort behind it", async () => {
    const connection = await newConnection(stores);
    const before = await records.bookmark();
    await records.commit(connection, [put("a")]);
    const after = await records.bookmark();
    expect(before).toBeDefined();
    expect(String(after) > String(before)).toBe(true);
  });
});
