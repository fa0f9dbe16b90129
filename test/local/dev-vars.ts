// `.dev.vars`: the secrets of local work, made once with random values and never committed.

import { randomBytes } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PROJECT } from "./wrangler.ts";

/** @returns whether the file was made now */
export function ensureDevVars(): boolean {
  const path = join(PROJECT, ".dev.vars");
  if (existsSync(path)) return false;
  const lines = [
    `ADMIN_TOKEN="${randomBytes(24).toString("base64url")}"`,
    `SEALING_KEY="${randomBytes(32).toString("base64")}"`,
  ];
  writeFileSync(path, `${lines.join("\n")}\n`, { mode: 0o600 });
  return true;
}
