// A place the worker must never call, and the URLs that try to lead it there.

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface Listener {
  readonly port: number;
  /** Connections opened to it, whatever came over them. */
  callers(): number;
  close(): Promise<void>;
}

export async function startListener(): Promise<Listener> {
  let callers = 0;
  const server = createServer((_, response) => {
    response
      .writeHead(200, { "content-type": "application/json" })
      .end('{"data":[],"meta":{"next_url":null}}');
  });
  server.on("connection", () => {
    callers += 1;
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    callers: () => callers,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** @param baseUrl of the connection, with its path prefix @param port of the place they lead to, if anywhere */
export function hostileUrls(baseUrl: string, port: number): string[] {
  const { host, origin } = new URL(baseUrl);
  const list = "/v1/clients?cursor=x";
  return [
    `http://127.0.0.1:${port}${list}`,
    `https://127.0.0.1:${port}${list}`,
    `http://localhost:${port}${list}`,
    `http://2130706433:${port}${list}`,
    `http://[::1]:${port}${list}`,
    `http://[::ffff:127.0.0.1]:${port}${list}`,
    `//127.0.0.1:${port}${list}`,
    `http:\\\\127.0.0.1:${port}${list}`,
    `http://127.0.0.1:${port}\\@${host}${list}`,
    `http://${host}@127.0.0.1:${port}${list}`,
    `http://user:password@${host}${list}`,
    `http://${host}.127.0.0.1.example${list}`,
    `${origin}/v1evil/clients`,
    `${origin}/v1/../v1evil/clients`,
    `${origin}/v1/%2e%2e/v1evil/clients`,
    `${origin}/v1/..%2fv1evil/clients`,
    `${origin}/v1/..\\v1evil/clients`,
    `${origin.replace("http:", "https:")}${list}`,
    "javascript:alert(1)",
    "file:///etc/passwd",
  ];
}
