// What a deployed mirror would be billed for, counted at the bindings of this isolate: every D1 statement with the
// database's own meters, every call of a Durable Object, every KV operation. The Durable Objects share the isolate, so
// what they ask for is counted, too.

import { vi } from "vitest";
import { env } from "./bindings.ts";

export interface Bill {
  d1Queries: number;
  rowsRead: number;
  rowsWritten: number;
  writerCalls: number;
  gateCalls: number;
  kvReads: number;
  kvWrites: number;
}

export const nothing = (): Bill => ({
  d1Queries: 0,
  rowsRead: 0,
  rowsWritten: 0,
  writerCalls: 0,
  gateCalls: 0,
  kvReads: 0,
  kvWrites: 0,
});

type Fetching = { fetch(input: RequestInfo, init?: RequestInit): Promise<Response> };
interface D1Answer {
  readonly meta?: { readonly rows_read?: number; readonly rows_written?: number };
}

/** Registers with the test's mocks: `vi.restoreAllMocks` ends it. @returns the bill of whatever runs inside */
export function metered() {
  let bill = nothing();
  countD1(() => bill);
  countCalls((name) => {
    // Writers are named by connection and shard, gates by connection.
    if (name.includes(":")) bill.writerCalls++;
    else bill.gateCalls++;
  });
  const kv: object = Object.getPrototypeOf(env.CURSORS);
  count(kv, "get", () => bill.kvReads++);
  count(kv, "put", () => bill.kvWrites++);

  return async <T>(run: () => Promise<T>): Promise<Bill> => {
    bill = nothing();
    await run();
    return bill;
  };
}

/** Every statement passes `fetcher.fetch`; a transaction's answer is a list. */
function countD1(bill: () => Bill): void {
  const { fetcher } = env.DB as unknown as { readonly fetcher: Fetching };
  const target: object = Object.getPrototypeOf(fetcher);
  const fetch = Reflect.get(target, "fetch") as Fetching["fetch"];
  vi.spyOn(target as Fetching, "fetch").mockImplementation(async function (this: Fetching, input, init) {
    const response = await fetch.call(this, input, init);
    const url = input instanceof Request ? input.url : String(input);
    if (!/\/(query|execute)\b/.test(url)) return response;
    const answers = [await response.clone().json<D1Answer | D1Answer[]>()].flat();
    bill().d1Queries++;
    for (const { meta } of answers) {
      bill().rowsRead += meta?.rows_read ?? 0;
      bill().rowsWritten += meta?.rows_written ?? 0;
    }
    return response;
  });
}

/** All namespaces share one prototype. */
function countCalls(called: (name: string) => void): void {
  const target = Object.getPrototypeOf(env.WRITERS) as { getByName(name: string): object };
  const { getByName } = target;
  vi.spyOn(target, "getByName").mockImplementation(function (this: object, name: string) {
    return new Proxy(getByName.call(this, name), {
      get(stub, method) {
        const own: unknown = Reflect.get(stub, method, stub);
        if (typeof own !== "function") return own;
        return (...args: unknown[]) => {
          called(name);
          // Not `own.apply`: a property of a remote method is a remote method, too.
          return Reflect.apply(own, stub, args);
        };
      },
    });
  });
}

function count(target: object, method: string, called: () => void): void {
  const own = Reflect.get(target, method) as (...args: unknown[]) => unknown;
  vi.spyOn(target as Record<string, typeof own>, method).mockImplementation(function (this: object, ...args) {
    called();
    return own.apply(this, args);
  });
}
