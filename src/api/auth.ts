// Who is asking: an app with a key of one connection, or the operator.

import type { MiddlewareHandler } from "hono";
import type { Kind } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import type { ApiKey } from "../sync/stores.ts";
import type { ApiDeps, AppEnv } from "./deps.ts";
import { ApiError } from "./errors.ts";

const CHALLENGE = { "www-authenticate": "Bearer" };

/**
 * Keys are found whole, by their SHA-256 or in memory by their text, never compared from left to right: how long the
 * search takes says nothing about a key. The operator's token is compared in constant time. Every reason for a refusal has the same answer.
 */
export function requireKey(deps: ApiDeps): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const token = bearer(c.req.header("authorization"));
    const key = await validKey(deps, token);
    c.set("key", key);
    c.set("confirmKey", async () => void (await validKey(deps, token)));
    await next();
  };
}

/** After the key is known and its request noted: a refusal is an access like any other. */
export function requireRation(deps: ApiDeps): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    await takeRation(deps, c.get("key"));
    await next();
  };
}

/** @throws ApiError 429 while the key's ration is used up */
export async function takeRation({ admit }: Pick<ApiDeps, "admit">, { id }: ApiKey): Promise<void> {
  if (await admit(id)) return;
  throw new ApiError("rate_limited", "this key asks too often; wait and try again", {
    headers: { "retry-after": String(limits.rateLimitSeconds) },
  });
}

async function validKey(deps: ApiDeps, token: string | undefined): Promise<ApiKey> {
  const key = token?.startsWith("rmk_") ? await deps.findKey(token) : undefined;
  if (key !== undefined && !isExpired(key, deps.now())) return key;
  throw new ApiError("unauthorized", "send `Authorization: Bearer rmk_…` with a valid key", {
    headers: CHALLENGE,
  });
}

export function isExpired({ expiresAt }: ApiKey, now: number): boolean {
  return expiresAt !== undefined && expiresAt <= now;
}

export function requireAdmin(deps: ApiDeps): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const token = bearer(c.req.header("authorization"));
    if (token === undefined || !deps.isAdmin(token)) {
      throw new ApiError("unauthorized", "send `Authorization: Bearer` with the admin token", {
        headers: CHALLENGE,
      });
    }
    await next();
  };
}

/** @throws ApiError when the key was not made for this kind */
export function requireKind(key: ApiKey, kind: Kind): void {
  if (!mayRead(key, kind)) throw new ApiError("forbidden", `this key may not read ${kind}`);
}

/** A key without kinds reads all. */
export function mayRead(key: ApiKey, kind: Kind): boolean {
  return key.kinds === undefined || key.kinds.includes(kind);
}

/** A key without organizations sees all of its connection. */
export function maySee(key: ApiKey, organizationId: string | undefined): boolean {
  return (
    key.organizations === undefined ||
    (organizationId !== undefined && key.organizations.includes(organizationId))
  );
}

function bearer(header: string | undefined): string | undefined {
  return /^Bearer ([\x21-\x7e]{1,512})$/i.exec(header ?? "")?.[1];
}
