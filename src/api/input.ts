// Input at the boundary: bounded, parsed, and refused with an error that names what is wrong.

import type { Context } from "hono";
import type * as z from "zod/mini";
import { boundedBytes } from "../core/bounded.ts";
import { type ConnectionId, connectionId } from "../core/ids.ts";
import { parseJson } from "../core/json.ts";
import { limits } from "../core/limits.ts";
import type { AppEnv } from "./deps.ts";
import { ApiError, type Issue, notFound } from "./errors.ts";

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
