// Reads, against the same SQL behind nothing at all.

import { type Bench, measurePair, shownLatency } from "./bench.ts";
import { bodyOf } from "./bodies.ts";
import { get, HOST } from "./load.ts";
import { connect, fill, newKey } from "./mirrored.ts";
import { type Row, row } from "./report.ts";
import { type Running, startSystem } from "./system.ts";

const ROWS = 10_000;
const CONNECTIONS = 16;
/** Pages of the feed asked for by turns. */
const PAGES = 20;

type Headers = Readonly<Record<string, string>>;

export async function measureReads(bench: Bench): Promise<readonly Row[]> {
  // Nobody consumes the access log here: in production that runs elsewhere, here it would share the one thread.
  const system = await startSystem(bench.bundles, [
    { runs: "mirror", database: "shared" },
    { runs: "bare", database: "shared" },
  ]);
  try {
    const mirror = system.worker("mirror");
    const bare = system.worker("bare");
    await connect(mirror);
    await fill(mirror.db, ROWS);
    const key = await newKey(mirror);
    const rows: Row[] = [];
    for (const { what, against, atLeast, ours, theirs } of [
      ...singles(key),
      await lists(mirror, bare, key),
      await feeds(mirror, bare, key),
    ]) {
      const pair = await measurePair(
        bench,
        CONNECTIONS,
        what.startsWith("hot") ? 700 : 150,
        { port: mirror.port, asked: (count) => Array.from({ length: count }, ours) },
        { port: bare.port, asked: (count) => Array.from({ length: count }, theirs) },
      );
      rows.push(
        row(pair.throughput, { what, against, aim: { atLeast }, unit: " ×", note: shownLatency(pair) }),
      );
    }
    return rows;
  } finally {
    await system.close();
  }
}

interface Compared {
  readonly what: string;
  readonly against: string;
  readonly atLeast: number;
  readonly ours: () => ReturnType<typeof get>;
  readonly theirs: () => ReturnType<typeof get>;
}

/**
 * By turns over all rows: more than the isolate keeps, so that each is read from the database. Both are sent the same
 * headers, here and below: reading them in is the runtime's work.
 */
function singles(key: Headers): readonly Compared[] {
  let at = 0;
  const next = () => at++ % ROWS;
  const tag = (n: number) => ({ "if-none-match": `"${"0".repeat(32)}-${n + 1}"` });
  const whole = (n: number) => ({ status: 200, body: `{"data":${bodyOf(n)}}` });
  const of = (path: string, headers: Headers, n: number) => get(`${path}/client_${n}`, headers, whole(n));
  const same = (path: string, headers: Headers, n: number) =>
    get(`${path}/client_${n}`, { ...headers, ...tag(n) }, { status: 304 });
  return [
    {
      ...{ what: "single read", against: "bare Hono, the same SQL", atLeast: 0.8 },
      ours: () => of("/v1/clients", key, next()),
      theirs: () => of("/one", key, next()),
    },
    {
      ...{ what: "304 of a record", against: "bare Hono, the same SQL", atLeast: 0.9 },
      ours: () => same("/v1/clients", key, next()),
      theirs: () => same("/one", key, next()),
    },
    {
      ...{ what: "hot read (L1)", against: "bare Hono, a constant: the same body", atLeast: 0.8 },
      ours: () => of("/v1/clients", key, 1),
      theirs: () => get("/constant", key, whole(1)),
    },
  ];
}

async function lists(mirror: Running, bare: Running, key: Headers): Promise<Compared> {
  const [path, barePath] = ["/v1/clients?limit=100", "/list"];
  const [ours, theirs] = [await textOf(mirror, path, key), await textOf(bare, barePath, {})];
  const wanted = `{"data":[${Array.from({ length: 100 }, (_, n) => bodyOf(n)).join(",")}]`;
  if (!ours.startsWith(wanted) || !theirs.startsWith(wanted))
    throw new Error("the list is not what was filled in");
  return {
    ...{ what: "list of 100", against: "bare Hono, the same SQL", atLeast: 0.8 },
    ours: () => get(path, key, { status: 200, body: ours }),
    theirs: () => get(barePath, key, { status: 200, body: theirs }),
  };
}

async function feeds(mirror: Running, bare: Running, key: Headers): Promise<Compared> {
  const pathsOf = (after: number) => [`/v1/changes?limit=100&after=${after}`, `/feed/${after}`] as const;
  const starts = Array.from({ length: PAGES }, (_, n) => n * 400);
  const pages = await Promise.all(
    starts.map(async (after) => {
      const [path, barePath] = pathsOf(after);
      const [ours, theirs] = [await textOf(mirror, path, key), await textOf(bare, barePath, {})];
      for (const text of [ours, theirs]) checkFeed(text, after);
      return [
        get(path, key, { status: 200, body: ours }),
        get(barePath, key, { status: 200, body: theirs }),
      ] as const;
    }),
  );
  let at = 0;
  const next = () => pages[at++ % PAGES] as (typeof pages)[number];
  return {
    ...{ what: "feed page of 100", against: "bare Hono, the same SQL", atLeast: 0.8 },
    ours: () => next()[0],
    theirs: () => next()[1],
  };
}

function checkFeed(text: string, after: number): void {
  const { data } = JSON.parse(text) as {
    readonly data: readonly { readonly seq: number; readonly record: unknown }[];
  };
  const right = data.every(
    ({ seq, record }, i) => seq === after + i + 1 && JSON.stringify(record) === bodyOf(after + i),
  );
  if (data.length !== 100 || !right) throw new Error("the feed is not what was filled in");
}

export async function textOf({ url }: Running, path: string, headers: Headers): Promise<string> {
  const answer = await fetch(url + path, { headers });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${path} was answered ${answer.status} ${text}`);
  // A next page's address is where the request was sent: the load generator sends to a name.
  return text.replaceAll(new URL(url).host, HOST);
}
