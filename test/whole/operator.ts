// The mirror as its operator uses it: the admin API, with the parts of its answers that tests look at.

import { call, type Reply } from "../fake-rcms/fixture.ts";
import type { WholeSystem } from "./system.ts";

export interface Overview {
  readonly status: string;
  readonly status_reason: string | null;
  readonly webhook_id: string | null;
  readonly dead_letters: number;
  readonly kinds: Readonly<Record<string, KindFigures>>;
}

export interface KindFigures {
  readonly records: number;
  readonly watermark: string | null;
  readonly last_sweep: { readonly pages: number; readonly seen: number } | null;
  readonly drift: Readonly<Record<"missed" | "late" | "rewritten" | "deleted", number>>;
}

export interface SweptKind {
  readonly kind: string;
  readonly pages: number;
  readonly seen: number;
  readonly drifted: number;
  readonly finished: boolean;
  readonly reason: string | null;
}

export interface LedgerRow {
  readonly event_id: string;
  readonly outcome: string;
  readonly done_at: string | null;
}

export interface Operator {
  /** Any admin route, whatever it answers. A body is sent as JSON. */
  ask(method: string, path: string, body?: unknown): Promise<Reply>;
  overview(connection: string): Promise<Overview>;
  sweep(connection: string, ...kinds: string[]): Promise<SweptKind[]>;
  /** The newest events, newest first. */
  events(connection: string): Promise<LedgerRow[]>;
}

export function operatorOf({ url, adminToken }: WholeSystem): Operator {
  const ask = (method: string, path: string, body?: unknown) =>
    call(`${url}/admin${path}`, {
      method,
      key: adminToken,
      ...(body === undefined ? {} : { json: body }),
    });

  /** The shape is the contract's; a test that reads a field of another shape fails on its value. */
  async function data<T>(method: string, path: string, body?: unknown): Promise<T> {
    const reply = await ask(method, path, body);
    if (reply.status >= 300) throw new Error(`${method} ${path} was answered ${reply.status}: ${reply.text}`);
    return reply.body.data as T;
  }

  return {
    ask,
    overview: (connection) => data("GET", `/connections/${connection}`),
    sweep: (connection, ...kinds) =>
      data("POST", `/connections/${connection}/sweep`, kinds.length === 0 ? {} : { kinds }),
    events: (connection) => data("GET", `/events?connection=${connection}&limit=500`),
  };
}
