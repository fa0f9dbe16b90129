// One network of the local RCMS and its mirror: connected by the worker itself, compared record by record.

import { expect } from "vitest";
import { call } from "../fake-rcms/fixture.ts";
import type { Network, NetworkOptions } from "../fake-rcms/network.ts";
import { type Announced, announcements } from "../local/announced.ts";
import { type Comparison, compare } from "../local/compare.ts";
import { createMirrorReader, type MirrorReader } from "../local/mirror-reader.ts";
import { eventually } from "./eventually.ts";
import { type Operator, operatorOf } from "./operator.ts";
import type { WholeSystem } from "./system.ts";

export const LISTED = ["organizations", "staff", "clients"] as const;

export interface Mirrored {
  readonly network: Network;
  readonly operator: Operator;
  /** The connection's id. */
  readonly id: string;
  /** An app's key for everything of the connection. */
  readonly key: string;
  readonly reader: MirrorReader;
  /** GET of the read API with the app's key; path below `/v1`. */
  read(path: string): ReturnType<typeof call>;
  /** What RCMS has announced since connecting, oldest first. */
  announced(): readonly Announced[];
  /** Everything held is true, and everything announced since connecting is held. */
  differences(): Promise<Comparison["differences"]>;
}

/** Resolves once the first sweep of every listed kind is over: from there on nothing can be missed. */
export async function mirror(
  system: WholeSystem,
  id: string,
  options: NetworkOptions = {},
): Promise<Mirrored> {
  const network = system.fake.createNetwork({ id, ...options });
  const operator = operatorOf(system);
  const made = await operator.ask("POST", "/connections", {
    ...{ id, source: "rcms", base_url: network.baseUrl, api_key: network.apiKey },
    webhook: { public_url: system.url },
  });
  expect(made.status, made.text).toBe(201);
  const key = await newKey(operator, id);
  const reader = createMirrorReader(system.url, key);
  const sinceLast = announcements(network);
  const changes: Announced[] = [];
  const announced = () => {
    changes.push(...sinceLast());
    return changes;
  };
  await eventually(async () => {
    const { kinds } = await operator.overview(id);
    expect(LISTED.filter((kind) => kinds[kind]?.watermark === null)).toEqual([]);
  });
  return {
    ...{ network, operator, id, key, reader },
    read: (path) => call(`${system.url}/v1${path}`, { key }),
    announced,
    differences: async () => (await compare(reader, network, announced())).differences,
  };
}

export async function newKey(operator: Operator, connection: string, scope: object = {}): Promise<string> {
  const { status, text, body } = await operator.ask("POST", "/keys", { connection, name: "app", ...scope });
  expect(status, text).toBe(201);
  return (body.data as { key: string }).key;
}

export function untilEqual({ differences }: Mirrored): Promise<void> {
  return eventually(async () => expect(await differences()).toEqual([]));
}

/** Every delivery RCMS has made so far was answered with 2xx. */
export function untilDelivered({ parts }: Network): Promise<void> {
  return eventually(() => {
    const open = parts.courier.deliveries().filter(({ status }) => status === "pending");
    expect(open.length).toBe(0);
  });
}

/** Every event is accounted for: done, by whatever outcome. */
export function untilDone({ operator, id }: Mirrored, eventIds: readonly (string | null)[]): Promise<void> {
  return eventually(async () => {
    const done = new Set((await operator.events(id)).flatMap((row) => (row.done_at ? [row.event_id] : [])));
    expect(eventIds.filter((eventId) => !done.has(String(eventId)))).toEqual([]);
  });
}

/** Paths with their queries of what the network was asked, its webhooks' own routes left out. */
export function asked({ log }: Network): string[] {
  const { requests } = log.read();
  return requests.map(({ path }) => path).filter((path) => !path.startsWith("/v1/webhooks"));
}
