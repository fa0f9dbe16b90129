// The load generator: a process of its own, so that neither the worker's process nor the bench's is what sends.

import { type Asked, load } from "./http-connections.ts";

export interface Job {
  readonly port: number;
  readonly connections: number;
  readonly asked: readonly Asked[];
}

process.on("message", ({ port, connections, asked }: Job) => {
  load(port, connections, asked).then(
    (loaded) => process.send?.({ loaded }),
    (error: Error) => process.send?.({ error: error.message }),
  );
});
process.on("disconnect", () => process.exit(0));
