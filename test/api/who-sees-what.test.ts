// Who may see what, as a tiny model, against the real routes: random keys, random requests, every answer compared.

import { expect, it } from "vitest";
import { type ConnectionId, KINDS, type Kind, type Ref, refKey } from "../../src/core/ids.ts";
import { refOf } from "../core/samples.ts";
import { pick, type Random, seededRandom } from "../fake-rcms/random.ts";
import { believe, maySee, ORGANIZATIONS, type Scope, someWrite, type Truth } from "../sync/feed-story.ts";
import { connectionOf } from "../sync/world.ts";
import { ADMIN, createMemoryApp, type MemoryApp, whole } from "./memory-app.ts";

/** Pairs of a key and a request. A normal run takes some seconds; `PAIRS=100000` makes it as long as one likes. */
const PAIRS = Number(process.env.PAIRS ?? 20_000);
const PAIRS_PER_WORLD = 100;

const CONNECTIONS = ["here", "there"].map(connectionOf);
const IDS = ["r1", "r2", "r3", "r4", "absent", "a.b", "..%2fstaff", "__proto__"];

interface World {
  readonly app: MemoryApp;
  readonly truths: ReadonlyMap<ConnectionId, Map<string, Truth>>;
  readonly backfills: ReadonlyMap<string, { readonly connection: ConnectionId; readonly client: string }>;
}

interface Asker extends Scope {
  readonly token: string | undefined;
  /** Undefined: nobody. */
  readonly connection: ConnectionId | undefined;
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly json?: unknown;
  expected(asker: Asker & { readonly connection: ConnectionId }, world: World): Expected;
}

/** A status, and for 200 what the body must hold: one record, or these ids. */
type Expected = readonly [status: number, holds?: string | readonly string[]];

it(
  `RD6 ${PAIRS} random pairs of key and request are answered as the model of who sees what has it`,
  async () => {
    const answered = new Map<number, number>();
    for (let seed = 1; seed <= PAIRS / PAIRS_PER_WORLD; seed++) {
      const random = seededRandom(seed);
      const world = await someWorld(random);
      const references = await referencesOf(world);
      for (let pair = 0; pair < PAIRS_PER_WORLD; pair++) {
        const asker = await someAsker(random, world);
        const asked = someRequest(random, world);
        world.app.state.away = random() < 0.2;
        const status = await compare(world, references, asker, asked).catch((error: unknown) => {
          throw new Error(`seed ${seed}: ${asked.method} ${asked.path} as ${JSON.stringify(asker)}`, {
            cause: error,
          });
        });
        answered.set(status, (answered.get(status) ?? 0) + 1);
      }
    }
    // Each kind of answer was met often enough to mean something.
    for (const status of [200, 202, 401, 403, 404, 503])
      expect([status, (answered.get(status) ?? 0) > 20]).toEqual([status, true]);
  },
  120_000 + 20 * PAIRS,
);

async function compare(
  { app, ...world }: World,
  references: ReadonlyMap<number, string>,
  asker: Asker,
  asked: Asked,
): Promise<number> {
  const { connection } = asker;
  const [status, holds] =
    connection === undefined ? [401] : asked.expected({ ...asker, connection }, { app, ...world });
  const body = asked.json === undefined ? {} : { body: JSON.stringify(asked.json) };
  const response = await app.ask(asked.path, asker.token, { method: asked.method, ...body });
  const reference = references.get(status);
  if (reference !== undefined) expect(await whole(response)).toBe(reference);
  else {
    expect(response.status).toBe(status);
    const text = await response.text();
    if (typeof holds === "string") expect(text).toBe(`{"data":${holds}}`);
    else if (holds !== undefined) {
      const { data } = JSON.parse(text) as { data: { id: string; kind?: string; op?: string }[] };
      const live = data.filter(({ op }) => op !== "delete");
      expect(live.map(({ id, kind }) => (kind === undefined ? id : `${kind}/${id}`)).sort()).toEqual(
        [...holds].sort(),
      );
    }
  }
  return status;
}

/** What absent, unreachable and unauthorized look like: everything foreign must look exactly so. */
async function referencesOf({ app }: World): Promise<ReadonlyMap<number, string>> {
  const token = await app.addKey({ connection: CONNECTIONS[0] as ConnectionId });
  app.state.away = false;
  const absent = await whole(await app.ask("/v1/clients/nobody", token));
  app.state.away = true;
  const unreachable = await whole(await app.ask("/v1/clients/nobody", token));
  const unauthorized = await whole(await app.ask("/v1/clients", undefined));
  return new Map([
    [404, absent],
    [503, unreachable],
    [401, unauthorized],
  ]);
}

async function someWorld(random: Random): Promise<World> {
  const app = createMemoryApp();
  const truths = new Map<ConnectionId, Map<string, Truth>>();
  const backfills = new Map<string, { connection: ConnectionId; client: string }>();
  for (const connection of CONNECTIONS) {
    await app.connect(connection);
    const truth = new Map<string, Truth>();
    for (let step = 1; step <= 30; step++) {
      const write = someWrite(random, step);
      await app.memory.records.commit(connection, [write]);
      believe(truth, write);
    }
    truths.set(connection, truth);
    for (const client of ["r1", "r2", "r3", "r4"]) {
      const id = `backfill-${connection}-${client}`;
      await app.backfills.begin(connection, "a user", refOf(client).id, id, 1);
      backfills.set(id, { connection, client });
    }
  }
  return { app, truths, backfills };
}

