// The operator's routes for upstream accounts. No answer of theirs holds a secret.

import type { Hono } from "hono";
import type * as z from "zod/mini";
import type { ConnectRequest } from "../sync/connect.ts";
import { overview } from "../sync/overview.ts";
import type { ApiDeps, AppEnv } from "./deps.ts";
import { ApiError, type Issue, notFound } from "./errors.ts";
import { connectionOfPath, parseBody, parseQuery } from "./input.ts";
import { newConnection, newSecret, noQuery, removal, resumption } from "./schemas.ts";

export function adminConnections(app: Hono<AppEnv>, deps: ApiDeps): void {
  app.post("/admin/connections", async (c) => {
    const request = toRequest(await parseBody(c, newConnection));
    refuseUnusable(deps, request);
    const connected = await deps.connect(request);
    deps.forgetConnection(request.id);
    switch (connected.result) {
      case "exists":
        throw new ApiError(
          "conflict",
          "a connection of this id exists; delete it first or choose another id",
        );
      case "refused":
        throw new ApiError("upstream_refused", `the webhook could not be registered: ${connected.reason}`);
      case "connected": {
        const { id, status, webhookUrl, webhookId } = connected.connection;
        const data = { id, status, webhook_url: webhookUrl ?? null, webhook_id: webhookId ?? null };
        return c.json({ data }, 201);
      }
    }
  });

  app.get("/admin/connections", async (c) => {
    parseQuery(c, noQuery);
    const connections = await deps.connections.list();
    return c.json({ data: await Promise.all(connections.map((connection) => overview(deps, connection))) });
  });

  app.get("/admin/connections/:id", async (c) => {
    parseQuery(c, noQuery);
    const connection = await deps.connections.get(connectionOfPath(c));
    if (connection === undefined) throw notFound();
    return c.json({ data: await overview(deps, connection) });
  });

  app.delete("/admin/connections/:id", async (c) => {
    const id = connectionOfPath(c);
    const { force } = parseQuery(c, removal);
    const removed = await deps.disconnect(id, force === "true");
    deps.forgetConnection(id);
    deps.forgetKeys();
    switch (removed.result) {
      case "absent":
        throw notFound();
      case "refused":
        throw new ApiError(
          "upstream_refused",
          `the webhook could not be removed: ${removed.reason}. Try again, or add ?force=true to leave it behind`,
        );
      case "removed":
        return c.json({ data: { id, removed: removed.rows, webhook: removed.webhook } });
    }
  });

  app.post("/admin/connections/:id/secrets", async (c) => {
    const id = connectionOfPath(c);
    const { signing_secret } = await parseBody(c, newSecret);
    if (!(await deps.addSecret(id, signing_secret))) throw notFound();
    deps.forgetConnection(id);
    return c.json({ data: { id } }, 201);
  });

  app.post("/admin/connections/:id/resume", async (c) => {
    const id = connectionOfPath(c);
    const { api_key } = await parseBody(c, resumption);
    const known = await deps.connections.get(id);
    if (known === undefined) throw notFound();
    if (api_key !== undefined) {
      refuseUnusable(deps, { source: known.source, account: { ...known, apiKey: api_key } });
    }
    if (!(await deps.resume(id, api_key))) throw notFound();
    return c.json({ data: { id, status: "active" } });
  });
}

function toRequest(body: z.output<typeof newConnection>): ConnectRequest {
  const { id, source, base_url, api_key, webhook, fields } = body;
  return {
    id,
    source,
    account: { baseUrl: base_url, apiKey: api_key, fields: fields as ConnectRequest["account"]["fields"] },
    webhook:
      "public_url" in webhook
        ? { by: "us", publicUrl: webhook.public_url, events: webhook.events }
        : { by: "hand", signingSecret: webhook.signing_secret, webhookId: webhook.webhook_id },
  };
}

/** Refused before anything is called or kept. */
function refuseUnusable(
  deps: ApiDeps,
  request: Pick<ConnectRequest, "source" | "account"> & Partial<ConnectRequest>,
) {
  const issues: Issue[] = [];
  const httpAllowed = deps.allowHttpUpstream;
  if (!httpAllowed && request.account.baseUrl.startsWith("http:")) {
    issues.push({ path: "base_url", message: "must be https" });
  }
  if (!httpAllowed && request.webhook?.by === "us" && request.webhook.publicUrl.startsWith("http:")) {
    issues.push({ path: "webhook.public_url", message: "must be https" });
  }
  const problem = deps.accountProblem(request);
  if (problem !== undefined) issues.push({ path: "api_key", message: problem });
  if (issues.length > 0)
    throw new ApiError("invalid_request", "the connection cannot work like this", { issues });
}
