// Requests made to hurt, drawn from a seed: for every route of the document hostile ids, queries, headers and bodies,
// alone and together. What a reply may never hold is looked for as words that none of them contains.

import type { OpenApiDocument, OperationObject } from "../../src/api/openapi.ts";
import { between, pick, type Random } from "../fake-rcms/random.ts";

export interface HostileRequest {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** Of the database, of the code and of its language: none of these is in anything sent here. */
export const INSIDES =
  /sqlite|D1_|json_each|connection_id|no such (?:column|table)|syntax error|constraint|datatype|TypeError|RangeError|SyntaxError|ZodError|Cannot read|undefined is not|is not a function|\.ts\b|\bat [\w.<>]+ \(|node_modules|drizzle|hono\//i;

const words = (text: string) => text.trim().split(/\s+/);

/** What ends or changes a statement that was put together from text: any quoting, one or all at once. */
const SQL = words(String.raw`
  ' '' " \ %60 ; -- /* %27%22%60);-- %27%20OR%20%271%27=%271 %22%20OR%201=1-- 1);DROP%20TABLE%20records;--
  x%27||(1)||%27 %27%29%20UNION%20ALL%20VALUES%281%29-- %25 _%25 %5c%27 $1 ?1 :id @x`);

/** As they stand in a path or a query, already encoded. */
const TEXTS = [
  ...words(`
    %00 a%00b %ff %fe%ff %c0%ae %c3%28 %ed%a0%80 %f0%9f%98%80 %e2%80%ae %0d%0aSet-Cookie:x=1 %09 %20 + %0a
    .. . %2e%2e %2e%2e%2f%2e%2e%2f ..%2f ..%5c %252e%252e%252f % %2 %zz %u0041 // %2F __proto__ constructor
    prototype toString hasOwnProperty null undefined NaN true [object%20Object] 0 -1 -0 1e3 1e400 0x10 1.5
    9007199254740993 99999999999999999999 2147483648 %D9%A1 Infinity mine org_1 absent evt_1 open clients
    2026-01-01 2026-13-99T99:99:99Z 9999-12-31T23:59:59Z 0000-01-01 -000001-01-01 %2B275760-09-13T00:00:00Z now
    W10 WzEsImEiXQ W251bGwsIm1pbmUiXQ eyJhIjoxfQ ======== [] {} %7B%22$gt%22:1%7D <script> {{7*7}}`),
  ...["A".repeat(64), "A".repeat(65), "a".repeat(10_000), "%F0%9D%92%B3".repeat(40)],
];
const someText = (random: Random) => pick(random, random() < 0.35 ? SQL : TEXTS);

/** Parameters that no route knows, beside those that some do. */
const NAMES = [
  ...words(`limit cursor status organization_id updated_after after kinds connection outcome key before force
    unknown __proto__ constructor limit[] limit[0] limit%00 %27`),
  ...["a".repeat(300), ""],
];

const HEADERS: Readonly<Record<string, readonly string[]>> = {
  "if-none-match": [
    "*",
    '""',
    '"x"',
    'W/"x"',
    "x",
    '"'.repeat(999),
    `"${"x".repeat(9_000)}"`,
    ",".repeat(999),
  ],
  "if-modified-since": ["now", "Fri, 31 Dec 9999 23:59:59 GMT", "-1", "9".repeat(400)],
  "cache-control": [
    "no-cache",
    "max-age=-1",
    `max-age=${"9".repeat(400)}`,
    "only-if-cached, max-stale",
    '"',
    "=,=",
  ],
  "mirror-min-seq": ["-1", "1e9", "9".repeat(15), "9".repeat(400), "NaN", "0x1", "' OR 1"],
  "x-request-id": ["'; --", "a".repeat(5_000), "<b>", "ok_request_id-1"],
  "content-type": ["text/xml", "application/json; charset=utf-16", "multipart/form-data"],
  "content-encoding": ["gzip", "identity", "br, gzip", ""],
  "content-length": ["0", "-1", "many", "1e9", "99999999999999999999"],
  "x-rcms-signature": ["t=1,v1=x", "t=1900000000,v1=", "'", `t=1793534400,v1=${"0".repeat(64)}`],
  range: ["bytes=0-1", "bytes=-1", "rows=0-"],
  accept: ["text/html", "*/*;q=0", "a".repeat(9_000)],
  "x-http-method-override": ["DELETE", "PUT"],
  "x-forwarded-host": ["evil.example"],
};

/** As JSON text, in place of a value of the example. */
const VALUES = [
  ...'null true 0 -1 1e400 9007199254740993 "" "mine" "x" [] {} [[]] [""] [null] "\\u0000" "a\\u0000b"'.split(
    " ",
  ),
  ...'"\\ud800" "\\ud83d\\ude00" "..%2f" "\\r\\nx" "__proto__" {"__proto__":{"admin":true}} {"toString":1}'.split(
    " ",
  ),
  ...'{"constructor":{"prototype":{}}} {"length":1} {"$gt":""} "https://user:pw@evil.example/" "http://[::1]/"'.split(
    " ",
  ),
  ...'"javascript:1" "2026-01-01" ["clients","clients"]'.split(" "),
  ...['"\' OR 1=1 --"', `"${"x".repeat(10_000)}"`, `[${"1,".repeat(2_000)}1]`, `["${"a".repeat(65)}"]`],
  ...[`${"[".repeat(60)}${"]".repeat(60)}`, `${'{"a":'.repeat(900)}1${"}".repeat(900)}`],
];

const BODIES: readonly (string | Uint8Array)[] = [
  ...`{ [ nul nan {}x {"a":1,} ' \u0000 \ufeff{} [] null 7 "text" <xml/> a=b&c=d`.split(" "),
  ...[
    "",
    " ",
    "[".repeat(30_000),
    '{"a":'.repeat(20_000),
    `{"id":"${"x".repeat(60_000)}"}`,
    `[${"{},".repeat(9_000)}{}]`,
  ],
  ...["x".repeat(70_000), "x".repeat(300_000)],
  Uint8Array.from([0xff, 0xfe, 0x00, 0xd8]),
  Uint8Array.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d]),
];

