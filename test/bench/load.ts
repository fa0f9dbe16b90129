// The bench's end of the load generator (load-main.ts), and the requests it is given.

import { Buffer } from "node:buffer";
import { fork } from "node:child_process";
import { join } from "node:path";
import type { Asked, Loaded } from "./http-connections.ts";
import type { Job } from "./load-main.ts";

export interface Load {
  run(job: Job): Promise<Loaded>;
  close(): void;
}

export function startLoad(): Load {
  const child = fork(join(import.meta.dirname, "load-main.ts"), { serialization: "advanced" });
  return {
    run: (job) =>
      new Promise((resolve, reject) => {
        const ended = () => reject(new Error("the load generator ended"));
        child.once("exit", ended);
        child.once("message", (said: { readonly loaded?: Loaded; readonly error?: string }) => {
          child.off("exit", ended);
          if (said.loaded === undefined) reject(new Error(said.error));
          else resolve(said.loaded);
        });
        child.send(job);
      }),
    close: () => void child.disconnect(),
  };
}

/** What the requests call the server. */
export const HOST = "bench.test";

export function request(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body = "",
): Uint8Array {
  const lines = Object.entries({ host: HOST, ...headers }).map(([name, value]) => `${name}: ${value}`);
  const length = body === "" ? [] : [`content-length: ${Buffer.byteLength(body)}`];
  return Buffer.from([`${method} ${path} HTTP/1.1`, ...lines, ...length, "", body].join("\r\n"));
}

export const get = (
  path: string,
  headers: Readonly<Record<string, string>>,
  expected: Omit<Asked, "bytes">,
): Asked => ({ bytes: request("GET", path, headers), ...expected });

export const post = (
  path: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  expected: Omit<Asked, "bytes">,
): Asked => ({
  bytes: request("POST", path, { "content-type": "application/json", ...headers }, body),
  ...expected,
});
