// Cursors in KV: what is refused, what is late, and what is not a cursor at all.

import { describe, expect, it } from "vitest";
import { cursors } from "../../src/cloudflare/cursors.ts";
import type { ConnectionId } from "../../src/core/ids.ts";
import type { Cursor } from "../../src/sync/ports.ts";
import { walkClients } from "../../src/sync/walk.ts";
import { env } from "../support/bindings.ts";
import { sweeping } from "../sync/sweeping.ts";

let made = 0;
const connection = () => `kv${++made}` as ConnectionId;
const run = { since: 1, startedAt: 2, pages: 3, seen: 4, drifted: 5, passes: 1, moved: false };
const last = { at: 9, pages: 1, seen: 2, drifted: 3 };

/** A KV that refuses to write, as it does within a second of the last write to the same key. */
const refusing = (refuses: () => boolean = () => true) =>
  new Proxy(env.CURSORS, {
    get(target, name) {
      if (name === "put" && refuses()) return () => Promise.reject(new Error("KV PUT failed: 429"));
      const own: unknown = Reflect.get(target, name, target);
      return typeof own === "function" ? own.bind(target) : own;
    },
  });

const noWait = async () => {};

describe("a cursor", () => {
  const whole: Cursor = {
    watermark: 1_800_000_000_000,
    run: { ...run, nextUrl: "https://upstream.test/v1/clients?cursor=é" },
    walkedTo: "clients/x",
    recentTo: 7,
    last,
  };

  it("SW3 comes back as it was written, one per connection and kind", async () => {
    const [id, other] = [connection(), connection()];
    const kept = cursors(env.CURSORS, noWait);
    await kept.write(id, "clients", whole);
    await kept.write(id, "verify", { walkedTo: "staff/y" });
    expect(await kept.read(id, "clients")).toEqual(whole);
    expect(await kept.read(id, "verify")).toEqual({ walkedTo: "staff/y" });
    expect([await kept.read(id, "staff"), await kept.read(other, "clients")]).toEqual([{}, {}]);
  });

  it("AD1 is gone with its connection, and no other's is", async () => {
    const id = connection();
    const longer = `${id}-too` as ConnectionId;
    const kept = cursors(env.CURSORS, noWait);
    for (const kind of ["clients", "staff", "verify"] as const) await kept.write(id, kind, whole);
    await kept.write(longer, "clients", whole);
    await kept.removeAll(id);
    for (const kind of ["clients", "staff", "verify"] as const) expect(await kept.read(id, kind)).toEqual({});
    expect(await kept.read(longer, "clients")).toEqual(whole);
  });

  it.each([
    ["no JSON", "watermark=1"],
    ["no object", "7"],
    ["nothing", "null"],
    ["a watermark that is text", '{"watermark":"2026-01-01"}'],
    ["a watermark that is no whole number", '{"watermark":1.5}'],
    ["half a run", '{"watermark":1,"run":{"pages":1}}'],
    ["a summary without its time", '{"last":{"pages":1,"seen":0,"drifted":0}}'],
  ])(
    "SW4 that is %s is an error, never a beginning: starting over would skip what lies between",
    async (_w, text) => {
      const id = connection();
      await env.CURSORS.put(`cursor/${id}/clients`, text);
      await expect(cursors(env.CURSORS, noWait).read(id, "clients")).rejects.toThrow();
    },
  );

  it("SW4 of a newer version is read for what this one knows of it", async () => {
    const id = connection();
    await env.CURSORS.put(`cursor/${id}/clients`, JSON.stringify({ ...whole, later: true }));
    expect(await cursors(env.CURSORS, noWait).read(id, "clients")).toEqual(whole);
  });
});

describe("a write that KV refuses", () => {
  it.each([
    ["a sweep's", { watermark: 1, run }],
    ["a later sweep's", { watermark: 1, run, last }],
    ["a first walk's", { walkedTo: "clients/x", recentTo: 1 }],
  ] as const)("SW3 is let go where it is %s checkpoint: work is repeated", async (_what, cursor) => {
    const id = connection();
    await cursors(refusing(), noWait).write(id, "clients", cursor, true);
    expect(await cursors(env.CURSORS, noWait).read(id, "clients")).toEqual({});
  });

  it("SW2 is an error where it ends a sweep: nothing may believe it was kept", async () => {
    await expect(
      cursors(refusing(), noWait).write(connection(), "clients", { watermark: 1, last }),
    ).rejects.toThrow("429");
  });

  it("SW2 is repeated a second later where it ends a sweep: KV takes one write per second and key", async () => {
    const id = connection();
    const waits: number[] = [];
    let refusals = 1;
    const kept = cursors(
      refusing(() => refusals-- > 0),
      async (ms) => void waits.push(ms),
    );
    await kept.write(id, "clients", { watermark: 1, last });
    expect(waits).toEqual([1_100]);
    expect(await kept.read(id, "clients")).toEqual({ watermark: 1, last });
  });

  it("SW5 does not end a walk in its middle, be it the first walk or a later one", async () => {
    const world = await sweeping();
    const { deps, connection: here, mirrored, upstream, clock } = world;
    for (let i = 0; i < 35; i++) {
      await mirrored(`c${i + 10}`, "a", 1);
      upstream.put(`c${i + 10}`, "a", 1, "assessment-status");
    }
    clock.pass(60_000);
    const walk = async () => {
      let checkpoints = 0;
      let passing = false;
      // Only the last write of a walk is taken: the others came too soon after another.
      const kv = cursors(
        refusing(() => passing),
        noWait,
      );
      const write: typeof kv.write = (id, name, cursor, mayBeLost) => {
        passing = mayBeLost === true;
        if (passing) checkpoints++;
        return kv.write(id, name, cursor, mayBeLost);
      };
      upstream.looks.length = 0;
      const swept = await walkClients({ ...deps, cursors: { ...kv, write } }, here, "assessment-status");
      expect(checkpoints).toBeGreaterThan(0);
      return [swept.finished, upstream.looks.length];
    };
    expect(await walk()).toEqual([true, 35]);
    expect(await walk()).toEqual([true, 35]);
  });
});
