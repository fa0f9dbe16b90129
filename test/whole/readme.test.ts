// The README as someone follows it: its commands are run in order, and what it names is what there is.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createApp } from "../../src/api/app.ts";
import type { ApiDeps } from "../../src/api/deps.ts";
import type { Network } from "../fake-rcms/network.ts";
import { PROJECT } from "../local/wrangler.ts";
import { startWhole, type WholeSystem } from "./system.ts";

const text = (path: string) => readFileSync(join(PROJECT, path), "utf8");
const readme = text("README.md");

describe("followed from top to bottom", () => {
  const blocks = [...readme.matchAll(/^```sh tested\n([\s\S]*?)^```$/gm)].map(([, block]) => block ?? "");
  /** What a person following it has at hand; grows by what the commands print. */
  const env: Record<string, string> = {};
  let system: WholeSystem;
  let network: Network;

  beforeAll(async () => {
    system = await startWhole();
    const seed = { organizations: 2, staff: 3, clients: 5 };
    network = system.fake.createNetwork({ seed });
    const [client] = network.truth().clients;
    Object.assign(env, { MIRROR: system.url, ADMIN_TOKEN: system.adminToken, CLIENT: String(client?.id) });
    Object.assign(env, { RCMS: network.baseUrl, RCMS_KEY: network.apiKey });
  });
  afterAll(() => system?.stop());

  it("HS3 the README has commands that connect, rebuild, make a key, read and operate", () => {
    expect(blocks.length).toBeGreaterThanOrEqual(5);
  });

  it.for(blocks.map((block, i) => [i + 1, block] as const))(
    "HS3 block %i of the README's tested commands works",
    async ([, block]) => {
      const { code, stdout, stderr } = await run(block, env);
      expect(code, `${block}\n${stdout}\n${stderr}`).toBe(0);
      const key = /"key":"(rmk_[^"]+)"/.exec(stdout)?.[1];
      if (key !== undefined) env.APP_KEY = key;
    },
  );

  it("OA2 the commands of the page for people work too: those that read, and the signed delivery", async () => {
    const page = await (await fetch(`${system.url}/docs`)).text();
    const commands = [...page.matchAll(/<pre class="try">([\s\S]*?)<\/pre>/g)].map(([, text]) =>
      unescaped(text),
    );
    expect(commands.length).toBeGreaterThan(30);
    // The others change something, or ask for a hydration that nobody has asked for.
    const tried = commands.filter((command) => !/ -X | -d '|backfills/.test(command));
    expect(tried.length).toBeGreaterThan(15);
    const SIGNING_SECRET = network.parts.webhooks.all()[0]?.signing_secret ?? "";
    for (const command of tried) {
      const [, kind] = /\/v1\/(organizations|staff|clients)\/\$ID/.exec(command) ?? [];
      const ID = kind === undefined ? "rcms" : String(network.truth()[kind as "clients"][0]?.id);
      const { code, stdout, stderr } = await run(command, { ...env, ID, CONNECTION: "rcms", SIGNING_SECRET });
      expect(code, `${command}\n${stdout}\n${stderr}`).toBe(0);
    }
    expect(tried.filter((command) => command.includes("openssl"))).toHaveLength(1);
  });

  it("HS3 a command of the README that fails is noticed", async () => {
    const { code } = await run('curl -sS "$MIRROR/admin/connections/nobody"\necho went on', env);
    expect(code).toBe(22);
  });
});

