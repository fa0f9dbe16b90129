// Backfill on login: once per user and client, found again after a crash, cleared when the client is back.

import { describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { login, runBackfill } from "../../src/sync/backfill.ts";
import type { LookAsk } from "../../src/sync/ports.ts";
import { idOf, refOf } from "../core/samples.ts";
import { consumer } from "./consumer.ts";
import { backfillMemory } from "./memory-work.ts";
import { MINUTE, sweeping } from "./sweeping.ts";
import { changedEvent, HERE, START } from "./world.ts";

const ACK = { result: "ack" };

async function backfilling() {
  const world = await sweeping();
  const { clock, deps, memory, upstream, mirrored } = world;
  const backfills = backfillMemory();
  const asks: LookAsk[] = [];
  const writers = {
    look: (asked: readonly LookAsk[]) => {
      asks.push(...asked);
      return deps.writers.look(asked);
    },
  };
  let ids = 0;
  const loginDeps = { now: clock.now, newId: () => `b${++ids}`, backfills, queues: deps.queues };
  const runDeps = { now: clock.now, random: () => 0, backfills, records: memory.records, writers };
  upstream.put("c1", "client");
  upstream.put("c1", "scores", START, "assessment-status");
  upstream.put("o1", "organization", START, "organizations");
  return {
    ...world,
    backfills,
    asks,
    loginDeps,
    runDeps,
    mirrored,
    login: (user = "u1", client = "c1", replaced: Partial<typeof loginDeps> = {}) =>
      login({ ...loginDeps, ...replaced }, HERE, user, idOf(client)),
    run: (id = "b1", attempts = 1) => runBackfill(runDeps, HERE, id, attempts),
    standing: async (id = "b1") => (await backfills.get(HERE, id))?.status,
  };
}

describe("a login", () => {
  it("BF1 the first queues a backfill, later ones do nothing and tell of the same one", async () => {
    const { login, sent } = await backfilling();
    const first = await login();
    expect(first).toMatchObject({ first: true, backfill: { id: "b1", status: "queued", clientId: "c1" } });
    expect(await login()).toEqual({ ...first, first: false });
    expect(sent).toEqual([{ job: { job: "backfill", connection: HERE, backfill: "b1" }, delaySeconds: 0 }]);
  });

  it("BF1 ten thousand simultaneous logins are one backfill and one job", async () => {
    const { login, sent, backfills } = await backfilling();
    const logins = await Promise.all(Array.from({ length: 10_000 }, () => login()));
    expect(new Set(logins.map(({ backfill }) => backfill.id))).toEqual(new Set(["b1"]));
    expect(logins.filter(({ first }) => first)).toHaveLength(1);
    expect([sent.length, backfills.rows.size]).toEqual([1, 1]);
  });

  it("BF1 another user and another client are backfills of their own", async () => {
    const { login, sent } = await backfilling();
    await login("u1", "c1");
    await login("u2", "c1");
    await login("u1", "c2");
    expect(sent).toHaveLength(3);
  });

  it("BF1 once done it is never done again, however much later", async () => {
    const { login, run, clock, sent } = await backfilling();
    await login();
    await run();
    clock.pass(1_000 * MINUTE);
    expect(await login()).toMatchObject({ first: false, backfill: { status: "done" } });
    expect(sent).toHaveLength(1);
  });

  it("BF1 a death between the row and the queue is mended by a later login", async () => {
    const { login, sent, clock, standing } = await backfilling();
    const sendJobs = () => Promise.reject(new Error("the queue is away"));
    await expect(login("u1", "c1", { queues: { sendJobs } })).rejects.toThrow("away");
    expect([await standing(), sent]).toEqual(["queued", []]);
    clock.pass(limits.staleWorkMs);
    await login();
    expect(sent).toEqual([]);
    clock.pass(1);
    expect(await login()).toMatchObject({ first: false, backfill: { id: "b1" } });
    expect(sent).toHaveLength(1);
    await login();
    expect(sent).toHaveLength(1);
  });
});

describe("the work", () => {
  it("BF1 brings the client, its organization and its assessment status", async () => {
    const { login, run, upstream, asks, shown, memory, standing } = await backfilling();
    await login();
    await memory.records.commit(HERE, [
      {
        write: "put",
        snapshot: {
          ...refOf("c1"),
          fetchedAt: START - 1,
          hash: "old",
          terminal: false,
          body: "{}",
          organizationId: "o1",
        },
      },
    ]);
    expect(await run()).toEqual(ACK);
    expect(upstream.looks).toEqual(["clients/c1", "assessment-status/c1", "organizations/o1"]);
    expect(asks.map((ask) => ask.class)).toEqual(["event", "event", "event"]);
    expect(asks[1]?.organizationId).toBe("o1");
    expect(await shown()).toEqual({ c1: "client" });
    expect(await shown("assessment-status")).toEqual({ c1: "scores" });
    expect(await shown("organizations")).toEqual({ o1: "organization" });
    expect(await standing()).toBe("done");
  });

  it("BF1 a client without an organization, and one that is not there, are done with what there is", async () => {
    const { login, run, upstream, standing } = await backfilling();
    await login();
    await login("u1", "nobody");
    expect([await run("b1"), await run("b2")]).toEqual([ACK, ACK]);
    expect(upstream.looks).not.toContain("organizations/o1");
    expect([await standing("b1"), await standing("b2")]).toEqual(["done", "done"]);
  });

  it("BF1 a message that comes twice costs nothing the second time, a cleared one nothing at all", async () => {
    const { login, run, upstream, backfills, standing } = await backfilling();
    await login();
    await run();
    const asked = upstream.looks.length;
    expect(await run("b1", 2)).toEqual(ACK);
    await login("u2");
    await backfills.clearClient(HERE, "c1");
    expect(await run("b2")).toEqual(ACK);
    expect([upstream.looks.length, await standing("b2")]).toEqual([asked, undefined]);
  });

  it("BF1 dying in the middle, it is repeated whole and ends", async () => {
    const { login, run, runDeps, shown, standing } = await backfilling();
    await login();
    const dying = { ...runDeps, records: { one: () => Promise.reject(new Error("the database is away")) } };
    await expect(runBackfill(dying, HERE, "b1", 1)).rejects.toThrow("away");
    expect(await standing()).toBe("running");
    expect(await run("b1", 2)).toEqual(ACK);
    expect([await standing(), await shown("assessment-status")]).toEqual(["done", { c1: "scores" }]);
  });

  it.each(["clients/c1", "assessment-status/c1"])(
    "BF1 an outage at %s is retried and stays running; what cannot ever be read is failed and parked",
    async (ref) => {
      const { login, run, upstream, backfills, standing } = await backfilling();
      await login();
      upstream.failures.set(ref, { kind: "server_error", status: 503 });
      expect(await run("b1", 2)).toEqual({ result: "retry", delaySeconds: 2 });
      expect(await standing()).toBe("running");
      upstream.failures.set(ref, { kind: "forbidden" });
      const reason = "upstream answered 403: the API key may not read this";
      expect(await run("b1", 3)).toEqual({ result: "park", reason });
      expect(await backfills.get(HERE, "b1")).toMatchObject({ status: "failed", reason });
      upstream.failures.clear();
      expect(await run("b1", 1)).toEqual(ACK);
      expect(await backfills.get(HERE, "b1")).not.toHaveProperty("reason");
      expect(await standing()).toBe("done");
    },
  );

  it("BF1 a readmitted client's markers are cleared, so the next login hydrates anew", async () => {
    const { login, run, backfills, sent } = await backfilling();
    await login();
    await run();
    await login("u2", "c2");
    const { hydrate, upstream } = await consumer({
      clearBackfills: (client) => backfills.clearClient(HERE, client),
    });
    upstream.held.set("clients/c1", { updatedAt: START, hash: "back" });
    const event = changedEvent({ record: "c1", createdAt: START });
    await hydrate([
      { ...event, body: { ...event.body, what: { is: "changed", ref: refOf("c1"), readmitted: true } } },
    ]);
    expect(await login()).toMatchObject({ first: true, backfill: { status: "queued" } });
    expect(await login("u2", "c2")).toMatchObject({ first: false });
    expect(sent).toHaveLength(3);
  });
});
