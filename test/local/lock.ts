// One `npm start` at a time: a file with the pid of the one that runs. The state folder is wiped at each start, so
// a second copy would pull it from under the first.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { Trouble } from "./trouble.ts";

/** @returns what releases the lock @throws Trouble while another copy runs */
export function takeLock(path: string): () => void {
  mkdirSync(dirname(path), { recursive: true });
  // Twice: once to meet a stale lock, once after removing it. Losing that race again means another copy won it.
  for (let attempt = 0; attempt < 2; attempt++) {
    if (create(path)) return () => rmSync(path, { force: true });
    const pid = Number(readFileSync(path, { encoding: "utf8", flag: "a+" }));
    if (pid !== process.pid && isRunning(pid))
      throw new Trouble(
        `\`npm start\` is already running here (process ${pid}). End that one first, or delete ${path} if it is not.`,
      );
    rmSync(path, { force: true });
  }
  throw new Trouble("Another `npm start` has just started here.");
}

function create(path: string): boolean {
  try {
    writeFileSync(path, `${process.pid}\n`, { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Someone else's process: it runs, it just may not be signalled.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
