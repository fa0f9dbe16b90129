// The best-known mirror of another API, fed the same signed burst about the same records, by turns with ours.

import { fork, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Network } from "../fake-rcms/network.ts";
import type { Fields } from "../fake-rcms/records.ts";
import { startFakeRcms } from "../fake-rcms/server.ts";
import { lastLinesOf, Trouble } from "../local/trouble.ts";
import { signatureHeader } from "../support/sign.ts";
import type { Bench } from "./bench.ts";
import type { Asked } from "./http-connections.ts";
import { post } from "./load.ts";
import { changedEvent, connect, SECRET, signedPost } from "./mirrored.ts";
import type { PeerSetUp } from "./peer-main.ts";
import { asCustomer, type StripeUpstream, startStripe } from "./peer-upstream.ts";
import { type Row, row } from "./report.ts";
import { figure, percentile } from "./statistics.ts";
import { type Database, type Running, startSystem } from "./system.ts";

const PACKAGES = ["@supabase/stripe-sync-engine@0.48.5", "stripe@23.1.0"];
/** What its migrations made. */
const LEFT_BEHIND = ["DROP SCHEMA stripe CASCADE", "DROP FUNCTION IF EXISTS set_updated_at()"];
const UPSTREAM_MS = 20;
const CONNECTIONS = 16;
const CHANGES_PER_CLIENT = 4;

/** @param folder what is installed goes there */
export async function measurePeer(bench: Bench, folder: string): Promise<readonly Row[]> {
  const databaseUrl = process.env.PEER_DATABASE_URL;
  if (databaseUrl === undefined || databaseUrl === "") {
    throw new Trouble("--peer needs a PostgreSQL database of its own, empty: set PEER_DATABASE_URL.", [
      "PEER_DATABASE_URL=postgres://user:password@localhost:5432/peer npm run bench -- --peer",
    ]);
  }
  install(folder, bench.say);
  const fake = await startFakeRcms();
  const clients = bench.quick ? 50 : 250;
  const network = fake.createNetwork({ seed: { clients } });
  network.patchSettings({ latency_ms: [UPSTREAM_MS, UPSTREAM_MS] });
  const stripe = await startStripe(network, UPSTREAM_MS);
  const system = await startSystem(bench.bundles, [
    {
      ...{ runs: "mirror", consumes: ["mirror-events"] },
      // The peer has no budget to keep.
      vars: { UPSTREAM_PER_MINUTE: "100000", UPSTREAM_BURST: "100000" },
    },
  ]);
  const peer = startPeer();
  try {
    const mirror = system.worker("mirror");
    await connect(mirror, network);
    const port = (await peer.ask({
      ask: "start",
      with: { folder, databaseUrl, port: stripe.port, secret: SECRET },
    })) as number;
    const sides = {
      mirror: () => ourTurn(bench, network, mirror),
      peer: () => theirTurn(bench, network, stripe, peer, port),
    };
    const turns: Record<keyof typeof sides, Turn[]> = { mirror: [], peer: [] };
    await sides.mirror();
    await sides.peer();
    for (let run = 0; run < (bench.quick ? 1 : 5); run++) {
      for (const side of run % 2 === 0 ? (["mirror", "peer"] as const) : (["peer", "mirror"] as const)) {
        turns[side].push(await sides[side]());
      }
    }
    return rowsOf(turns, clients);
  } finally {
    // Nothing of it stays in somebody else's database, however far it came.
    for (const sql of LEFT_BEHIND) await peer.ask({ ask: "query", sql }).catch(() => {});
    peer.close();
    stripe.close();
    await system.close();
    await fake.close();
  }
}

function install(folder: string, say: (line: string) => void): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{"private":true}');
  say(`installing ${PACKAGES.join(" and ")} into a temporary folder`);
  const npm = spawnSync("npm", ["install", "--no-audit", "--no-fund", ...PACKAGES], {
    cwd: folder,
    encoding: "utf8",
  });
  if (npm.status !== 0)
    throw new Trouble("The peer could not be installed. npm said:", lastLinesOf(npm.stderr));
}

function startPeer() {
  const child = fork(join(import.meta.dirname, "peer-main.ts"));
  return {
    ask: (said: { ask: "start"; with: PeerSetUp } | { ask: "query"; sql: string }) =>
      new Promise<unknown>((resolve, reject) => {
        const ended = () => reject(new Trouble("The peer's process ended."));
        child.once("exit", ended);
        child.once("message", (heard: { readonly value?: unknown; readonly error?: string }) => {
          child.off("exit", ended);
          if (heard.error === undefined) resolve(heard.value);
          else reject(new Trouble(`The peer said: ${heard.error}`));
        });
        child.send(said);
      }),
    close: () => void (child.connected && child.disconnect()),
  };
}
type Peer = ReturnType<typeof startPeer>;

