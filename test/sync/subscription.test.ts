// The upstream's own log held against the ledger: what failed, what never arrived, what is said of it.

import { describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { delivery, evt, guarding } from "./guarding.ts";
import { MINUTE } from "./sweeping.ts";
import { HERE, START } from "./world.ts";

const failing = (id: string, attempts: number) => delivery(id, { status: "failed", attempts });

describe("the report", () => {
  it("SUB2 tells failures, failures in a row, and what is called delivered but is not in the ledger", async () => {
    const { report, desk, hear, clock } = await guarding();
    await hear("here");
    clock.pass(10 * MINUTE);
    const entries = [
      delivery("waiting", { status: "pending", attempts: 2 }),
      failing("lost", 9),
      delivery("here"),
      delivery("never"),
      failing("older", 9),
    ];
    desk.state.entries = entries;
    expect(await report()).toEqual({
      ok: true,
      value: {
        webhook: "active",
        deliveries: 5,
        failed: [entries[1], entries[4]],
        failuresInARow: 11,
        missing: [entries[3]],
      },
    });
  });

  it("SUB2 parked events are accounted for, and what was just delivered may still be on its way", async () => {
    const { report, desk, hear, clock } = await guarding();
    await hear("parked", { outcome: "parked" });
    clock.pass(limits.webhookDueMs);
    desk.state.entries = [
      delivery("fresh", { createdAt: START + 1 }),
      delivery("edge", { createdAt: START }),
      delivery("parked", { createdAt: START }),
      delivery("due", { createdAt: START - 1 }),
      { type: "unreadable", status: "delivered", attempts: 1, createdAt: START - 1 },
    ];
    expect(await report()).toMatchObject({ value: { missing: [{ eventId: evt("due") }] } });
  });

  it("SUB2 reading it changes nothing", async () => {
    const { report, desk, status, sent, lines, memory } = await guarding();
    const before = await memory.connections.get(HERE);
    desk.state.webhook = "disabled";
    desk.state.entries = [failing("a", 9)];
    expect(await report()).toMatchObject({ value: { webhook: "disabled" } });
    expect([await memory.connections.get(HERE), sent, lines, desk.registered.size]).toEqual([
      before,
      [],
      [],
      0,
    ]);
    expect((await status()).status).toBe("active");
  });

  it("SUB2 a webhook that is gone is missing, one nobody told us of is unknown and asks nothing", async () => {
    const { report, desk } = await guarding();
    desk.state.webhook = "missing";
    expect(await report()).toMatchObject({ value: { webhook: "missing", missing: [], failed: [] } });
    const byHand = await guarding({ url: "" });
    byHand.desk.state.failure = { kind: "forbidden" };
    expect(await byHand.report()).toMatchObject({ value: { webhook: "unknown", deliveries: 0 } });
  });

  it("SUB2 fifty failures in a row are a dead webhook, whatever it calls itself", async () => {
    const { report, desk } = await guarding();
    const nines = (count: number) => Array.from({ length: count }, (_, i) => failing(`e${i}`, 7));
    desk.state.entries = nines(7);
    expect(await report()).toMatchObject({ value: { webhook: "active", failuresInARow: 49 } });
    desk.state.entries = nines(8);
    expect(await report()).toMatchObject({ value: { webhook: "disabled", failuresInARow: 56 } });
  });
});

describe("the guard", () => {
  it("SUB2 failures degrade the connection until deliveries succeed again", async () => {
    const { guard, desk, status, hear } = await guarding();
    await hear("good");
    desk.state.entries = [failing("bad", 4), delivery("good")];
    await guard();
    expect(await status()).toEqual({
      status: "degraded",
      statusReason: "The last 4 deliveries of RCMS failed.",
    });
    desk.state.entries = [delivery("good"), failing("bad", 4)];
    await guard();
    expect(await status()).toEqual({ status: "active", statusReason: undefined });
  });

  it("SUB2 a delivery missing from the ledger degrades the connection until it is there", async () => {
    const { guard, desk, status, hear, clock, lines } = await guarding();
    desk.state.entries = [delivery("never")];
    clock.pass(5 * MINUTE);
    await guard();
    expect((await status()).statusReason).toBe("1 deliveries that RCMS calls done are not in the ledger.");
    expect(lines).toEqual([`warn deliveries_missing {"connection":"here","count":1}`]);
    await hear("never");
    await guard();
    expect((await status()).status).toBe("active");
  });

  it("SUB2 a log that cannot be read changes nothing that is said of the webhook", async () => {
    const { guard, desk, status, hear } = await guarding();
    await hear("good");
    desk.state.entries = [failing("bad", 4), delivery("good")];
    await guard();
    desk.state.failure = { kind: "server_error", status: 500 };
    await guard();
    expect((await status()).status).toBe("degraded");
    const calm = await guarding();
    calm.desk.state.failure = { kind: "server_error", status: 500 };
    await calm.guard();
    expect([(await calm.status()).status, calm.desk.registered.size]).toEqual(["active", 0]);
  });

  it("SUB2 all is well: nothing is said, sent or registered", async () => {
    const { guard, desk, status, sent, lines, hear, clock } = await guarding();
    await hear("good");
    clock.pass(5 * MINUTE);
    desk.state.entries = [delivery("good")];
    await guard();
    expect([(await status()).status, sent, lines]).toEqual(["active", [], []]);
    expect([desk.registered.size, desk.removed, desk.tested]).toEqual([0, [], []]);
  });
});
