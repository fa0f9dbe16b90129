// Idempotency-Key on writes: the same key from the same API key within 24 hours gets the first answer again, byte
// for byte, and nothing happens a second time.

import type { Answer, Exchange } from "./exchange.ts";

const REMEMBERED_MS = 24 * 3_600_000;

export type Once = (apiKey: string, exchange: Exchange, act: () => Answer) => Answer;

export function createOnce(clock: () => number): Once {
  const answered = new Map<string, { answer: Answer; atMs: number }>();
  return (apiKey, exchange, act) => {
    const given = exchange.headers["idempotency-key"];
    if (given === undefined || exchange.method === "GET") return act();
    const name = `${apiKey} ${String(given)}`;
    const before = answered.get(name);
    if (before !== undefined && clock() - before.atMs < REMEMBERED_MS) return before.answer;
    const answer = act();
    answered.set(name, { answer, atMs: clock() });
    return answer;
  };
}
