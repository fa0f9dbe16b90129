// The admin port: everything a test or a demo needs to steer the fake, as JSON. Loopback only, no password.

import type { IncomingMessage, ServerResponse } from "node:http";
import { answerNetwork } from "./admin-network.ts";
import {
  type Answer,
  ApiError,
  type Exchange,
  errorAnswer,
  json,
  jsonBody,
  readExchange,
  send,
} from "./exchange.ts";
import type { Network } from "./network.ts";
import type { FakeRcms } from "./server.ts";

export async function serveAdmin(
  fake: FakeRcms,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  send(response, await answer(fake, request));
}

async function answer(fake: FakeRcms, request: IncomingMessage): Promise<Answer> {
  try {
    return route(fake, await readExchange(request));
  } catch (error) {
    return errorAnswer(error);
  }
}

function route(fake: FakeRcms, exchange: Exchange): Answer {
  const { method, path } = exchange;
  if (method === "GET" && path === "/")
    return json(200, { url: fake.url, networks: fake.networks().map(shown) });
  const [root, id, ...rest] = path.slice(1).split("/");
  if (root !== "networks") throw new ApiError(404, `no route ${method} ${path}`, "path");
  if (id === undefined) {
    if (method === "GET") return json(200, { networks: fake.networks().map(shown) });
    if (method === "POST") return json(201, shown(fake.createNetwork(checkedOptions(jsonBody(exchange)))));
    throw new ApiError(405, `no ${method} on ${path}`);
  }
  const network = fake.network(id);
  if (network === undefined) throw new ApiError(404, `no network has the id ${id}`, "network");
  if (rest.length > 0) return answerNetwork(network, exchange, rest);
  if (method === "GET") return json(200, shown(network));
  if (method !== "DELETE") throw new ApiError(405, `no ${method} on ${path}`);
  fake.removeNetwork(id);
  return { status: 204, body: "" };
}

function shown(network: Network) {
  return { id: network.id, api_key: network.apiKey, base_url: network.baseUrl };
}

const OPTIONS = ["id", "settings", "seed"];

// Settings and seed are checked field by field where they are applied.
function checkedOptions(body: Record<string, unknown>) {
  for (const name of Object.keys(body))
    if (!OPTIONS.includes(name)) throw new ApiError(400, `unknown field ${name}`, name);
  if (body.id !== undefined && typeof body.id !== "string")
    throw new ApiError(400, "id must be a text", "id");
  return body;
}
