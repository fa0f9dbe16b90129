// Crash points. Whatever a part of the mirror does to the world it does by a call over one of its bindings, so each
// such call is a point just before it and one just after. A watch writes the calls down; with a strike it kills the
// caller at one of them: nothing of that life happens any more, whatever was under way beside it included.

export interface Strike {
  /** As the watch names calls. */
  readonly call: string;
  /** Of the calls of this name, from 1. */
  readonly nth: number;
  readonly when: "before" | "after";
}

export type Actor = "worker" | "writer";

export interface Life {
  step<T>(call: string, run: () => Promise<T>): Promise<T>;
}

export type Watch = ReturnType<typeof createWatch>;

const forever = () => new Promise<never>(() => {});

export function createWatch(strike?: Strike) {
  const calls: string[] = [];
  let struck = false;
  let over = false;

  function live(actor: Actor, die: () => void): Life {
    let dead = false;
    const kill = (): Promise<never> => {
      dead = true;
      struck = true;
      die();
      return forever();
    };
    return {
      async step(call, run) {
        if (dead) return forever();
        if (over) return run();
        const name = `${actor}: ${call}`;
        calls.push(name);
        const nth = calls.filter((one) => one === name).length;
        const here = strike !== undefined && strike.call === name && strike.nth === nth;
        if (here && strike.when === "before") return kill();
        const result = await run();
        if (dead) return forever();
        return here ? kill() : result;
      },
    };
  }

  return {
    live,
    /** In the order they were made. */
    calls,
    get struck() {
      return struck;
    },
    get over() {
      return over;
    },
    /** From now on nothing is written down, and nobody dies. */
    end() {
      over = true;
    },
  };
}

/** The same bindings, each call of which is a step of this life. */
export function watched<E extends object>(env: E, life: Life): E {
  const bindings = Object.entries(env).map(([name, binding]) => [name, wrap(name, binding, life)]);
  return Object.fromEntries(bindings) as E;
}

function wrap(name: string, binding: unknown, life: Life): unknown {
  switch (name) {
    case "DB":
      return watchedDatabase(binding as D1Database, life);
    case "CURSORS":
      return stepping(binding as KVNamespace, life, (method, [key]) => `KV ${method} ${cursorOf(key)}`);
    case "EVENTS":
    case "JOBS":
      return stepping(binding as Queue, life, () => `queue ${name}`);
    case "WRITERS":
    case "GATES":
      return watchedObjects(name, binding as DurableObjectNamespace, life);
    default:
      return binding;
  }
}

/** Every method one step. */
function stepping<T extends object>(
  target: T,
  life: Life,
  nameOf: (method: string, given: readonly unknown[]) => string,
): T {
  return new Proxy(target, {
    get(of, method) {
      const own: unknown = Reflect.get(of, method);
      if (typeof own !== "function" || method === "then") return own;
      return (...given: unknown[]) =>
        life.step(nameOf(String(method), given), async () => own.apply(of, given) as unknown);
    },
  });
}

function watchedObjects(name: string, namespace: DurableObjectNamespace, life: Life) {
  const getByName = (object: string) => {
    const stub = namespace.getByName(object) as unknown as Record<string, (...given: unknown[]) => unknown>;
    return new Proxy(
      {},
      {
        get:
          (_, method) =>
          (...given: unknown[]) =>
            life.step(`${name}.${String(method)}`, async () => stub[String(method)]?.(...given)),
      },
    );
  };
  return { getByName };
}

function watchedDatabase(d1: D1Database, life: Life) {
  const originals = new WeakMap<object, { readonly statement: D1PreparedStatement; readonly sql: string }>();
  const wrapStatement = (statement: D1PreparedStatement, sql: string): D1PreparedStatement => {
    const proxy = new Proxy(statement, {
      get(of, method) {
        const own: unknown = Reflect.get(of, method, of);
        if (typeof own !== "function") return own;
        if (method === "bind") return (...values: unknown[]) => wrapStatement(of.bind(...values), sql);
        return (...given: unknown[]) =>
          life.step(`D1 ${nameOfSql(sql)}`, async () => own.apply(of, given) as unknown);
      },
    });
    originals.set(proxy, { statement, sql });
    return proxy;
  };
  const watchedCalls = (to: Pick<D1Database, "prepare" | "batch">) => ({
    prepare: (sql: string) => wrapStatement(to.prepare(sql), sql),
    batch(prepared: D1PreparedStatement[]) {
      const all = prepared.map((one) => originals.get(one) ?? { statement: one, sql: "" });
      const name = [...new Set(all.map(({ sql }) => nameOfSql(sql)))].join(", ");
      return life.step(`D1 ${name}`, () => to.batch(all.map(({ statement }) => statement)));
    },
  });
  return {
    ...watchedCalls(d1),
    withSession(from?: string) {
      const session = d1.withSession(from);
      return { ...watchedCalls(session), getBookmark: () => session.getBookmark() };
    },
  };
}

const TABLES =
  /\b(connections|signing_secrets|records|departures|seq_floors|aliases|kind_state|problems|events|assessments_taken|backfills|refreshes|rebuilds|api_keys|dead_letters|suppressions|minimisations|access_log)\b/;

/** What it does, and to which table: `INSERT records`. */
function nameOfSql(sql: string): string {
  const verb = /\b(INSERT|UPDATE|DELETE|SELECT)\b/i
    .exec(sql.replace(/^\s*WITH[\s\S]*?\n\)\s/, ""))?.[1]
    ?.toUpperCase();
  const target =
    /\b(?:INSERT INTO|UPDATE|DELETE FROM)\s+"?(\w+)"?/i.exec(sql)?.[1] ?? TABLES.exec(afterFrom(sql))?.[1];
  return `${verb} ${target ?? "nothing"}`;
}

const afterFrom = (sql: string) => sql.slice(Math.max(0, sql.search(/\bFROM\b/i)));

/** `cursor/<connection>/<name>` or its prefix. */
const cursorOf = (key: unknown) => String(key).split("/").slice(2).join("/") || "all";
