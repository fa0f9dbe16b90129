// Which handlers a path has. Hono's fast router cannot hold `/dead-letters/replay` beside `/dead-letters/:id/replay`,
// and would leave all paths to the slow one: deliveries and reads then paid for two paths of the operator's.

import type { Router } from "hono/router";
import { RegExpRouter } from "hono/router/reg-exp-router";
import { TrieRouter } from "hono/router/trie-router";

const OPERATORS = "/admin";

export function createRouter<T>(): Router<T> {
  const [operators, others] = [new TrieRouter<T>(), new RegExpRouter<T>()];
  return {
    name: "by audience",
    add(method, path, handler) {
      const isTheirs = path.startsWith(OPERATORS);
      if (isTheirs || path.endsWith("*")) operators.add(method, path, handler);
      if (!isTheirs) others.add(method, path, handler);
    },
    match: (method, path) => (path.startsWith(OPERATORS) ? operators : others).match(method, path),
  };
}
