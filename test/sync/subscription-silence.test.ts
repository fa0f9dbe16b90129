// Nothing heard for long: one test is asked for, and its silence is told.

import { describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { guarding, SILENCE } from "./guarding.ts";
import { MINUTE } from "./sweeping.ts";
import { START } from "./world.ts";

describe("silence", () => {
  it("SUB3 is not silence before its time, counted from the last event or from connecting", async () => {
    const { guard, desk, clock, hear } = await guarding();
    clock.pass(SILENCE - 1);
    await guard();
    expect(desk.tested).toEqual([]);
    await hear("e1");
    clock.pass(SILENCE - 1);
    await guard();
    expect(desk.tested).toEqual([]);
    clock.pass(1);
    await guard();
    expect(desk.tested).toEqual(["wh_1"]);
  });

  it("SUB3 asks for one test, and not for another while that one may still arrive", async () => {
    const { guard, desk, clock, connection, status } = await guarding();
    clock.pass(SILENCE);
    await guard();
    expect((await connection()).webhookTestedAt).toBe(START + SILENCE);
    clock.pass(limits.testEchoMs - 1);
    await guard();
    expect([desk.tested, (await status()).status]).toEqual([["wh_1"], "active"]);
  });

  it("SUB3 that not even the test breaks degrades the connection, and every round asks again", async () => {
    const { guard, desk, clock, status } = await guarding();
    clock.pass(SILENCE);
    await guard();
    clock.pass(15 * MINUTE);
    await guard();
    expect(await status()).toEqual({
      status: "degraded",
      statusReason: "Nothing was heard from RCMS for 6 h, not even the test delivery.",
    });
    clock.pass(15 * MINUTE);
    await guard();
    expect(desk.tested).toHaveLength(3);
  });

  it("SUB3 ends with whatever is heard, be it the test alone", async () => {
    const { guard, desk, clock, status, hear } = await guarding();
    clock.pass(SILENCE);
    await guard();
    clock.pass(15 * MINUTE);
    await guard();
    clock.pass(1_000);
    await hear("echo", { outcome: "test" });
    await guard();
    expect([await status(), desk.tested.length]).toEqual([{ status: "active", statusReason: undefined }, 2]);
    clock.pass(SILENCE);
    await guard();
    expect(desk.tested).toHaveLength(3);
    expect((await status()).status).toBe("active");
  });

  it("SUB3 is listened for even while the upstream's log cannot be read", async () => {
    const { guard, desk, clock, status } = await guarding();
    desk.state.failure = { kind: "server_error", status: 500 };
    clock.pass(SILENCE);
    await guard();
    clock.pass(15 * MINUTE);
    await guard();
    expect([desk.tested.length, (await status()).status]).toEqual([2, "degraded"]);
  });

  it("SUB3 of a webhook nobody told us of cannot be tested, and is not called silence", async () => {
    const { guard, desk, clock, status, connection } = await guarding({ url: "" });
    clock.pass(10 * SILENCE);
    await guard();
    expect([desk.tested, (await connection()).webhookTestedAt]).toEqual([[], undefined]);
    expect((await status()).status).toBe("active");
  });
});