async function someAsker(random: Random, { app }: World): Promise<Asker> {
  const dice = random();
  if (dice < 0.02) return { token: undefined, connection: undefined };
  if (dice < 0.04)
    return { token: pick(random, ["rmk_", "rmk_guess", "Bearer", ADMIN]), connection: undefined };
  const connection = pick(random, CONNECTIONS);
  const scope: Scope = {
    ...(random() < 0.7 ? { organizations: some(random, ORGANIZATIONS) } : {}),
    ...(random() < 0.3 ? { kinds: some(random, KINDS) } : {}),
  };
  const expired = random() < 0.03;
  const expiresAt = app.clock.now() + (expired ? 0 : 1);
  const token = await app.addKey({ connection, ...scope, expiresAt });
  return { token, connection: expired ? undefined : connection, ...scope };
}

function some<T>(random: Random, items: readonly T[]): T[] {
  const picked = items.filter(() => random() < 0.5);
  return picked.length > 0 ? picked : [pick(random, items)];
}

function someRequest(random: Random, { backfills }: World): Asked {
  const id = pick(random, IDS);
  const listed = pick(random, ["organizations", "staff", "clients"] as const);
  const organization = random() < 0.4 ? pick(random, [...ORGANIZATIONS, "o9"]) : undefined;
  return pick(random, [
    single(listed, id),
    statusOf(id),
    list(listed, organization),
    list("reminders"),
    acknowledge(id),
    feed(random() < 0.3 ? some(random, KINDS) : undefined),
    loginTo(id),
    backfill(pick(random, [...backfills.keys(), "absent"])),
  ]);
}

type Truths = Map<string, Truth>;
const truthOf = ({ truths }: World, { connection }: Asker): Truths =>
  truths.get(connection as ConnectionId) as Truths;
const allowed = ({ kinds }: Scope, kind: Kind) => kinds?.includes(kind) ?? true;
const isId = (id: string) => /^[A-Za-z0-9_-]+$/.test(id);

/** Not there for this reader: asked for at the upstream, which has nothing, or does not answer. */
const absent = ({ app }: World): Expected => [app.state.away ? 503 : 404];

/** A record that is the reader's own, deleted or not, is answered from the mirror. */
function lookUp(world: World, asker: Asker, ref: Ref): Expected {
  const truth = truthOf(world, asker);
  const record = truth.get(refKey(ref));
  const { organizations } = asker;
  const own = organizations === undefined || organizations.includes(record?.organizationId ?? "");
  if (record === undefined || !own) return absent(world);
  return record.deleted ? [404] : [200, record.body];
}

function single(kind: Kind, id: string): Asked {
  return {
    method: "GET",
    path: `/v1/${kind}/${id}`,
    expected: (asker, world) => {
      if (!allowed(asker, kind)) return [403];
      return isId(id) ? lookUp(world, asker, refOf(id, kind)) : [404];
    },
  };
}

function statusOf(id: string): Asked {
  return {
    method: "GET",
    path: `/v1/clients/${id}/assessment-status`,
    expected(asker, world) {
      if (!allowed(asker, "assessment-status")) return [403];
      if (!isId(id)) return [404];
      const client = lookUp(world, asker, refOf(id, "clients"));
      if (asker.organizations !== undefined && client[0] !== 200) return client;
      return lookUp(
        world,
        { token: asker.token, connection: asker.connection },
        refOf(id, "assessment-status"),
      );
    },
  };
}

function list(kind: Kind, organization?: string): Asked {
  return {
    method: "GET",
    path: `/v1/${kind}${organization === undefined ? "" : `?organization_id=${organization}`}`,
    expected(asker, world) {
      if (!allowed(asker, kind)) return [403];
      const ids = [...truthOf(world, asker)].flatMap(([key, { organizationId }]) => {
        const [of, id = ""] = key.split("/");
        const asked = organization === undefined || organizationId === organization;
        return of === kind && asked && maySee(truthOf(world, asker), asker, refOf(id, kind)) ? [id] : [];
      });
      return [200, ids];
    },
  };
}

function acknowledge(id: string): Asked {
  return {
    method: "POST",
    path: `/v1/reminders/${id}/ack`,
    expected(asker, world) {
      if (!allowed(asker, "reminders")) return [403];
      return isId(id) && maySee(truthOf(world, asker), asker, refOf(id, "reminders")) ? [200] : [404];
    },
  };
}

function feed(kinds: readonly Kind[] | undefined): Asked {
  return {
    method: "GET",
    path: `/v1/changes?limit=200${kinds === undefined ? "" : `&kinds=${kinds.join(",")}`}`,
    expected(asker, world) {
      if (kinds?.some((kind) => !allowed(asker, kind))) return [403];
      const truth = truthOf(world, asker);
      const visible = [...truth.keys()].filter((key) => {
        const [kind, id = ""] = key.split("/");
        const asked = kinds === undefined || kinds.includes(kind as Kind);
        return asked && maySee(truth, asker, refOf(id, kind as Kind));
      });
      return [200, visible];
    },
  };
}

function loginTo(id: string): Asked {
  const user = `user of ${id}`;
  return {
    method: "POST",
    path: "/v1/logins",
    json: { user_id: user, client_id: id },
    expected(asker, world) {
      if (!allowed(asker, "clients")) return [403];
      if (!isId(id)) return [400];
      const client = lookUp(world, asker, refOf(id, "clients"));
      if (asker.organizations !== undefined && client[0] !== 200) return client;
      return world.app.backfills.rows.has(`${asker.connection} ${user} ${id}`) ? [200] : [202];
    },
  };
}

function backfill(id: string): Asked {
  return {
    method: "GET",
    path: `/v1/backfills/${id}`,
    expected(asker, world) {
      if (!allowed(asker, "clients")) return [403];
      const found = world.backfills.get(id);
      if (found?.connection !== asker.connection) return [404];
      const seen = maySee(truthOf(world, asker), asker, refOf(found?.client ?? "", "clients"));
      return asker.organizations === undefined || seen ? [200] : [404];
    },
  };
}
