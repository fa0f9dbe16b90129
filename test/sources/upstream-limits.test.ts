// What an upstream says about its allowance, and how much of an answer is read.

import { describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { failureOf, GET, NOW, status, upstream } from "./told-upstream.ts";

describe("Retry-After", () => {
  const waited = async (value: string) => {
    const failure = await failureOf(status(429, { "retry-after": value }));
    return failure.kind === "rate_limited" ? failure.retryAfterMs : "another failure";
  };

  it("WR8 is read as seconds", async () => {
    expect(await waited("120")).toBe(120_000);
    expect(await waited("0")).toBe(0);
  });

  it("WR8 is read as a date, counted from now; a date gone by is no wait", async () => {
    // The call took 250 ms of our clock.
    expect(await waited("Sat, 31 Jan 2026 12:01:00 GMT")).toBe(59_750);
    expect(await waited("Sat, 31 Jan 2026 11:00:00 GMT")).toBe(0);
  });

  it("WR8 that says neither is as if it were not there", async () => {
    for (const value of ["soon", "", "1.5", "-5", "5 s", "9999999999"])
      expect(await waited(value), value).toBeUndefined();
  });
});

describe("an allowance that is used up", () => {
  const hold = async (headers: Record<string, string>) => {
    const reply = await upstream(Response.json({}, { headers })).send(GET);
    return reply.ok ? reply.value.holdMs : "a failure";
  };

  it("GT1 is told with a good answer, in seconds or in unix seconds, with or without X-", async () => {
    expect(await hold({ "ratelimit-remaining": "0", "ratelimit-reset": "30" })).toBe(30_000);
    expect(await hold({ "x-ratelimit-remaining": "0", "x-ratelimit-reset": "30" })).toBe(30_000);
    const unix = String(NOW / 1_000 + 60);
    expect(await hold({ "ratelimit-remaining": "0", "ratelimit-reset": unix })).toBe(59_750);
  });

  it("GT1 is not made up where something is left or nothing is said", async () => {
    expect(await hold({})).toBeUndefined();
    expect(await hold({ "ratelimit-remaining": "1", "ratelimit-reset": "30" })).toBeUndefined();
    expect(await hold({ "ratelimit-remaining": "0" })).toBeUndefined();
    expect(await hold({ "ratelimit-remaining": "0", "ratelimit-reset": "soon" })).toBeUndefined();
    expect(await hold({ "ratelimit-remaining": "0", "ratelimit-reset": "-1" })).toBeUndefined();
  });
});

describe("size", () => {
  const chunk = new Uint8Array(1024 * 1024).fill(0x20);

  /** Sends `chunks` MiB of white space unless stopped. */
  function long(chunks: number, headers = {}) {
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent++ < chunks) controller.enqueue(chunk);
        else controller.close();
      },
    });
    return { response: new Response(body, { headers }), sent: () => sent };
  }

  it("WR8 an answer larger than allowed is a bad answer, and its rest is not read", async () => {
    const endless = long(1_000);
    expect(await failureOf(endless.response)).toEqual({ kind: "bad_answer", why: "too_large" });
    expect(endless.sent()).toBeLessThan(limits.upstreamBytes / chunk.length + 5);
  });

  it("WR8 a length told of an encoded answer is not the length of what is read", async () => {
    const headers = { "content-encoding": "gzip", "content-length": "1000" };
    const endless = long(1_000, headers);
    expect(await failureOf(endless.response)).toEqual({ kind: "bad_answer", why: "too_large" });
    expect(endless.sent()).toBeLessThan(limits.upstreamBytes / chunk.length + 5);
  });

  it("WR8 an answer of exactly what is allowed is read to its end", async () => {
    const most = long(limits.upstreamBytes / chunk.length);
    expect(await failureOf(most.response)).toEqual({ kind: "bad_answer", why: "not_json" });
  });
});
