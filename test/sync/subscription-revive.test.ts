// A dead webhook comes back as a new one, once, and what happened meanwhile is swept.

import { describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { delivery, guarding, URL } from "./guarding.ts";
import { MINUTE, through } from "./sweeping.ts";
import { HERE, START } from "./world.ts";

const SWEPT = ["organizations", "staff", "clients", "assessment-status"] as const;
const SWEEP = { job: { job: "sweep", connection: HERE, kinds: SWEPT }, delaySeconds: 0 };
const DAY = 86_400_000;

describe("a webhook that is missing", () => {
  it("SUB2 is registered anew; the old secret stays valid for a day", async () => {
    const { guard, desk, connection, clock, secrets, lines, sent, status } = await guarding();
    desk.state.webhook = "missing";
    await guard();
    expect(await connection()).toMatchObject({ webhookId: "wh_2", webhookUrl: URL });
    expect([...desk.registered.values()]).toMatchObject([{ url: URL, description: "rcms-mirror here" }]);
    expect([desk.removed, sent, (await status()).status]).toEqual([[], [SWEEP], "active"]);
    expect(lines).toEqual([`warn webhook_registered_anew {"connection":"here","was":"missing"}`]);
    clock.pass(DAY - 1);
    expect([...((await secrets()) ?? [])].sort()).toEqual(["whsec_1", "whsec_2"]);
    clock.pass(1);
    expect(await secrets()).toEqual(["whsec_2"]);
    expect(limits.secretOverlapMs).toBe(DAY);
  });

  it("SUB2 however often and wherever this is interrupted, there is one successor", async () => {
    for (const step of ["addSecret", "activate"] as const) {
      const { guard, desk, deps, connection, secrets } = await guarding();
      desk.state.webhook = "missing";
      const dying = { ...deps.connections, [step]: () => Promise.reject(new Error("dies here")) };
      await expect(guard({ connections: dying })).rejects.toThrow("dies here");
      await expect(guard({ connections: dying })).rejects.toThrow("dies here");
      await guard();
      expect([desk.registered.size, (await connection()).webhookId]).toEqual([1, "wh_2"]);
      expect(await secrets()).toContain("whsec_2");
    }
  });

  it("SUB2 a successor that dies has a successor of its own, with a key of its own", async () => {
    const { guard, desk, connection, clock } = await guarding();
    desk.state.webhook = "missing";
    await guard();
    clock.pass(15 * MINUTE);
    await guard();
    expect([desk.registered.size, (await connection()).webhookId]).toEqual([2, "wh_3"]);
    for (const key of desk.registered.keys()) expect(key).toMatch(/^[0-9a-f]{64}$/);
  });

  it("SUB2 the chosen event types are chosen again", async () => {
    const webhookEvents = ["client.updated"];
    const { guard, desk } = await guarding({ id: "wh_1", url: URL, webhookEvents });
    desk.state.webhook = "missing";
    await guard();
    expect([...desk.registered.values()]).toMatchObject([{ events: webhookEvents }]);
  });

  it("SUB2 a registration that is refused is said, tried again and cleared once it works", async () => {
    const { guard, desk, status, connection, sent } = await guarding();
    desk.state.webhook = "missing";
    desk.state.refuseNew = { kind: "server_error", status: 503 };
    await guard();
    expect(await status()).toEqual({
      status: "degraded",
      statusReason: "The webhook is missing and could not be registered anew: upstream answered 503.",
    });
    expect([(await connection()).webhookId, sent]).toEqual(["wh_1", []]);
    desk.state.refuseNew = undefined;
    await guard();
    expect((await status()).status).toBe("active");
  });
});

describe("a webhook that is disabled", () => {
  it("SUB2 is registered anew, and the old one is removed", async () => {
    const { guard, desk, connection } = await guarding();
    desk.state.webhook = "disabled";
    await guard();
    expect([(await connection()).webhookId, desk.removed]).toEqual(["wh_2", ["wh_1"]]);
  });

  it("SUB2 is said to be dead only as long as it is: brought back to life upstream, all is well", async () => {
    const { guard, desk, status } = await guarding();
    desk.state.webhook = "disabled";
    desk.state.refuseNew = { kind: "server_error", status: 503 };
    await guard();
    expect((await status()).status).toBe("degraded");
    desk.state.webhook = "known";
    await guard();
    expect(await status()).toEqual({ status: "active", statusReason: undefined });
  });

  it("SUB2 registered by hand, it is the operator's to register again: that is said and nothing done", async () => {
    const { guard, desk, status, sent } = await guarding({ id: "wh_1", url: "" });
    desk.state.webhook = "disabled";
    await guard();
    expect([desk.registered.size, desk.removed, sent]).toEqual([0, [], []]);
    expect(await status()).toEqual({
      status: "degraded",
      statusReason: "The webhook is disabled; it was registered by hand and has to be again.",
    });
  });
});

describe("the outage", () => {
  it("SUB2 is noted for every kind from the oldest failure the log still shows, and swept", async () => {
    const { guard, desk, cursors, sent } = await guarding();
    const since = START - 40 * MINUTE;
    const last = { at: START, pages: 1, seen: 0, drifted: 0 };
    await cursors.put({ watermark: START, last }, "clients");
    await cursors.put({ watermark: since - 1, last }, "staff");
    desk.state.webhook = "disabled";
    desk.state.entries = [
      delivery("b", { status: "failed", createdAt: START - 10 * MINUTE }),
      delivery("a", { status: "failed", createdAt: since }),
      delivery("before", { createdAt: START - 90 * MINUTE }),
    ];
    await guard();
    expect(cursors.of("outage/clients")).toEqual({ watermark: since });
    expect(cursors.of("outage/staff")).toEqual({ watermark: since });
    expect(cursors.of("clients")).toEqual({ watermark: START, last });
    expect(sent).toEqual([SWEEP]);
  });

  it("SUB2 a sweep under way starts over from there, once", async () => {
    const { guard, desk, cursors, sweep, upstream, clock } = await guarding();
    await sweep();
    clock.pass(15 * MINUTE);
    for (let i = 0; i < 6; i++) upstream.put(`c${i}`);
    await sweep("clients", { pagesPerRun: 1 });
    expect(cursors.of().run).toBeDefined();
    desk.state.webhook = "disabled";
    desk.state.entries = [delivery("a", { status: "failed", createdAt: START - MINUTE })];
    await guard();
    upstream.lists.length = 0;
    await sweep();
    expect(Math.max(...upstream.lists.map(({ since }) => since ?? 0))).toBeLessThan(START);
    expect(cursors.of("outage/clients")).toEqual({});
    upstream.lists.length = 0;
    await sweep();
    expect(Math.min(...upstream.lists.map(({ since }) => since ?? 0))).toBeGreaterThan(START);
  });

  it("SUB2 is swept even where a sweep was just running when the guard found it", async () => {
    const { guard, desk, sweep, upstream, clock } = await guarding();
    await sweep();
    clock.pass(15 * MINUTE);
    desk.state.webhook = "disabled";
    desk.state.entries = [delivery("a", { status: "failed", createdAt: START - 60 * MINUTE })];
    const slow: typeof upstream.listChanged = async (...asked) => {
      await guard();
      return upstream.listChanged(...asked);
    };
    await sweep("clients", { listThrough: through(slow) });
    await sweep();
    const asked = upstream.lists.map(({ since }) => since ?? 0);
    expect(Math.min(...asked)).toBeLessThanOrEqual(START - 60 * MINUTE);
  });

  it("SUB2 without a failure in the log the watermarks stay, and a sweep is queued all the same", async () => {
    const { guard, desk, cursors, sent } = await guarding();
    await cursors.put({ watermark: START }, "clients");
    desk.state.webhook = "missing";
    await guard();
    expect([cursors.of("clients").watermark, sent]).toEqual([START, [SWEEP]]);
  });
});