interface Turn {
  readonly latenciesMs: readonly number[];
  readonly visibleMs: number;
  readonly calls: number;
  readonly wrong: number;
}

/** Every client changes a few times; each change is an event, and what is right is what the last one left. */
function change(network: Network): readonly Fields[] {
  const ids = (network.truth().clients ?? []).map(({ id }) => String(id));
  return Array.from({ length: CHANGES_PER_CLIENT }, () =>
    ids.map((id) => network.world.updateClient(id).record ?? {}),
  ).flat();
}

async function ourTurn(bench: Bench, network: Network, { port, db }: Running): Promise<Turn> {
  const changes = change(network);
  const before = await settled(db);
  network.log.clear();
  const startedAt = performance.now();
  const asked = changes.map((client) => signedPost(changedEvent(client)));
  const { latenciesMs } = await bench.load.run({ port, connections: CONNECTIONS, asked });
  while ((await settled(db)) < before + changes.length)
    await new Promise((resolve) => setTimeout(resolve, 20));
  const visibleMs = performance.now() - startedAt;
  const { results } = await db
    .prepare("SELECT body FROM records WHERE kind = 'clients' AND deleted_at IS NULL")
    .all<{ body: string }>();
  const held = results.map(({ body }) => asCustomer(JSON.parse(body) as Fields));
  return { latenciesMs, visibleMs, calls: network.log.read().requests.length, wrong: wrongOf(network, held) };
}

async function settled(db: Database): Promise<number> {
  return (await db.prepare("SELECT count(*) AS done FROM events").first<{ done: number }>())?.done ?? 0;
}

async function theirTurn(
  bench: Bench,
  network: Network,
  stripe: StripeUpstream,
  peer: Peer,
  port: number,
): Promise<Turn> {
  const asked = change(network).map(stripePost);
  const before = stripe.calls();
  const startedAt = performance.now();
  // It answers when the row is written: what is acknowledged is visible.
  const { latenciesMs } = await bench.load.run({ port, connections: CONNECTIONS, asked });
  const visibleMs = performance.now() - startedAt;
  const held = await peer.ask({ ask: "query", sql: "SELECT id, description FROM stripe.customers" });
  const wrong = wrongOf(network, held as readonly { id: string; description: string }[]);
  return { latenciesMs, visibleMs, calls: stripe.calls() - before, wrong };
}

function stripePost(client: Fields): Asked {
  const { id } = changedEvent(client);
  const created = Math.floor(Date.parse(String(client.updated_at)) / 1_000);
  const body = JSON.stringify({
    id,
    object: "event",
    type: "customer.updated",
    created,
    data: { object: asCustomer(client) },
  });
  const signature = signatureHeader(SECRET, Math.floor(Date.now() / 1_000), body);
  return post("/", { "stripe-signature": signature }, body, { status: 202 });
}

function wrongOf(
  network: Network,
  held: readonly { readonly id: string; readonly description: string }[],
): number {
  const byId = new Map(held.map(({ id, description }) => [id, description]));
  const truth = (network.truth().clients ?? []).map(asCustomer);
  return truth.filter(({ id, description }) => byId.get(id) !== description).length;
}

function rowsOf(
  turns: { readonly mirror: readonly Turn[]; readonly peer: readonly Turn[] },
  clients: number,
) {
  const events = clients * CHANGES_PER_CLIENT;
  const against = PACKAGES[0] ?? "";
  const compared = (what: string, of: (turn: Turn) => number, unit: string) => {
    const [ours, theirs] = [figure(turns.mirror.map(of)), figure(turns.peer.map(of))];
    const share = figure(turns.mirror.map((turn, i) => of(turn) / of(turns.peer[i] ?? turn)));
    const note = `${ours.median.toFixed(1)}${unit}, not ${theirs.median.toFixed(1)}${unit}`;
    return row(share, {
      what: `${events} events over ${clients} clients: ${what}`,
      against,
      unit: " ×",
      note,
    });
  };
  const wrong = (side: "mirror" | "peer") =>
    row(
      turns[side].reduce((sum, turn) => sum + turn.wrong, 0),
      {
        ...{ what: `final rows wrong, ${side}`, against: "the upstream", digits: 0 },
        ...(side === "mirror" ? { aim: { atMost: 0 } } : {}),
      },
    );
  return [
    compared("ack p50", ({ latenciesMs }) => percentile(latenciesMs, 0.5), " ms"),
    compared("ack p99", ({ latenciesMs }) => percentile(latenciesMs, 0.99), " ms"),
    compared("last row visible", ({ visibleMs }) => visibleMs, " ms"),
    compared("upstream calls", ({ calls }) => calls, ""),
    wrong("mirror"),
    wrong("peer"),
  ];
}
