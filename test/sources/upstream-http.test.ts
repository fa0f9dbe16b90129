// One call to an upstream: what goes out, what comes back, and what every way of failing is called.

import { describe, expect, it } from "vitest";
import type { Failure } from "../../src/core/failure.ts";
import { limits } from "../../src/core/limits.ts";
import { upstreamHttp } from "../../src/sources/upstream-http.ts";
import { ACCOUNT, failureOf, GET, NOW, status, upstream } from "./told-upstream.ts";

describe("the request", () => {
  it("GT1 carries the key, asks for JSON and says who asks", async () => {
    const { send, requests } = upstream(Response.json({}));
    await send(GET);
    const [request] = requests;
    expect(request?.url).toBe("https://api.example.com/v1/clients/1");
    expect(Object.fromEntries(request?.headers ?? [])).toEqual({
      accept: "application/json",
      authorization: "Bearer rcms_test_canary_key",
      "user-agent": "rcms-mirror",
    });
  });

  it("SUB1 a body goes out as JSON, with the key that makes repeating it harmless", async () => {
    const { send, requests } = upstream(Response.json({}));
    await send({
      method: "POST",
      target: "/webhooks",
      body: { url: "https://m" },
      idempotencyKey: "nonce-1",
    });
    const [request] = requests;
    expect(request?.method).toBe("POST");
    expect(request?.headers.get("content-type")).toBe("application/json");
    expect(request?.headers.get("idempotency-key")).toBe("nonce-1");
    expect(await request?.json()).toEqual({ url: "https://m" });
  });

  it("SW7 redirects are never followed, and are a bad answer", async () => {
    const { send, requests } = upstream(status(302, { location: "https://evil.example/" }));
    expect(await send(GET)).toEqual({ ok: false, failure: { kind: "bad_answer", why: "redirect" } });
    expect(requests.map(({ redirect }) => redirect)).toEqual(["manual"]);
    for (const code of [301, 303, 307, 308]) {
      expect(await failureOf(status(code))).toEqual({ kind: "bad_answer", why: "redirect" });
    }
  });

  it("SW7 a target out of bounds is not called at all: the key does not leave", async () => {
    const { send, requests } = upstream(Response.json({}));
    const reply = await send({ method: "GET", target: "https://evil.example/v1/clients" });
    expect(reply).toEqual({ ok: false, failure: { kind: "bad_answer", why: "foreign_url" } });
    expect(requests).toEqual([]);
  });
});

describe("the answer", () => {
  it("WR3 tells when the call started, not when it ended, and the upstream's own time", async () => {
    const date = "Sat, 31 Jan 2026 12:00:07 GMT";
    const reply = await upstream(Response.json({ id: "1" }, { headers: { date } })).send(GET);
    expect(reply).toEqual({
      ok: true,
      value: { status: 200, startedAt: NOW, upstreamNow: NOW + 7_000, asOf: NOW, json: { id: "1" } },
    });
  });

  it("WR4 keeps numbers exactly as they came", async () => {
    const reply = await upstream(new Response('{"n":12345678901234567890}')).send(GET);
    expect(reply.ok && JSON.stringify(reply.value.json)).toBe('{"n":12345678901234567890}');
  });

  it("WR7 statuses that say something about a record are answers, and their bodies are not read", async () => {
    for (const code of [404, 405, 410]) {
      expect(await upstream(status(code)).send(GET)).toEqual({
        ok: true,
        value: { status: code, startedAt: NOW },
      });
    }
  });

  it("SUB1 an answer without a body is one without JSON", async () => {
    const reply = await upstream(new Response(null, { status: 204 })).send({
      method: "DELETE",
      target: "/webhooks/1",
    });
    expect(reply).toEqual({ ok: true, value: { status: 204, startedAt: NOW } });
  });

  it("WR8 what is not JSON, or nests too deep, is a bad answer", async () => {
    for (const text of ["<html>", "{", `${"[".repeat(100)}${"]".repeat(100)}`]) {
      expect(await failureOf(new Response(text))).toEqual({ kind: "bad_answer", why: "not_json" });
    }
  });
});

describe("failures", () => {
  const table: readonly (readonly [number, Failure])[] = [
    [400, { kind: "refused", status: 400 }],
    [401, { kind: "key_rejected" }],
    [403, { kind: "forbidden" }],
    [408, { kind: "server_error", status: 408 }],
    [409, { kind: "refused", status: 409 }],
    [422, { kind: "refused", status: 422 }],
    [425, { kind: "server_error", status: 425 }],
    [429, { kind: "rate_limited" }],
    [500, { kind: "server_error", status: 500 }],
    [503, { kind: "server_error", status: 503 }],
    [599, { kind: "server_error", status: 599 }],
  ];
  it.each(table)("WR8 a %i is known for what it is", async (code, failure) => {
    expect(await failureOf(status(code))).toEqual(failure);
  });

  it("WR8 no answer at all is unreachable: by the network, or by time", async () => {
    expect(await failureOf(new TypeError("CANARY connect refused"))).toEqual({
      kind: "unreachable",
      why: "network",
    });
    const late = new DOMException("CANARY", "TimeoutError");
    expect(await failureOf(late)).toEqual({ kind: "unreachable", why: "timeout" });
  });

  it("WR8 a connection that breaks off within the body is unreachable too", async () => {
    const broken = new ReadableStream({
      pull: (controller) => controller.error(new TypeError("CANARY reset")),
    });
    expect(await failureOf(new Response(broken))).toEqual({ kind: "unreachable", why: "network" });
  });

  it("WR8 every call has a time after which it is given up", async () => {
    const { send, timeouts, cleared, requests } = upstream(Response.json({}));
    await send(GET);
    expect(timeouts).toEqual([limits.upstreamTimeoutMs]);
    expect(cleared).toEqual(timeouts);
    expect(requests[0]?.signal).toBeDefined();
  });

  it("WR8 the time limit aborts the call itself", async () => {
    const abort = new AbortController();
    const send = upstreamHttp(
      {
        fetch: (request) =>
          new Promise((_resolve, reject) => {
            request.signal.addEventListener("abort", () => reject(request.signal.reason));
          }),
        now: () => NOW,
        timeout: () => ({ signal: abort.signal, clear: () => {} }),
      },
      ACCOUNT,
    );
    const reply = send(GET);
    abort.abort(new DOMException("late", "TimeoutError"));
    expect(await reply).toEqual({ ok: false, failure: { kind: "unreachable", why: "timeout" } });
  });

  it("PR1 nothing the upstream said is in a failure, and neither is the key", async () => {
    const answers = [
      status(400),
      status(401),
      status(429),
      status(500),
      status(302),
      new Response("CANARY"),
      new Error("CANARY"),
    ];
    const failures = JSON.stringify(await Promise.all(answers.map(failureOf)));
    expect(failures).not.toMatch(/canary/i);
  });
});
