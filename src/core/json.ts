// JSON that came from outside: bounded in depth, exact in numbers, and with one canonical spelling so that
// equal content has equal text whatever the order of its keys.

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

// Source text access (ES2025) is in V8 and workerd but not yet in the compiler's library.
interface RawJson {
  readonly rawJSON: string;
}
const exact = JSON as unknown as {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): RawJson;
  isRawJSON(value: unknown): value is RawJson;
};

const INEXACT = /\d[\d.]{15,}|\d[eE][-+]?\d{3}/;

/**
 * Parses text no deeper than `maxDepth`. Numbers that a double cannot hold keep their exact digits and are
 * written back unchanged.
 * @returns undefined when the text is not JSON or nests deeper
 */
export function parseJson(text: string, maxDepth: number): Json | undefined {
  if (deeperThan(text, maxDepth)) return undefined;
  try {
    if (!INEXACT.test(text)) return JSON.parse(text) as Json;
    return exact.parse(text, (_key, value, { source }) =>
      typeof value === "number" && source !== undefined && String(value) !== source
        ? exact.rawJSON(source)
        : value,
    ) as Json;
  } catch {
    return undefined;
  }
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !exact.isRawJSON(value);
}

/** An own property, never one inherited: `__proto__` and `constructor` are keys like any other. */
export function property(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** The one spelling of a value: keys sorted by code unit, no white space. */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (!isJsonObject(value)) return JSON.stringify(value);
  const members = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key] as Json)}`);
  return `{${members.join(",")}}`;
}

/** Counts brackets outside strings, so that hostile depth is refused before anything recurses into it. */
function deeperThan(text: string, maxDepth: number): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (inString) {
      if (code === 0x5c) i++;
      else if (code === 0x22) inString = false;
    } else if (code === 0x22) inString = true;
    else if (code === 0x7b || code === 0x5b) {
      if (++depth > maxDepth) return true;
    } else if (code === 0x7d || code === 0x5d) depth--;
  }
  return false;
}
