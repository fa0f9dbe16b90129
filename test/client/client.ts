// A client of the mirror in a few lines: everything it knows of the API are the types made from its document.

import type { Operations } from "./rcms-mirror.ts";

export type Name = keyof Operations;
type Input<N extends Name> = Operations[N]["input"];
type Answers<N extends Name> = Operations[N]["answers"];

/** One member per status: looking at `status` tells what `data` is. */
export type Reply<N extends Name> = {
  [S in keyof Answers<N>]: {
    readonly status: S;
    readonly data: Answers<N>[S];
    readonly headers: Headers;
  };
}[keyof Answers<N>];

/** Nothing need be given where nothing is required. */
type Arguments<N extends Name> = object extends Input<N> ? [input?: Input<N>] : [input: Input<N>];

export interface ClientOptions {
  readonly baseUrl: string;
  readonly token: string;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
}

export function createClient({ baseUrl, token, fetch }: ClientOptions) {
  return async <N extends Name>(name: N, ...[input]: Arguments<N>): Promise<Reply<N>> => {
    const { path = {}, query = {}, headers = {}, body } = (input ?? {}) as Loose;
    const [method = "", template = ""] = name.split(" ");
    const url = new URL(
      baseUrl + template.replaceAll(/\{(\w+)\}/g, (_, at) => encodeURIComponent(path[at] ?? "")),
    );
    for (const [parameter, value] of Object.entries(query)) url.searchParams.set(parameter, String(value));
    const response = await fetch(url.href, {
      method,
      headers: { ...headers, authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const json = response.headers.get("content-type")?.startsWith("application/json");
    const data: unknown = json ? JSON.parse(text) : text || undefined;
    return { status: response.status, data, headers: response.headers } as Reply<N>;
  };
}

interface Loose {
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}
