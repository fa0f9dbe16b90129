// The canaries of the pipeline's test, and the search for them through everything the platform keeps.

import { listDurableObjectIds, runInDurableObject } from "cloudflare:test";
import { expect } from "vitest";
import { ADMIN_TOKEN, env, rowsOf, tableNames } from "../support/bindings.ts";
import { UPSTREAM_KEY } from "../support/upstream.ts";

/** What is private, by where it is put. */
export const MARK = {
  record: "kAnArI-record",
  thin: "kAnArI-of-a-thin-event",
  reminder: "kAnArI-of-a-reminder",
  user: "kAnArI-user",
  keyName: "kAnArI-key-name",
  failure: "kAnArI-of-a-failure",
  upstreamKey: UPSTREAM_KEY,
  signing: "kAnArI-signing",
  admin: ADMIN_TOKEN,
  sealing: String(env.SEALING_KEY),
  /** Filled in when they are made. */
  appKey: "",
  registered: "whsec_upstream_",
};
type Mark = keyof typeof MARK;

const marksIn = (text: string): Mark[] =>
  (Object.keys(MARK) as Mark[]).filter((mark) => text.includes(MARK[mark]));
/** Which marks are in which of the texts, by their names. */
export const found = (texts: readonly (readonly [what: string, text: string])[]) =>
  texts.flatMap(([what, text]) => marksIn(text).map((mark) => `${what}: ${mark}`));

/** Every column of every table. */
export async function inTables(): Promise<string[]> {
  const hits = new Set<string>();
  for (const table of await tableNames()) {
    for (const row of await rowsOf<Record<string, unknown>>(`SELECT * FROM ${table}`)) {
      for (const [column, value] of Object.entries(row)) {
        for (const mark of marksIn(String(value))) hits.add(`${table}.${column}: ${mark}`);
      }
    }
  }
  return [...hits].sort();
}

export async function inObjects(): Promise<string[]> {
  const texts: [string, string][] = [];
  for (const namespace of [env.WRITERS, env.GATES] as unknown as DurableObjectNamespace[]) {
    for (const object of await listDurableObjectIds(namespace)) {
      const kept = await runInDurableObject(namespace.get(object), (_, state) => state.storage.list());
      texts.push(["object", JSON.stringify([...kept])]);
    }
  }
  expect(texts.some(([, text]) => text.length > 10)).toBe(true);
  return found(texts);
}

export async function inKv(): Promise<string[]> {
  const { keys } = await env.CURSORS.list();
  expect(keys.length).toBeGreaterThan(2);
  return found(
    await Promise.all(
      keys.map(async ({ name }) => ["kv", `${name} ${await env.CURSORS.get(name)}`] as const),
    ),
  );
}
