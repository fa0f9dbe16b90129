// Where RCMS delivers: bounded, verified, queued, and only then answered.

import { exports } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { isolateTests } from "../support/each-test.ts";
import { expectError } from "../support/errors.ts";
import { event } from "../support/events.ts";
import { createMirror, newConnectionId, secretOf } from "../support/mirror.ts";
import { signatureHeader } from "../support/sign.ts";

isolateTests();

const LIMIT = 256 * 1024;

async function connected() {
  const mirror = createMirror();
  const id = newConnectionId();
  await mirror.connect(id);
  return { mirror, id };
}

/** A delivery of exactly so many bytes. */
function padded(bytes: number): string {
  const whole = JSON.stringify({ ...event("client.updated", { client_id: "client_1" }), padding: "" });
  return `${whole.slice(0, -2)}${"x".repeat(bytes - whole.length)}"}`;
}

describe("a delivery's size", () => {
  it("IN1 a body of exactly 256 KiB is taken, one byte more is refused with 413", async () => {
    const { mirror, id } = await connected();
    const [largest, tooLarge] = [padded(LIMIT), padded(LIMIT + 1)];
    expect([largest.length, tooLarge.length]).toEqual([LIMIT, LIMIT + 1]);
    expect((await mirror.deliver(id, largest)).status).toBe(202);
    await expectError(await mirror.deliver(id, tooLarge), 413, "payload_too_large");
    expect(mirror.events).toHaveLength(1);
  });

  it("IN1 a body that never ends is left after 256 KiB, without a Content-Length to warn of it", async () => {
    const { mirror, id } = await connected();
    const chunk = new Uint8Array(16 * 1024).fill(0x20);
    let pulled = 0;
    const canceled = vi.fn();
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled += chunk.length;
        controller.enqueue(chunk.slice());
      },
      cancel: canceled,
    });
    const signature = signatureHeader(secretOf(id), Math.floor(Date.now() / 1_000), "");
    const headers = { "x-rcms-signature": signature };
    const response = await mirror.fetch(`/hooks/${id}`, { method: "POST", headers, body: endless });
    await expectError(response, 413, "payload_too_large");
    expect(canceled).toHaveBeenCalledOnce();
    expect(pulled).toBeLessThanOrEqual(LIMIT + 4 * chunk.length);
  });

  it.each([
    ["without a Content-Length", undefined],
    ["with a Content-Length that is none", "many"],
    ["with the Content-Length it has", String(100 * 1024 * 1024)],
  ])("IN1 of 100 MB %s less than 1 MB is read: 413", async (_what, length) => {
    const { mirror, id } = await connected();
    const chunk = new Uint8Array(64 * 1024).fill(0x20);
    let pulled = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled += chunk.length;
        controller.enqueue(chunk.slice());
        if (pulled >= 100 * 1024 * 1024) controller.close();
      },
    });
    const headers = {
      "x-rcms-signature": signatureHeader(secretOf(id), Math.floor(Date.now() / 1_000), ""),
      ...(length === undefined ? {} : { "content-length": length }),
    };
    const response = await mirror.fetch(`/hooks/${id}`, { method: "POST", headers, body });
    await expectError(response, 413, "payload_too_large");
    expect(pulled).toBeLessThan(1_000_000);
    expect(mirror.events).toEqual([]);
  });

  it("IN1 a body over the bound is refused whatever smaller length it was said to have", async () => {
    const { mirror, id } = await connected();
    const headers = { "content-length": "1000" };
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new Uint8Array(LIMIT + 1).fill(0x20));
        controller.close();
      },
    });
    const response = await mirror.fetch(`/hooks/${id}`, { method: "POST", headers, body });
    await expectError(response, 413, "payload_too_large");
  });

  it("IN1 a Content-Length over the bound is refused before the body is touched", async () => {
    const { mirror, id } = await connected();
    const pull = vi.fn((controller: ReadableStreamDefaultController) => controller.close());
    const response = await mirror.fetch(`/hooks/${id}`, {
      method: "POST",
      headers: { "content-length": String(LIMIT + 1) },
      body: new ReadableStream({ pull }, { highWaterMark: 0 }),
    });
    await expectError(response, 413, "payload_too_large");
    expect(pull).not.toHaveBeenCalled();
  });

  it.each(["gzip", "br", "identity"])("IN1 Content-Encoding: %s is refused with 415", async (encoding) => {
    const { mirror, id } = await connected();
    const headers = { "content-encoding": encoding };
    const response = await mirror.fetch(`/hooks/${id}`, { method: "POST", headers, body: "{}" });
    await expectError(response, 415, "unsupported_media_type");
  });
});

