// The same records as Stripe would serve them: each client of a network of the local RCMS is a customer, read from the
// same world at the same moment, as slowly.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Network } from "../fake-rcms/network.ts";
import type { Fields } from "../fake-rcms/records.ts";

export interface StripeUpstream {
  readonly port: number;
  readonly calls: () => number;
  close(): void;
}

export function asCustomer(client: Fields) {
  const description = `${client.updated_at} ${client.level_of_care}`;
  return {
    id: String(client.id),
    object: "customer",
    name: client.first_name,
    description,
    created: 1,
    livemode: false,
  };
}

export async function startStripe(network: Network, latencyMs: number): Promise<StripeUpstream> {
  let calls = 0;
  const server = createServer(async (request, response) => {
    calls++;
    await sleep(latencyMs);
    const id = /^\/v1\/customers\/([^/?]+)/.exec(request.url ?? "")?.[1];
    const client = id === undefined ? null : network.parts.records.readable("clients", id);
    const answer = client === null ? { error: { type: "invalid_request_error" } } : asCustomer(client);
    response.writeHead(client === null ? 404 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(answer));
  });
  server.keepAliveTimeout = 120_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    calls: () => calls,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
