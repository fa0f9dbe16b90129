// The public port: who is asking, the request log around it, the faults in front of it, the Date behind it.

import type { IncomingMessage, ServerResponse } from "node:http";
import { answerApi } from "./api.ts";
import { ApiError, type Exchange, errorAnswer, readExchange, send } from "./exchange.ts";
import type { Outcome } from "./faults.ts";
import type { ApiKey } from "./keys.ts";
import type { Network } from "./network.ts";

export type FindKey = (key: string) => { network: Network; key: ApiKey } | null;

export async function servePublic(
  find: FindKey,
  clock: () => number,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const exchange = await readExchange(request);
  const found = find(bearer(exchange));
  if (found === null) return send(response, errorAnswer(unauthorized()), clock());
  const { network, key } = found;
  const end = network.log.begin(exchange, key.key, clock());
  response.once("close", () => end(0));
  const outcome = await outcomeFor(network, key, exchange);
  if (outcome === "cut") {
    end(0);
    response.destroy();
    return;
  }
  // Ended before the bytes leave: the caller's next request must not count as in flight beside this one.
  if (!response.destroyed) end(outcome.status);
  send(response, outcome, network.parts.core.now());
}

async function outcomeFor(network: Network, key: ApiKey, exchange: Exchange): Promise<Outcome> {
  if (key.revoked) return errorAnswer(unauthorized());
  return network.throughFaults(exchange, key.key, () =>
    network.once(key.key, exchange, () => answerApi(network.parts, key, exchange)),
  );
}

function bearer(exchange: Exchange): string {
  return /^Bearer +(\S+)$/i.exec(exchange.headers.authorization ?? "")?.[1] ?? "";
}

function unauthorized(): ApiError {
  return new ApiError(401, "missing or invalid API key");
}
