// How the runtime frames a request, through a real socket: what `core/bounded.ts` relies on for a length that is told.

import { mkdtempSync, rmSync } from "node:fs";
import { connect as open } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createBundles } from "../bench/bundles.ts";
import { connect } from "../bench/mirrored.ts";
import { type BenchSystem, startSystem } from "../bench/system.ts";

const folder = mkdtempSync(join(tmpdir(), "rcms-mirror-framing-"));
let system: BenchSystem;

beforeAll(async () => {
  system = await startSystem(createBundles(folder), [{ runs: "mirror" }]);
  await connect(system.worker("mirror"));
}, 120_000);

afterAll(async () => {
  await system.close();
  rmSync(folder, { recursive: true, force: true });
});

const SPACES = " ".repeat(300 * 1024);
const CHUNK = `${SPACES.length.toString(16)}\r\n${SPACES}\r\n`;

it.each([
  ["more than was told: the rest is no body", ["content-length: 1000"], SPACES, 401],
  ["a length and chunks: the chunks count", ["content-length: 10", "transfer-encoding: chunked"], CHUNK, 413],
  ["two lengths", ["content-length: 10", "content-length: 20"], SPACES, 400],
  ["a length that is none", ["content-length: +10"], SPACES, 400],
])("IN1 %s", async (_what, headers, body, status) => {
  const signature = `x-rcms-signature: t=${Math.floor(Date.now() / 1_000)},v1=${"a".repeat(64)}`;
  const head = ["POST /hooks/bench HTTP/1.1", "host: framing.test", signature, ...headers];
  expect(await statusOf([...head, "", body].join("\r\n"))).toBe(status);
});

/** Of the first answer to what is sent. */
function statusOf(sent: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = open(system.worker("mirror").port, "127.0.0.1", () => socket.write(sent));
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("closed without an answer")));
    socket.once("data", (data) => {
      resolve(Number(/^HTTP\/1\.1 (\d{3}) /.exec(data.toString("latin1"))?.[1]));
      socket.destroy();
    });
  });
}
