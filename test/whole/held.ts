// An answer of the local RCMS kept back: worked out at once, sent when the test says so. What a slow read is, with
// its end decided by what else has happened instead of by a clock.

import type { Network } from "../fake-rcms/network.ts";
import { eventually } from "./eventually.ts";

export interface Held {
  /** Resolves once the request came and its answer, by now getting old, waits here. */
  caught(): Promise<void>;
  release(): void;
}

/** Catches the next GET of exactly this path, and only that one. @param path from the root, without a query */
export function holdNext(network: Network, path: string): Held {
  const { throughFaults } = network;
  const gate = Promise.withResolvers<void>();
  let caught = false;
  network.throughFaults = async (exchange, apiKey, act) => {
    const outcome = await throughFaults(exchange, apiKey, act);
    if (caught || exchange.method !== "GET" || exchange.path !== path) return outcome;
    caught = true;
    await gate.promise;
    return outcome;
  };
  return {
    caught: () =>
      eventually(() => {
        if (!caught) throw new Error(`nobody has asked for ${path}`);
      }),
    release() {
      network.throughFaults = throughFaults;
      gate.resolve();
    },
  };
}
