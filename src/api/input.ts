// Input at the boundary: bounded, parsed, and refused with an error that names what is wrong.

import type { Context } from "hono";
import type * as z from "zod/mini";
import { type ConnectionId, connectionId } from "../core/ids.ts";
import { parseJson } from "../core/json.ts";
import { limits } from "../core/limits.ts";
import type { AppEnv } from "./deps.ts";
import { ApiError, type Issue, notFound } from "./errors.ts";

/**
 * Reads a body while counting; stops at the bound (IN1), whatever length was told.
 * @returns undefined when it is larger
 */
export async function boundedBytes(request: Request, maxBytes: number): Promise<Uint8Array | undefined> {
  const length = request.headers.get("content-length") ?? "";
  const told = /^\d+$/.test(length) ? Number(length) : undefined;
  if (told !== undefined && told > maxBytes) return undefined;
  const { body } = request;
  if (body === null) return new Uint8Array();
  const first = told === undefined ? undefined : await readAtOnce(body, told + 1);
  if (told !== undefined && first !== undefined && first.byteLength <= told) return first;
  return countedBytes(body, maxBytes, first);
}

/**
 * One wait instead of one for every piece and one more for the end: half of what a delivery costs. One byte more than
 * was told is asked for, so that fewer are the whole.
 * @returns undefined for a stream that can only be read by pieces
 */
async function readAtOnce(body: ReadableStream, bytes: number): Promise<Uint8Array | undefined> {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = body.getReader({ mode: "byob" });
  } catch {
    return undefined;
  }
  const { value } = await reader.readAtLeast(bytes, new Uint8Array(bytes));
  reader.releaseLock();
  return value ?? new Uint8Array();
}

async function countedBytes(
  body: ReadableStream,
  maxBytes: number,
  first: Uint8Array = new Uint8Array(),
): Promise<Uint8Array | undefined> {
  const reader: ReadableStreamDefaultReader<Uint8Array> = body.getReader();
  const chunks = [first];
  let size = first.byteLength;
  for (;;) {
    if (size > maxBytes) {
      await reader.cancel();
      return undefined;
    }
    const { done, value } = await reader.read();
    if (done) break;
    size += value.byteLength;
    chunks.push(value);
  }
  return joined(chunks, size);
}

export async function parseBody<S extends z.ZodMiniType>(
  c: Context<AppEnv>,
  schema: S,
): Promise<z.output<S>> {
  const bytes = await boundedBytes(c.req.raw, limits.requestBytes);
  if (bytes === undefined) {
    throw new ApiError("payload_too_large", `the body may hold at most ${limits.requestBytes} bytes`);
  }
  const text = new TextDecoder().decode(bytes);
  const json = text.trim() === "" ? {} : parseJson(text, limits.jsonDepth);
  if (json === undefined) {
    throw new ApiError(
      "invalid_request",
      `the body must be JSON, nested at most ${limits.jsonDepth} levels deep`,
    );
  }
  return validated(schema, json, "the body is not valid");
}

/** Every parameter once, and none that the route does not know: a filter ignored would answer with too much. */
export function parseQuery<S extends z.ZodMiniType>(c: Context<AppEnv>, schema: S): z.output<S> {
  if (!c.req.url.includes("?")) return validated(schema, {}, "the query is not valid");
  const parameters = new URL(c.req.url).searchParams;
  const repeated = [...new Set(parameters.keys())].find((name) => parameters.getAll(name).length > 1);
  if (repeated !== undefined) {
    const issues = [{ path: shown(repeated), message: "may be given once" }];
    throw new ApiError("invalid_request", "the query is not valid", { issues });
  }
  return validated(schema, Object.fromEntries(parameters), "the query is not valid");
}

/** The `:id` of a connection's path. */
export function connectionOfPath(c: Context<AppEnv>): ConnectionId {
  const id = connectionId(c.req.param("id"));
  if (id === undefined) throw notFound();
  return id;
}

function validated<S extends z.ZodMiniType>(schema: S, value: unknown, message: string): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.slice(0, 10).map(
    (issue): Issue => ({
      path: shown(issue.path.join(".")),
      message:
        issue.code === "unrecognized_keys"
          ? `is not known here: ${issue.keys.map(shown).join(", ")}`
          : issue.message,
    }),
  );
  throw new ApiError("invalid_request", message, { issues });
}

/** A name from outside, cut so that nobody can send an essay back to themselves. */
function shown(name: string): string {
  return name.slice(0, 64);
}

function joined(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}
