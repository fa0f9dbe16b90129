// From a delivery to the queue: what is let in, what is sent, and when a yes is said.

import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { rcms } from "../../src/sources/rcms/rcms.ts";
import type { Delivery, Source } from "../../src/sources/source.ts";
import type { EventMessage } from "../../src/sync/messages.ts";
import { type ReceiveDeps, receive } from "../../src/sync/receive.ts";
import type { Receiver } from "../../src/sync/stores.ts";
import { delivery, SECRET, SENT_AT, signatureHeader } from "../sources/signed.ts";
import { unremembered } from "./receivers.ts";
import { connectionOf, HERE } from "./world.ts";

const NOW = SENT_AT * 1_000;
const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

function setUp(replaced: Partial<ReceiveDeps> = {}, secrets: readonly string[] = [SECRET]) {
  const sent: (readonly EventMessage[])[] = [];
  const rereads: string[] = [];
  const receiver: Receiver = { id: HERE, source: "rcms", signingSecrets: secrets };
  const deps: ReceiveDeps = {
    now: () => NOW,
    receivers: unremembered(
      async (id) => (id === HERE ? receiver : undefined),
      async (id) => {
        rereads.push(id);
        return undefined;
      },
    ),
    source: () => rcms,
    send: async (messages) => void sent.push(messages),
    digest,
    ...replaced,
  };
  return { sent, rereads, receive: (one: Delivery, id = HERE) => receive(deps, id, one) };
}

const body = (data: object, more: object = {}) =>
  JSON.stringify({ id: "evt_1", type: "client.updated", created_at: "2030-03-17T17:46:39Z", data, ...more });
const CLIENT = body({ client_id: "c1" });

describe("an authentic delivery", () => {
  it("IN4 is let in by a secret that is remembered, and nothing is read", async () => {
    const held = (): Receiver => ({ id: HERE, source: "rcms", signingSecrets: [SECRET] });
    const never = () => Promise.reject(new Error("asked"));
    const { receive: take } = setUp({ receivers: { ...unremembered(never), held } });
    expect(await take(delivery(CLIENT))).toEqual({ result: "queued" });
  });

  it("IN9 is sent as ids and times, and nothing else of it", async () => {
    const { sent, receive: take } = setUp();
    const text = body({ client_id: "c1", first_name: "CANARY" }, { organization_id: "o1" });
    expect(await take(delivery(text))).toEqual({ result: "queued" });
    expect(sent).toEqual([
      [
        {
          connection: "here",
          eventId: "evt_1",
          type: "client.updated",
          createdAt: Date.parse("2030-03-17T17:46:39Z"),
          receivedAt: NOW,
          organizationId: "o1",
          what: { is: "changed", ref: { kind: "clients", id: "c1" } },
        },
      ],
    ]);
  });

  it("IN6 is accepted only once the queue has accepted it", async () => {
    const queue = Promise.withResolvers<void>();
    let received: unknown;
    const { receive: take } = setUp({ send: () => queue.promise });
    const answer = take(delivery(CLIENT)).then((result) => {
      received = result;
    });
    // Every step before the queue is done when a second delivery has gone all the way.
    await setUp().receive(delivery(CLIENT));
    await setUp().receive(delivery(CLIENT));
    expect(received).toBeUndefined();
    queue.resolve();
    await answer;
    expect(received).toEqual({ result: "queued" });
  });

  it("IN6 that the queue refuses is not accepted", async () => {
    const { receive: take } = setUp({ send: () => Promise.reject(new Error("away")) });
    expect(await take(delivery(CLIENT))).toEqual({ result: "queue_refused" });
  });

  it("IN7 of unknown type or without use is queued for the operator", async () => {
    const { sent, receive: take } = setUp();
    expect(await take(delivery(body({}, { type: "client.merged" })))).toEqual({ result: "queued" });
    expect(await take(delivery("CANARY is no envelope"))).toEqual({ result: "queued" });
    expect(sent.flat().map(({ type, what }) => [type, what])).toEqual([
      ["client.merged", { is: "unknown", why: "type" }],
      ["unreadable", { is: "unknown", why: "envelope" }],
    ]);
    expect(JSON.stringify(sent)).not.toContain("CANARY");
  });

  it("IN8 is known by the id in its body, or by its bytes where it has none; never by a header", async () => {
    const { sent, receive: take } = setUp();
    const none = JSON.stringify({ type: "client.updated", data: { client_id: "c1" } });
    const one = delivery(none);
    const headed: Delivery = {
      body: one.body,
      header: (name) => (name === "x-rcms-event-id" ? "evt_header" : one.header(name)),
    };
    await take(one);
    await take(headed);
    await take(delivery(`${none} `));
    await take(delivery(CLIENT));
    const ids = sent.flat().map(({ eventId }) => eventId);
    expect(ids[0]).toBe(`bytes:${digest(one.body)}`);
    expect(ids[1]).toBe(ids[0]);
    expect(ids[2]).not.toBe(ids[0]);
    expect(ids[3]).toBe("evt_1");
  });
});