export function hostileRequests(document: OpenApiDocument) {
  const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  return (random: Random): HostileRequest => {
    const { path, method, operation } = pick(random, routes);
    const parameters = random() < 0.7 ? filled(random, operation) : [];
    const extra = random() < 0.2 ? [`${pick(random, NAMES)}=${someText(random)}`] : [];
    const query = [...parameters, ...extra].join(pick(random, ["&", "&", "&", "&&", ";"]));
    const body =
      method === "GET" || (method === "DELETE" && random() < 0.7) ? undefined : someBody(random, operation);
    return {
      name: operation.operationId,
      method: random() < 0.02 ? pick(random, ["HEAD", "OPTIONS", "PATCH", "PUT", "DELETE"]) : method,
      path: `${withIds(random, path)}${query === "" ? "" : `?${query}`}`,
      headers: someHeaders(random),
      ...(body === undefined ? {} : { body }),
    };
  };
}

/**
 * One parameter of the route's own, so that it comes through to what is behind the others; or several, some of them
 * twice. A feed that waits would only cost time.
 */
function filled(random: Random, { parameters }: OperationObject): string[] {
  const own = parameters.filter((parameter) => parameter.in === "query" && parameter.name !== "wait");
  if (own.length > 0 && random() < 0.6) return [`${pick(random, own).name}=${someText(random)}`];
  return own.flatMap(({ name }) =>
    Array.from({ length: pick(random, [0, 0, 1, 1, 1, 2]) }, () => `${name}=${someText(random)}`),
  );
}

function withIds(random: Random, path: string): string {
  const usual = random() < 0.4 ? "mine" : undefined;
  const hostile = path.replace(/\{\w+\}/g, () => usual ?? someText(random));
  return random() < 0.03
    ? hostile + pick(random, ["/", "//", "/.", "%00", ";x=1", "/x", "?", "#x"])
    : hostile;
}

function someHeaders(random: Random): Record<string, string> {
  const names = Object.keys(HEADERS);
  const picked = Array.from({ length: pick(random, [0, 0, 0, 1, 2, 4]) }, () => pick(random, names));
  return Object.fromEntries(picked.map((name) => [name, pick(random, HEADERS[name] ?? [""])]));
}

/** The example with some of its values replaced, or something that is no form at all. */
function someBody(random: Random, { requestBody }: OperationObject): string | Uint8Array {
  const example = requestBody?.content["application/json"]?.example;
  if (random() < 0.3 || typeof example !== "object" || example === null) return pick(random, BODIES);
  const members = Object.entries(example).flatMap(([name, value]) => {
    const dice = random();
    if (dice < 0.1) return [];
    const text = dice < 0.6 ? JSON.stringify(value) : pick(random, VALUES);
    return [
      `${JSON.stringify(name)}:${text}`,
      ...(dice > 0.95 ? [`${JSON.stringify(name)}:${pick(random, VALUES)}`] : []),
    ];
  });
  const extra =
    random() < 0.2
      ? [`${pick(random, ['"extra"', '"__proto__"', '"\\u0000"', '"id"'])}:${pick(random, VALUES)}`]
      : [];
  const spaces = " ".repeat(between(random, [0, 2]));
  return `{${spaces}${[...members, ...extra].join(",")}}`;
}
