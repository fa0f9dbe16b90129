// An upstream that answers as told and remembers what it was asked.

import type { Failure } from "../../src/core/failure.ts";
import type { UpstreamRequest } from "../../src/sources/source.ts";
import { upstreamHttp } from "../../src/sources/upstream-http.ts";

export const ACCOUNT = { baseUrl: "https://api.example.com/v1", apiKey: "rcms_test_canary_key" };
/** Our clock when a call starts; it ends 250 ms later. */
export const NOW = Date.UTC(2026, 0, 31, 12);
export const GET: UpstreamRequest = { method: "GET", target: "/clients/1" };

export function upstream(answer: Response | Error | ((request: Request) => Promise<Response>)) {
  const requests: Request[] = [];
  const timeouts: number[] = [];
  const cleared: number[] = [];
  let now = NOW;
  const send = upstreamHttp(
    {
      fetch: async (request) => {
        requests.push(request);
        now += 250;
        if (answer instanceof Error) throw answer;
        return answer instanceof Response ? answer : answer(request);
      },
      now: () => now,
      timeout: (ms) => {
        timeouts.push(ms);
        return { signal: new AbortController().signal, clear: () => cleared.push(ms) };
      },
    },
    ACCOUNT,
  );
  return { send, requests, timeouts, cleared };
}

export async function failureOf(answer: Response | Error): Promise<Failure> {
  const reply = await upstream(answer).send(GET);
  if (reply.ok) throw new Error("it fails");
  return reply.failure;
}

export const status = (code: number, headers: Record<string, string> = {}) =>
  new Response("CANARY a body that must not be repeated", { status: code, headers });