it("HS3 every npm script the README names exists, and every one a person may need is named", () => {
  const { scripts } = JSON.parse(text("package.json")) as { scripts: Record<string, string> };
  const named = [...readme.matchAll(/(?:`|^|&& )npm (?:run )?([a-z][a-z:-]*)/gm)].map(
    ([, name]) => name ?? "",
  );
  const ofNpm = ["install", "ci"];
  expect(named.filter((name) => !ofNpm.includes(name) && scripts[name] === undefined)).toEqual([]);
  expect(["start", "test", "dev", "deploy"].filter((name) => !named.includes(name))).toEqual([]);
});

it("HS3 the README's settings are the environment's, with nothing left out on either side", () => {
  const schema =
    /const schema = z\.object\(\{\n([\s\S]*?)\n\}\);/.exec(text("src/cloudflare/env.ts"))?.[1] ?? "";
  const declared = [...schema.matchAll(/^ {2}([A-Z][A-Z0-9_]+):/gm)].map(([, name]) => name ?? "");
  const section = /^### Settings$([\s\S]*?)^##/m.exec(readme)?.[1] ?? "";
  const described = [...section.matchAll(/`([A-Z][A-Z0-9_]+)`/g)].map(([, name]) => name ?? "");
  expect(declared.length).toBeGreaterThan(8);
  expect([...new Set(described)].sort()).toEqual(declared.sort());
});

it("HS3 every default in the README's table of settings is the environment's", () => {
  const env = text("src/cloudflare/env.ts");
  const rows = [...readme.matchAll(/^\| (`[A-Z].*?`) \| ([\d, ]+) \|/gm)];
  const stated = rows.flatMap(([, names = "", values = ""]) => {
    const defaults = values.split(",").map((value) => value.trim());
    return [...names.matchAll(/`([A-Z0-9_]+)`/g)].map(([, name], i) => [name, defaults[i]]);
  });
  expect(stated.length).toBeGreaterThan(6);
  const real = stated.map(([name]) => [
    name,
    new RegExp(`^  ${name}: whole\\(([\\d_]+)`, "m").exec(env)?.[1]?.replaceAll("_", ""),
  ]);
  expect(stated).toEqual(real);
});

it("HS3 every route the worker has is in the README", () => {
  // Registering routes calls nothing of what they will need.
  const { routes } = createApp({} as ApiDeps);
  const all = routes.filter(({ method, path }) => method !== "ALL" && !path.includes("*"));
  expect(all.length).toBeGreaterThan(20);
  const mentions = mentionedRoutes(readme);
  const missing = all.filter(
    ({ method, path }) => !mentions.some((mention) => speaksOf(mention, method, path)),
  );
  expect(missing.map(({ method, path }) => `${method} ${path}`)).toEqual([]);
});

interface Mention {
  /** Absent where the text names only the path. */
  readonly method: string | undefined;
  readonly path: string;
}

/** Paths, each with the last method named before it in its line; a curl without `-X` is a GET. */
function mentionedRoutes(document: string): Mention[] {
  return document.split("\n").flatMap((line) => {
    let method = /^curl /.test(line) ? "GET" : undefined;
    const tokens = line.matchAll(
      /\b(GET|POST|PUT|DELETE)\b|(\/(?:v1|admin|hooks|healthz|docs|openapi)[^\s"'`?)]*)/g,
    );
    return [...tokens].flatMap(([, verb, path]) => {
      method = verb ?? method;
      return path === undefined ? [] : [{ method, path }];
    });
  });
}

function speaksOf(mention: Mention, method: string, path: string): boolean {
  if (mention.method !== undefined && mention.method !== method) return false;
  const named = mention.path.split("/");
  const parts = path.split("/");
  return (
    named.length === parts.length &&
    parts.every((part, i) => (part.startsWith(":") ? named[i] !== "" : named[i] === part))
  );
}

/** What a browser shows of a text in HTML. */
function unescaped(html = ""): string {
  return html
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");
}

/** As a person's shell would, except that a command that fails ends it and an HTTP error is a failure. */
function run(script: string, env: Readonly<Record<string, string>>) {
  const prelude = 'set -euo pipefail\ncurl() { command curl --fail-with-body "$@"; echo; }\n';
  const child = spawn("bash", ["-c", prelude + script], { env: { PATH: process.env.PATH, ...env } });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
}
