// A delivery answered before the router gets the router's answer to the byte, and no invocation of it.

import { beforeAll, describe, expect, it, vi } from "vitest";
import { errorAnswer } from "../../src/api/errors.ts";
import { preparedError } from "../../src/api/prepared.ts";
import { isolateTests } from "../support/each-test.ts";
import { event } from "../support/events.ts";
import { createMirror, newConnectionId, secretOf } from "../support/mirror.ts";
import { signatureHeader } from "../support/sign.ts";

isolateTests();

const REQUEST_ID = "request-of-this-test";
let refusing = false;
const mirror = createMirror({
  EVENTS: {
    async send() {
      if (refusing) throw new Error("the queue is away");
    },
  },
});
const id = newConnectionId();
beforeAll(() => mirror.connect(id));

const body = JSON.stringify(event("client.updated", { client_id: "client_1" }));
const signed = (secret: string) => ({
  "x-rcms-signature": signatureHeader(secret, Math.floor(Date.now() / 1_000), body),
});

/** An escape in the path is left to the router, and means the same there. */
const escaped = (path: string) =>
  path.replace(/\/(\w)([^/]*)$/, (_, first: string, rest: string) => {
    return `/%${first.charCodeAt(0).toString(16)}${rest}`;
  });

async function told(path: string, init: RequestInit): Promise<string> {
  const headers = { ...(init.headers as Record<string, string>), "x-request-id": REQUEST_ID };
  const response = await mirror.fetch(path, { method: "POST", body, ...init, headers });
  const lines = [...response.headers].map((pair) => pair.join(": ")).sort();
  return [response.status, ...lines, await response.text()].join("\n");
}

describe("before the router and in it", () => {
  it.each([
    ["202 for what is signed", 202, () => ({ headers: signed(secretOf(id)) }), `/hooks/${id}`],
    ["401 for what is forged", 401, () => ({ headers: signed("whsec_other") }), `/hooks/${id}`],
    ["401 without a signature", 401, () => ({}), `/hooks/${id}`],
    ["404 for nobody's connection", 404, () => ({ headers: signed(secretOf(id)) }), "/hooks/nobody"],
    ["404 for what is no connection's id", 404, () => ({ headers: signed(secretOf(id)) }), "/hooks/no.id"],
    [
      "415 for a body that is encoded",
      415,
      () => ({ headers: { "content-encoding": "gzip" } }),
      `/hooks/${id}`,
    ],
    ["413 for a body too large", 413, () => ({ body: "x".repeat(256 * 1024 + 1) }), `/hooks/${id}`],
    ["405 for another method", 405, () => ({ method: "PUT" }), `/hooks/${id}`],
  ] as const)("IN6 %s", async (_what, status, init, path) => {
    const first = await told(path, init());
    expect(first.split("\n")[0]).toBe(String(status));
    expect(await told(escaped(path), init())).toBe(first);
    expect(await told(`${path}?a=b`, init())).toBe(first);
    expect(first).toContain(`x-request-id: ${REQUEST_ID}`);
  });

  it("IN6 503 and when to come again for what the queue refuses, both ways", async () => {
    refusing = true;
    const first = await told(`/hooks/${id}`, { headers: signed(secretOf(id)) });
    expect(first).toMatch(/^503\n[\s\S]*retry-after: 30/);
    expect(await told(escaped(`/hooks/${id}`), { headers: signed(secretOf(id)) })).toBe(first);
    refusing = false;
  });

  it("IN6 an error nobody expected is answered without a word of it", async () => {
    const stream = new ReadableStream({
      pull() {
        throw new Error("what must not be told");
      },
    });
    const lines = vi.spyOn(console, "error").mockImplementation(() => {});
    const answer = await told(`/hooks/${id}`, { headers: signed(secretOf(id)), body: stream });
    expect(answer).toMatch(/^500\n[\s\S]*"code":"internal"/);
    expect(answer + JSON.stringify(lines.mock.calls)).not.toContain("must not");
    lines.mockRestore();
  });

  it("IN6 an answer without a context has the request's id in its header", async () => {
    const answer = errorAnswer(
      { code: "conflict", message: "m", headers: { "retry-after": "1" } },
      REQUEST_ID,
    );
    expect([answer.status, answer.headers.get("retry-after"), answer.headers.get("x-request-id")]).toEqual([
      409,
      "1",
      REQUEST_ID,
    ]);
  });

  it("PR5 an error made once is, for each request, the one that is made anew", async () => {
    const refusal = {
      code: "not_found",
      message: 'a "quoted" {word}',
      headers: { "retry-after": "1" },
    } as const;
    const once = preparedError(refusal);
    for (const requestId of ["request-1", "request-2", "request-1"]) {
      const made = once(requestId);
      const anew = errorAnswer(refusal, requestId);
      expect([made.status, [...made.headers]]).toEqual([anew.status, [...anew.headers]]);
      expect(await made.text()).toBe(await anew.text());
    }
  });

  it("PR5 deliveries answered side by side have each its own request's id", async () => {
    const ids = Array.from({ length: 20 }, (_, n) => `request-${n}`);
    const answers = await Promise.all(
      ids.map((requestId, n) => {
        const headers = { ...signed(n % 2 === 0 ? secretOf(id) : "whsec_other"), "x-request-id": requestId };
        return mirror.fetch(`/hooks/${id}`, { method: "POST", body, headers });
      }),
    );
    expect(answers.map(({ status }) => status)).toEqual(ids.map((_, n) => (n % 2 === 0 ? 202 : 401)));
    expect(answers.map(({ headers }) => headers.get("x-request-id"))).toEqual(ids);
    for (const [n, answer] of answers.entries()) {
      if (n % 2 === 1) expect(await answer.text()).toContain(`"request_id":"request-${n}"`);
    }
  });
});