describe("a delivery's answer", () => {
  it("IN3 an authentic delivery is answered 202 after it was queued", async () => {
    const { mirror, id } = await connected();
    const response = await mirror.deliver(id, event("client.updated", { client_id: "client_1" }));
    expect(response.status).toBe(202);
    expect(await response.json()).toEqual({ received: true });
    expect(mirror.events).toHaveLength(1);
  });

  it("IN3 the signature covers the bytes: one byte changed is refused", async () => {
    const { mirror, id } = await connected();
    const body = JSON.stringify(event("client.updated", { client_id: "client_1" }));
    const headers = {
      "x-rcms-signature": signatureHeader(secretOf(id), Math.floor(Date.now() / 1_000), body),
    };
    const send = (sent: string) => mirror.fetch(`/hooks/${id}`, { method: "POST", headers, body: sent });
    for (const other of [`${body} `, `\ufeff${body}`, body.replace("client_1", "client_2"), ""]) {
      await expectError(await send(other), 401, "signature_invalid");
    }
    expect(mirror.events).toEqual([]);
    expect((await send(body)).status).toBe(202);
  });

  it.each([
    [-301, 401],
    [-300, 202],
    [300, 202],
    [301, 401],
  ])("IN3 a signature %i s from now is answered %i", async (offset, status) => {
    const { mirror, id } = await connected();
    const body = JSON.stringify(event("client.updated", { client_id: "client_1" }));
    const signature = signatureHeader(secretOf(id), Date.now() / 1_000 + offset, body);
    const headers = { "x-rcms-signature": signature };
    const response = await mirror.fetch(`/hooks/${id}`, { method: "POST", headers, body });
    expect(response.status).toBe(status);
  });

  it("IN4 a secret added later is accepted at once, by an isolate that knew only the old one", async () => {
    const { mirror, id } = await connected();
    const elsewhere = createMirror();
    const change = () => event("client.updated", { client_id: "client_1" });
    expect((await mirror.deliver(id, change())).status).toBe(202);
    await expectError(await mirror.deliver(id, change(), "whsec_added_later"), 401, "signature_invalid");
    const json = { signing_secret: "whsec_added_later" };
    expect((await elsewhere.admin(`/admin/connections/${id}/secrets`, { json })).status).toBe(201);
    expect((await mirror.deliver(id, change(), "whsec_added_later")).status).toBe(202);
    expect((await mirror.deliver(id, change())).status).toBe(202);
  });

  it("IN5 nothing of a delivery is parsed before its signature is proven", async () => {
    const { mirror, id } = await connected();
    const parse = vi.spyOn(JSON, "parse");
    const bodies = ["{", `{"a":${"[".repeat(9_000)}`, "\u0000", "null", '{"__proto__":{"x":1}}'];
    for (const body of bodies) {
      await expectError(await mirror.deliver(id, body, "whsec_of_another"), 401, "signature_invalid");
      expect(parse.mock.calls.map(([text]) => text)).not.toContain(body);
    }
    expect(mirror.events).toEqual([]);
  });

  it("IN6 a failing queue answers 503 with Retry-After, and nothing is acknowledged", async () => {
    const { id } = await connected();
    const refuse = () => Promise.reject(new Error("the queue is away: secret detail"));
    const mirror = createMirror({ EVENTS: { send: refuse, sendBatch: refuse } });
    const response = await mirror.deliver(id, event("client.updated", { client_id: "client_1" }));
    const error = await expectError(response, 503, "unavailable");
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(error.message).not.toContain("secret detail");
  });

  it.each([
    ["a type nobody knows", { id: "evt_x1", type: "plan.updated", data: {} }],
    ["an envelope without id", { type: "client.updated", data: { client_id: "c" } }],
    ["an envelope without data", { id: "evt_x2", type: "client.updated" }],
    ["an id that is none", { id: "evt_x3", type: "client.updated", data: { client_id: "../../etc" } }],
    ["a list", []],
    ["text", "not JSON at all"],
    ["deep nesting", "[".repeat(5_000)],
    ["a webhook.test", { id: "evt_x4", type: "webhook.test", data: {} }],
  ])("IN7 authentic but %s is taken, kept for the operator, and fetches nothing", async (_what, sent) => {
    const { mirror, id } = await connected();
    expect((await mirror.deliver(id, sent)).status).toBe(202);
    expect(await mirror.drain()).toEqual([["ack"]]);
    expect(globalThis.fetch).not.toHaveBeenCalled();
    const listed = await mirror.admin(`/admin/events?connection=${id}`);
    const { data } = await listed.json<{ data: { outcome: string }[] }>();
    expect(data.map(({ outcome }) => outcome)).toEqual([
      expect.stringMatching(/^(unknown_type|unusable|test)$/),
    ]);
  });
});

describe("a delivery's path", () => {
  it("IN3 an unknown connection and an id that can be none are 404", async () => {
    const { mirror } = await connected();
    for (const id of ["nobody", "UPPER", "a_b", "-a", "a".repeat(33), "%2e%2e", "a%00b", "é", "%ff"]) {
      const response = await mirror.deliver(
        id,
        event("client.updated", { client_id: "client_1" }),
        "whsec_x",
      );
      await expectError(response, 404, "not_found");
    }
  });

  it("IN3 other methods are 405 and say what is allowed", async () => {
    const { mirror, id } = await connected();
    for (const method of ["GET", "PUT", "PATCH", "DELETE"]) {
      const response = await mirror.fetch(`/hooks/${id}`, { method });
      await expectError(response, 405, "method_not_allowed");
      expect(response.headers.get("allow")).toBe("POST");
    }
  });

  it("IN6 the deployed entry point answers the same way, over the platform's own queue", async () => {
    const { id } = await connected();
    const body = JSON.stringify(event("webhook.test", {}));
    const headers = {
      "x-rcms-signature": signatureHeader(secretOf(id), Math.floor(Date.now() / 1_000), body),
    };
    const init = { method: "POST", headers, body };
    const response = await (exports as unknown as { default: Fetcher }).default.fetch(
      `https://mirror.test/hooks/${id}`,
      init,
    );
    expect([response.status, await response.json()]).toEqual([202, { received: true }]);
  });
});
