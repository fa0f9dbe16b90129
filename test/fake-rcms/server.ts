// Starts the fake: the public API on one port, the admin port on another, any number of isolated networks behind both.

import { randomBytes } from "node:crypto";
import { createServer, type RequestListener, type Server } from "node:http";
import { serveAdmin } from "./admin.ts";
import { ApiError } from "./exchange.ts";
import { createNetwork, type Network, type NetworkOptions } from "./network.ts";
import { createPost } from "./post.ts";
import { servePublic } from "./public.ts";
import { createTimers } from "./timers.ts";

export interface FakeRcmsOptions {
  /** 0 or absent: any free port. */
  port?: number;
  adminPort?: number;
  /** Milliseconds since 1970. */
  clock?: () => number;
  /** Divides the waits of the retry ladder; each network may change its own (`retry_speed`). */
  speed?: number;
}

export interface FakeRcms {
  /** `http://127.0.0.1:P/v1` */
  url: string;
  /** `http://127.0.0.1:A` */
  adminUrl: string;
  createNetwork(options?: NetworkOptions): Network;
  network(id: string): Network | undefined;
  networks(): Network[];
  removeNetwork(id: string): boolean;
  close(): Promise<void>;
}

export async function startFakeRcms(options: FakeRcmsOptions = {}): Promise<FakeRcms> {
  const clock = options.clock ?? Date.now;
  const timers = createTimers();
  const { post, close: closePost } = createPost(timers);
  const networks = new Map<string, Network>();

  const api = await listen(options.port ?? 0, (request, response) => {
    servePublic(find, clock, request, response).catch(() => response.destroy());
  });
  const admin = await listen(options.adminPort ?? 0, (request, response) => {
    serveAdmin(fake, request, response).catch(() => response.destroy());
  }).catch(async (error: unknown) => {
    await stop(api);
    throw error;
  });

  function find(text: string) {
    for (const network of networks.values()) {
      const key = network.keys.get(text);
      if (key !== undefined) return { network, key };
    }
    return null;
  }

  const fake: FakeRcms = {
    url: `${urlOf(api)}/v1`,
    adminUrl: urlOf(admin),
    createNetwork(networkOptions = {}) {
      const id = networkOptions.id ?? `net_${randomBytes(8).toString("hex")}`;
      if (!/^[A-Za-z0-9_-]{1,64}$/.test(id))
        throw new ApiError(400, "id must be letters, digits, - and _", "id");
      if (networks.has(id)) throw new ApiError(409, `network ${id} exists already`, "id");
      const deps = { id, baseUrl: fake.url, clock, timers, post, speed: options.speed ?? 1 };
      const network = createNetwork(deps, networkOptions);
      networks.set(id, network);
      return network;
    },
    network: (id) => networks.get(id),
    networks: () => [...networks.values()],
    removeNetwork(id) {
      const network = networks.get(id);
      for (const webhook of network?.parts.webhooks.all() ?? []) network?.disableWebhook(webhook.id);
      return networks.delete(id);
    },
    async close() {
      timers.stop();
      closePost();
      await Promise.all([stop(api), stop(admin)]);
    },
  };
  return fake;
}

function listen(port: number, listener: RequestListener): Promise<Server> {
  const server = createServer(listener);
  // Longer than any client keeps an idle connection, so that none is closed just as it is reused.
  server.keepAliveTimeout = 120_000;
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    // Loopback only: the admin port has no password.
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function urlOf(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening");
  return `http://127.0.0.1:${address.port}`;
}
