// The OpenAPI document, for programs and for people. Both are the same in every isolate: made at the first request
// and kept, so that a deploy that nobody reads about costs nothing.

import type { Context, Hono } from "hono";
import { base64 } from "../core/base64.ts";
import { isNotModified } from "./cache-headers.ts";
import type { AppEnv } from "./deps.ts";
import { docsPage } from "./docs-page.ts";
import { docsStyle } from "./docs-style.ts";
import { openApiDocument } from "./openapi.ts";

interface Kept {
  readonly text: string;
  readonly etag: string;
  readonly headers: Readonly<Record<string, string>>;
}

export function documents(app: Hono<AppEnv>): void {
  const openApi = lazily(async () => keep(JSON.stringify(openApiDocument()), "application/json"));
  const docs = lazily(async () => {
    const style = base64(await sha256(docsStyle));
    return keep(docsPage(openApiDocument()), "text/html; charset=utf-8", {
      // No script, no image, no font, no request of any kind: only this very style.
      "content-security-policy": `default-src 'none'; style-src 'sha256-${style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    });
  });
  app.get("/openapi.json", async (c) => answer(c, await openApi()));
  app.get("/docs", async (c) => answer(c, await docs()));
}

/** Keeps the value, never its promise: a promise belongs to the request that made it. */
function lazily<T>(make: () => Promise<T>): () => Promise<T> {
  let made: T | undefined;
  return async () => {
    made ??= await make();
    return made;
  };
}

async function keep(text: string, type: string, more: Readonly<Record<string, string>> = {}): Promise<Kept> {
  const etag = `"${base64(await sha256(text)).slice(0, 22)}"`;
  return { text, etag, headers: { "content-type": type, "x-content-type-options": "nosniff", ...more } };
}

function answer(c: Context<AppEnv>, { text, etag, headers }: Kept): Response {
  const always = { etag, "cache-control": "public, max-age=3600" };
  return isNotModified(c.req.raw.headers, { etag })
    ? c.body(null, 304, always)
    : c.body(text, 200, { ...headers, ...always });
}

async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}
