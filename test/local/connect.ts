// Connects the worker to a network of the local RCMS, as an operator would: through the admin API.

import type { Network } from "../fake-rcms/network.ts";
import type { LocalSystem } from "./local-system.ts";
import { lastLines, Trouble } from "./trouble.ts";

export interface Connected {
  readonly connection: string;
  readonly webhookId: string;
  readonly webhookUrl: string;
  /** An app's key for everything of the connection. */
  readonly key: string;
}

/** @throws Trouble with the worker's own words */
export async function connect(
  { workerUrl, adminToken, logPath }: LocalSystem,
  network: Network,
  connection = "rcms",
): Promise<Connected> {
  const post = async (path: string, body: unknown) => {
    const answer = await fetch(workerUrl + path, {
      method: "POST",
      headers: { authorization: `Bearer ${adminToken}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) {
      const log = answer.status >= 500 ? lastLines(logPath, 5) : [];
      throw new Trouble(`The worker answered ${answer.status} to POST ${path}:`, [text, ...log]);
    }
    return (JSON.parse(text) as { data: Record<string, unknown> }).data;
  };
  const made = await post("/admin/connections", {
    id: connection,
    source: "rcms",
    base_url: network.baseUrl,
    api_key: network.apiKey,
    webhook: { public_url: workerUrl },
  });
  const { key } = await post("/admin/keys", { connection, name: "local app" });
  return {
    connection,
    webhookId: String(made.webhook_id),
    webhookUrl: String(made.webhook_url),
    key: String(key),
  };
}
