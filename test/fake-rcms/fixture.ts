// What the tests of the fake share: a clock moved by hand, a caller of both ports, and a webhook receiver that
// lets a test wait for arrivals instead of sleeping.

import { createServer, type IncomingHttpHeaders } from "node:http";
import { setImmediate } from "node:timers";
import type { Network } from "./network.ts";
import type { Fields } from "./records.ts";

export interface HandClock {
  (): number;
  advance(ms: number): void;
}

export function handClock(startIso = "2026-03-01T12:00:00.000Z"): HandClock {
  let now = Date.parse(startIso);
  return Object.assign(() => now, {
    advance(ms: number) {
      now += ms;
    },
  });
}

export interface Reply {
  status: number;
  headers: Headers;
  text: string;
  /** The body as JSON; `{}` when it is not. */
  body: Fields;
}

export interface CallOptions {
  method?: string;
  /** Sent as `Bearer`; null sends none. */
  key?: string | null;
  json?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

export async function call(url: string, options: CallOptions = {}): Promise<Reply> {
  const { key, json } = options;
  const response = await fetch(url, {
    method: options.method ?? (json === undefined ? "GET" : "POST"),
    redirect: "manual",
    headers: { ...(key ? { Authorization: `Bearer ${key}` } : {}), ...options.headers },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: asFields(text) };
}

/** A call of the public API with the network's own key. */
export function api(network: Network, path: string, options: CallOptions = {}): Promise<Reply> {
  const url = path.startsWith("http") ? path : network.baseUrl + path;
  return call(url, { key: network.apiKey, ...options });
}

/** Follows next_url to the end; a list that never ends is an error. */
export async function allPages(network: Network, path: string): Promise<Fields[][]> {
  const pages: Fields[][] = [];
  let next: string | null = path;
  while (next !== null) {
    const { body }: Reply = await api(network, next);
    pages.push(rows(body));
    if (pages.length > 100) throw new Error("the list does not end");
    next = nextUrl(body);
  }
  return pages;
}

export function rows(body: Fields): Fields[] {
  if (!Array.isArray(body.data)) throw new Error(`no list in ${JSON.stringify(body)}`);
  return body.data;
}

export function nextUrl(body: Fields): string | null {
  const next = asObject(body.meta).next_url;
  return typeof next === "string" ? next : null;
}

export function asObject(value: unknown): Fields {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function asFields(text: string): Fields {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return {};
  }
}

export interface Arrival {
  method: string;
  headers: IncomingHttpHeaders;
  text: string;
  event: Fields;
}

export interface Receiver {
  url: string;
  arrivals: Arrival[];
  /** The status of the answers from now on; null never answers. */
  answerWith(status: number | null): void;
  /** Resolves once so many have arrived in all. */
  arrived(count: number): Promise<Arrival[]>;
  close(): Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const arrivals: Arrival[] = [];
  let waiting: { count: number; resolve(): void }[] = [];
  let status: number | null = 200;

  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += String(chunk);
    arrivals.push({ method: request.method ?? "", headers: request.headers, text, event: asFields(text) });
    if (status !== null) response.writeHead(status).end();
    for (const each of waiting) if (arrivals.length >= each.count) each.resolve();
    waiting = waiting.filter((each) => arrivals.length < each.count);
  });
  const port = await new Promise<number>((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });

  return {
    url: `http://127.0.0.1:${port}/hook`,
    arrivals,
    answerWith(next) {
      status = next;
    },
    async arrived(count) {
      if (arrivals.length < count)
        await new Promise<void>((resolve) => void waiting.push({ count, resolve }));
      return arrivals;
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

export async function register(network: Network, url: string, events: string[], key = network.apiKey) {
  const { body } = await api(network, "/webhooks", { key, json: { url, events, description: "test" } });
  const { id, signing_secret } = asObject(body.data);
  return { id: String(id), secret: String(signing_secret) };
}

/** What the proof of one switch works with. */
export interface Stage {
  network: Network;
  receiver: Receiver;
  clock: HandClock;
}

export type Proof = (stage: Stage) => Promise<void>;

/** Turns the event loop until the condition holds; gives up loudly. */
export async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; !condition(); turn += 1) {
    if (turn === 100_000) throw new Error("the condition never came to hold");
    await new Promise((resolve) => void setImmediate(resolve));
  }
}