describe("a delivery that is not let in", () => {
  it("IN2 is refused with its reason, and nothing is queued", async () => {
    const { sent, receive: take } = setUp();
    const cases = [
      [delivery(CLIENT, null), "missing"],
      [delivery(CLIENT, "t=1,v1=x"), "malformed"],
      [delivery(CLIENT, signatureHeader(CLIENT, SENT_AT - 301)), "too_old"],
      [delivery(CLIENT, signatureHeader(CLIENT, SENT_AT + 301)), "too_new"],
      [delivery(CLIENT, signatureHeader(CLIENT, SENT_AT, "another")), "wrong"],
    ] as const;
    for (const [one, why] of cases) expect(await take(one)).toEqual({ result: "rejected", why });
    expect(sent).toEqual([]);
  });

  it("IN5 is never parsed", async () => {
    const unread: Source = {
      ...rcms,
      parse: () => {
        throw new Error("parsed before it was proven");
      },
    };
    const { receive: take } = setUp({ source: () => unread });
    expect(await take(delivery(CLIENT, signatureHeader(CLIENT, SENT_AT, "another")))).toMatchObject({
      result: "rejected",
    });
    await expect(take(delivery(CLIENT))).rejects.toThrow("parsed");
  });

  it("IN2 for a connection nobody made is unknown, before anything is computed", async () => {
    const { sent, rereads, receive: take } = setUp();
    expect(await take(delivery(CLIENT), connectionOf("elsewhere"))).toEqual({ result: "unknown_connection" });
    expect([sent, rereads]).toEqual([[], []]);
  });
});

describe("a secret added since the connection was last read", () => {
  const oldest: Receiver = { id: HERE, source: "rcms", signingSecrets: ["oldest"] };
  const fresh: Receiver = { id: HERE, source: "rcms", signingSecrets: ["newest", SECRET] };

  it("IN4 is looked for once more before a signature is refused", async () => {
    let rereads = 0;
    const receivers = unremembered(
      async () => oldest,
      async () => {
        rereads++;
        return fresh;
      },
    );
    const { receive: take } = setUp({ receivers });
    expect(await take(delivery(CLIENT, signatureHeader(CLIENT, SENT_AT, "newest")))).toEqual({
      result: "queued",
    });
    expect(await take(delivery(CLIENT, signatureHeader(CLIENT, SENT_AT, "forged")))).toEqual({
      result: "rejected",
      why: "wrong",
    });
    expect(rereads).toBe(2);
  });

  it("IN4 is not looked for while the ration is spent", async () => {
    const receivers = {
      ...unremembered(
        async () => oldest,
        async () => fresh,
      ),
      mayReread: () => false,
    };
    const { receive: take } = setUp({ receivers });
    const newest = signatureHeader(CLIENT, SENT_AT, "newest");
    expect(await take(delivery(CLIENT, newest))).toEqual({ result: "rejected", why: "wrong" });
  });

  it("IN4 is not looked for when the signature matches, or could match no secret", async () => {
    const { rereads, receive: take } = setUp();
    await take(delivery(CLIENT));
    await take(delivery(CLIENT, null));
    await take(delivery(CLIENT, "potato"));
    await take(delivery(CLIENT, signatureHeader(CLIENT, SENT_AT - 301)));
    expect(rereads).toEqual([]);
  });

  it("IN4 that cannot be looked for any more leaves the refusal", async () => {
    const { rereads, receive: take } = setUp({}, ["oldest"]);
    expect(await take(delivery(CLIENT))).toEqual({ result: "rejected", why: "wrong" });
    expect(rereads).toEqual(["here"]);
  });
});

describe("a full payload", () => {
  const reminder = async (data: object) => {
    const { sent, receive: take } = setUp();
    await take(delivery(body(data, { type: "assessment.due_soon" })));
    const [message] = sent.flat();
    if (message?.what.is !== "record") throw new Error("it is a reminder");
    return { message, payload: message.what.payload, bytes: Buffer.byteLength(JSON.stringify(message)) };
  };
  /** A queue message may hold 128 KB; over 64 KB it bills double. */
  const AMPLE = 64 * 1024;

  it("IN9 rides along whole", async () => {
    const data = { client_id: "c1", assessment_id: "a1", nested: { due: "2030-04-01", list: [1, 2] } };
    expect((await reminder(data)).payload).toEqual(data);
  });

  it("IN9 larger than the queue carries is cut to its short fields, not lost", async () => {
    const { payload, bytes } = await reminder({
      client_id: "c1",
      essay: "x".repeat(limits.fullPayloadBytes),
      due: "soon",
    });
    expect(payload).toEqual({ client_id: "c1", due: "soon" });
    expect(bytes).toBeLessThan(AMPLE);
  });

  it("IN9 is measured in bytes, as the queue does", async () => {
    const { bytes } = await reminder({
      client_id: "c1",
      essay: "漢".repeat(limits.fullPayloadBytes - 1_000),
    });
    expect(bytes).toBeLessThan(AMPLE);
  });

  it("IN9 is cut however long its names are", async () => {
    const long = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`${i}${"n".repeat(4_000)}`, i]));
    expect((await reminder({ ...long, client_id: "c1" })).bytes).toBeLessThan(AMPLE);
  });

  it("RM1 keeps its client, whatever else is cut", async () => {
    const many = Object.fromEntries(
      Array.from({ length: 2_000 }, (_, i) => [`field_${i}`, "a value of some length"]),
    );
    expect((await reminder({ ...many, client_id: "c1" })).payload).toMatchObject({ client_id: "c1" });
  });
});
