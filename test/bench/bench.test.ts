// The bench's own arithmetic, and that it believes no answer it has not checked. What it measures is no test.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { ROOT } from "../house/sources.ts";
import { each, NOTHING, queueOperations, sum } from "./counts.ts";
import { load } from "./http-connections.ts";
import { get, post } from "./load.ts";
import { billBeyondPlan, billOf, shownBill } from "./prices.ts";
import { asMarkdown, asText, row, writeReadme } from "./report.ts";
import { figure, percentile } from "./statistics.ts";

describe("figures", () => {
  it("CO2 are medians with the least and the most, never means, and never of nothing", () => {
    expect(figure([9, 1, 2])).toEqual({ median: 2, low: 1, high: 9, count: 3 });
    expect(figure([4, 2]).median).toBe(3);
    expect(() => figure([])).toThrow("nothing was measured");
    const hundred = Array.from({ length: 101 }, (_, n) => n);
    expect([percentile(hundred, 0.5), percentile(hundred, 0.99), percentile(hundred, 1)]).toEqual([
      50, 99, 100,
    ]);
  });

  it("CO2 meet their aim or say that they do not", () => {
    const shown = { what: "w", against: "a", unit: " ×" };
    const met = (value: number, aim: object) => row(value, { ...shown, aim }).met;
    expect([met(0.85, { atLeast: 0.85 }), met(0.84, { atLeast: 0.85 })]).toEqual([true, false]);
    expect([met(6, { atMost: 6 }), met(6.01, { atMost: 6 })]).toEqual([true, false]);
    expect([met(Number.NaN, { atLeast: 0 }), met(Number.NaN, { atMost: 9 })]).toEqual([false, false]);
    const rows = [row(figure([1, 2, 4]), { ...shown, aim: { atMost: 1 } }), row(1, shown)];
    expect(asMarkdown(rows).split("\n").slice(2)).toEqual([
      "| w | a | 2.00 × | 1.00 – 4.00, n 3 | ≤ 1 × | NO |",
      "| w | a | 1.00 × | counted |  |  |",
    ]);
    expect(asText(rows).split("\n")[1]).toBe("w     a        2.00 ×    1.00 – 4.00, n 3  ≤ 1 ×  NO");
  });
});

describe("the table in the README", () => {
  it("CO2 is replaced as a whole, and nothing around it", () => {
    const folder = mkdtempSync(join(tmpdir(), "rcms-mirror-readme-"));
    const path = join(folder, "README.md");
    try {
      writeFileSync(path, "before\n<!-- bench -->\n<!-- /bench -->\nafter $1\n");
      for (const table of ["| long | table |\n| $& | $1 |", "| short |"]) {
        writeReadme(path, table);
        expect(readFileSync(path, "utf8")).toBe(
          `before\n<!-- bench -->\n\n${table}\n\n<!-- /bench -->\nafter $1\n`,
        );
      }
      writeFileSync(path, "nothing");
      expect(() => writeReadme(path, "x")).toThrow("no place for the table");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    expect(readFileSync(join(ROOT, "README.md"), "utf8")).toMatch(/<!-- bench -->[\s\S]*<!-- \/bench -->/);
  });
});

describe("prices", () => {
  const counts = { ...NOTHING, requests: 2, queueSends: 1, queueReads: 1, rowsWritten: 6, objectRequests: 2 };

  it("CO2 are of what was counted: every unit of it, once", () => {
    expect(billOf(counts, 1_000_000).dollars).toBeCloseTo(2 * 0.3 + 3 * 0.4 + 6 + 2 * 0.15, 9);
    expect(shownBill(billOf(counts, 1_000_000))).toBe(
      "rows written $6.00, queue operations $1.20, worker requests $0.60, object requests $0.30",
    );
    const rest = { ...NOTHING, rowsRead: 1_000, kvReads: 1, kvWrites: 1, objectMs: 1_000 };
    expect(billOf(rest, 1_000_000).dollars).toBeCloseTo(1 + 0.5 + 5 + 0.128 * 12.5, 9);
  });

  it("CO2 of a month begin where the plan ends", () => {
    expect(billBeyondPlan({ ...NOTHING, objectRequests: 1_000_000 }).dollars).toBe(0);
    expect(billBeyondPlan({ ...NOTHING, objectRequests: 3_000_000 }).dollars).toBeCloseTo(0.3, 9);
  });

  it("CO2 a message is written, read and deleted, and read again when it comes again", () => {
    expect(queueOperations({ ...NOTHING, queueSends: 10, queueReads: 10 })).toBe(30);
    expect(queueOperations({ ...NOTHING, queueSends: 10, queueReads: 13 })).toBe(33);
    expect(sum(each(counts, 2), each(counts, 2))).toEqual(counts);
  });
});

describe("the load generator", () => {
  let server: Server | undefined;
  afterEach(() => server?.close());

  async function serving(listener: RequestListener): Promise<number> {
    const started = createServer(listener);
    server = started;
    await new Promise<void>((resolve) => started.listen(0, "127.0.0.1", resolve));
    return (started.address() as AddressInfo).port;
  }

  it("CO2 asks everything once, keeps its connections and times each answer", async () => {
    const asked: string[] = [];
    const sockets = new Set<unknown>();
    const port = await serving((request, response) => {
      sockets.add(request.socket);
      const parts: string[] = [];
      request.on("data", (chunk) => parts.push(String(chunk)));
      request.on("end", () => {
        asked.push(`${request.method} ${request.url} ${parts.join("")}`);
        if (request.url === "/same") response.writeHead(304).end();
        else if (request.method === "GET") response.end("whole");
        // Without a length it comes in chunks.
        else response.writeHead(202).write("one,", () => response.end("two"));
      });
    });
    const requests = [
      get("/a", {}, { status: 200, body: "whole" }),
      get("/same", { "if-none-match": '"x"' }, { status: 304 }),
      post("/b", {}, "Ärger", { status: 202, body: "one,two" }),
      get("/c", {}, { status: 200, contains: "hol" }),
    ];
    const { latenciesMs, elapsedMs } = await load(port, 2, requests);
    expect(asked.sort()).toEqual(["GET /a ", "GET /c ", "GET /same ", "POST /b Ärger"]);
    expect(sockets.size).toBe(2);
    expect(latenciesMs).toHaveLength(4);
    expect(elapsedMs).toBeGreaterThanOrEqual(Math.max(...latenciesMs));
  });

  it.each([
    ["another status", { status: 202 }],
    ["another body", { status: 200, body: "whol" }],
    ["a part that is missing", { status: 200, contains: "part" }],
  ])("CO2 measures nothing when an answer has %s", async (_, expected) => {
    const port = await serving((_request, response) => void response.end("whole"));
    await expect(load(port, 1, [get("/a", {}, expected)])).rejects.toThrow(
      "GET /a HTTP/1.1 was answered 200 whole",
    );
  });

  it("CO2 measures nothing when a connection is cut", async () => {
    const port = await serving((request) => void request.socket.destroy());
    await expect(load(port, 1, [get("/a", {}, { status: 200 })])).rejects.toThrow("closed before an answer");
  });
});
