// `.dev.vars`: the secrets of local work, made once with random values and never committed.

import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { Trouble } from "./trouble.ts";
import { PROJECT } from "./wrangler.ts";

const PATH = join(PROJECT, ".dev.vars");

/** @returns whether the file was made now */
export function ensureDevVars(): boolean {
  if (existsSync(PATH)) return false;
  const lines = [
    `ADMIN_TOKEN="${randomBytes(24).toString("base64url")}"`,
    `SEALING_KEY="${randomBytes(32).toString("base64")}"`,
  ];
  writeFileSync(PATH, `${lines.join("\n")}\n`, { mode: 0o600 });
  return true;
}

/** @throws Trouble when the file names none */
export function localAdminToken(): string {
  const token = parseEnv(readFileSync(PATH, "utf8")).ADMIN_TOKEN;
  if (token !== undefined && token !== "") return token;
  throw new Trouble(
    "`.dev.vars` holds no ADMIN_TOKEN. Delete the file to have a new one made, or add one of at least 24 characters.",
  );
}
