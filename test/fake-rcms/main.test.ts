// The command line, run as a user runs it.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import process from "node:process";
import { expect, it } from "vitest";
import { call, rows } from "./fixture.ts";

const MAIN = new URL("./main.ts", import.meta.url).pathname;

function run(...args: string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const said = { out: "", err: "" };
  child.stdout.on("data", (chunk) => {
    said.out += String(chunk);
  });
  child.stderr.on("data", (chunk) => {
    said.err += String(chunk);
  });
  return { child, said };
}

async function exitCode(child: ChildProcess): Promise<number | null> {
  const [code] = await once(child, "close");
  return typeof code === "number" ? code : null;
}

it("FK5 the command line prints working URLs and a key, and leaves quietly when asked to", async () => {
  const { child, said } = run("--port", "0", "--admin-port", "0", "--seed-clients", "3");
  while (!/API key +\S+\n/.test(said.out)) await once(child.stdout, "data");
  const [url, admin, key] = said.out.match(/http\S+|rcms_test_\w+/g) ?? [];
  expect(rows((await call(`${url}/clients`, { key: key ?? "" })).body)).toHaveLength(3);
  expect((await call(String(admin))).body).toMatchObject({ id: "default", api_key: key, base_url: url });
  child.kill("SIGTERM");
  expect(await exitCode(child)).toBe(0);
});

it("FK5 a port in use or a wrong option ends the command line with one sentence and exit code 1", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const address = taken.address();
  const port = typeof address === "object" ? String(address?.port) : "";
  const [busy, wrong] = [run("--port", port, "--admin-port", "0"), run("--port", "many")];
  expect(await Promise.all([exitCode(busy.child), exitCode(wrong.child)])).toEqual([1, 1]);
  expect(busy.said.err).toBe(`Port ${port} is already in use; choose others with --port and --admin-port.\n`);
  expect(wrong.said.err).toBe('--port must be a number from 0 to 65535, not "many".\n');
  taken.close();
});
