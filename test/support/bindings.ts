// The worker's bindings as the tests inside workerd see them, and its schema applied to their database.

import { applyD1Migrations, type D1Migration } from "cloudflare:test";
import { env as bound } from "cloudflare:workers";
import type { Env } from "../../src/cloudflare/env.ts";

// The pool types its environment by a generated declaration that this project does not keep.
export const env = bound as unknown as Env & { readonly MIGRATIONS: D1Migration[] };

export const ADMIN_TOKEN = String(env.ADMIN_TOKEN);

export function migrate(): Promise<void> {
  return applyD1Migrations(env.DB, env.MIGRATIONS);
}

/** Every table of the mirror's own. */
export async function tableNames(): Promise<string[]> {
  const { results } = await env.DB.prepare(
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB '_cf_*' AND name NOT GLOB 'sqlite_*'",
  ).all<{ name: string }>();
  return results.map(({ name }) => name).filter((name) => name !== "d1_migrations");
}

export async function rowsOf<T>(sql: string, ...parameters: unknown[]): Promise<T[]> {
  const { results } = await env.DB.prepare(sql)
    .bind(...parameters)
    .all<T>();
  return results;
}
