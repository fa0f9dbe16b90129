// `npm start` as a person starts it, except that nobody watches: its output goes into a pipe.

import { spawn } from "node:child_process";
import { createServer, type Server } from "node:net";
import { afterEach, expect, it } from "vitest";
import { freePort, requireFreePort } from "../local/ports.ts";
import { PROJECT, signalGroup } from "../local/wrangler.ts";
import { eventually } from "./eventually.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

it("LO1 npm start -- --once proves on any machine that the mirror equals the upstream", async () => {
  const rcmsPort = await freePortWithNext();
  const ports = ["--port", String(await freePort()), "--rcms-port", String(rcmsPort)];
  const { code, stdout, stderr } = await npmStart("--once", ...ports);
  expect(code, stdout + stderr).toBe(0);
  expect(stdout).toMatch(/The mirror equals the upstream: \d+ records compared, no difference\./);
  for (const type of ["client.enrolled", "assessment.scored", "staff.updated", "organization.created"])
    expect(stdout).toContain(type);
  expect(stdout + stderr).not.toContain("\u001b");
  expect(stdout).not.toContain("\r");
});

it("LO1 a port that is taken is told in one sentence, with the way out, and exit code 1", async () => {
  const taken = await listen();
  const { code, stdout, stderr } = await npmStart("--once", "--port", String(taken));
  expect(code).toBe(1);
  const ours = stderr.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("npm "));
  expect(ours).toEqual([
    `Port ${taken}, wanted for the mirror, is already in use. Choose another with \`npm start -- --port N\`.`,
  ]);
  expect(stdout).not.toContain("webhook");
});

function npmStart(...args: string[]) {
  const { FORCE_COLOR: _, ...env } = process.env;
  const child = spawn("npm", ["start", "--", ...args], {
    ...{ cwd: PROJECT, env, detached: true, stdio: ["ignore", "pipe", "pipe"] },
  });
  ends.push(() => signalGroup(child, "SIGKILL"));
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
}

async function listen(): Promise<number> {
  const port = await freePort();
  const server: Server = createServer().listen(port, "127.0.0.1");
  ends.push(() => new Promise((resolve) => server.close(resolve)));
  await eventually(() => expect(server.listening).toBe(true));
  return port;
}

/** The local RCMS's admin port is the one after its own. */
function freePortWithNext(): Promise<number> {
  return eventually(async () => {
    const port = await freePort();
    await requireFreePort(port + 1, "a test", "");
    return port;
  });
}
