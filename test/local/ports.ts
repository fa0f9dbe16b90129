// Ports of this machine: is one free, and which one is.

import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { Trouble } from "./trouble.ts";

/** @throws Trouble naming the port and the way out */
export async function requireFreePort(port: number, purpose: string, wayOut: string): Promise<void> {
  const code = await tryPort(port).then(
    () => undefined,
    (error: NodeJS.ErrnoException) => error.code ?? error.message,
  );
  if (code === undefined) return;
  const why = code === "EADDRINUSE" ? "is already in use" : `cannot be used (${code})`;
  throw new Trouble(`Port ${port}, wanted for ${purpose}, ${why}. ${wayOut}`);
}

/** Any free port. It could be taken again before it is used; on one machine that is rare enough. */
export function freePort(): Promise<number> {
  return tryPort(0);
}

function tryPort(port: number): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      const { port: found } = server.address() as AddressInfo;
      server.close(() => resolve(found));
    });
  });
}
