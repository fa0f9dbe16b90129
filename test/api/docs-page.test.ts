// The page for people: everything of the document, nothing of anybody else's, and no text that turns into markup.

import { describe, expect, it } from "vitest";
import { curlOf } from "../../src/api/docs-curl.ts";
import { docsPage } from "../../src/api/docs-page.ts";
import { openApiDocument, type ParameterObject } from "../../src/api/openapi.ts";
import { shapeOf } from "../../src/api/openapi-shape.ts";

const document = openApiDocument();
const page = docsPage(document);

describe("the page", () => {
  it("OA2 shows every route, parameter, status, error and shape, each once to be linked to", () => {
    for (const [path, item] of Object.entries(document.paths)) {
      for (const [method, operation] of Object.entries(item)) {
        const start = page.indexOf(`<article id="${operation.operationId}">`);
        const article = page.slice(start, page.indexOf("</article>", start));
        expect(article).toContain(`<h3><code>${method.toUpperCase()} ${path}</code></h3>`);
        for (const { name } of operation.parameters) expect(article).toContain(`<code>${name}</code>`);
        for (const status of Object.keys(operation.responses)) expect(article).toContain(`${status}</t`);
      }
    }
    for (const name of Object.keys(document.components.schemas)) expect(page).toContain(`id="shape-${name}"`);
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
    const links = [...page.matchAll(/ href="#([^"]+)"/g)].map(([, id]) => id);
    expect(links.filter((id) => !ids.includes(id))).toEqual([]);
  });

  it("OA2 has no script, no form, no picture, and asks nobody for anything", () => {
    expect(page).not.toMatch(/<(script|iframe|img|link|form|object|embed|base)\b/i);
    expect(page).not.toMatch(/\bon\w+="|javascript:|@import|url\(|src=/i);
    expect([...page.matchAll(/ href="([^"#][^"]*)"/g)].map(([, href]) => href)).toEqual(["/openapi.json"]);
  });

  it("OA2 is well formed: what is opened is closed, in order, and headings skip no level", () => {
    const open: string[] = [];
    for (const [, end, name = ""] of page.matchAll(/<(\/?)([a-z]\w*)\b[^>]*>/g)) {
      if (["meta"].includes(name)) continue;
      if (end === "") open.push(name);
      else expect(open.pop()).toBe(name);
    }
    expect(open).toEqual([]);
    const levels = [...page.matchAll(/<h([1-6])\b/g)].map(([, level]) => Number(level));
    expect(levels[0]).toBe(1);
    expect(levels.filter((level, i) => i > 0 && level > (levels[i - 1] ?? 0) + 1)).toEqual([]);
    expect(page).toMatch(/^<!doctype html>\n<html lang="en">/);
  });

  it("OA2 text of the document stays text, wherever it stands", () => {
    const evil = '<img src=x onerror="alert(1)">`<b>`&\'"';
    const [path = "", item] = Object.entries(document.paths).find(([, one]) => "post" in one) ?? [];
    const post = item?.post ?? document.paths["/v1/logins"]?.post;
    if (post === undefined) throw new Error("the document has a POST");
    const schema = { enum: [evil] };
    const parameter: ParameterObject = {
      name: evil,
      in: "query",
      required: false,
      description: evil,
      schema,
    };
    const hostile = {
      ...document,
      info: { ...document.info, title: evil, description: evil },
      paths: {
        [path + evil]: {
          post: {
            ...post,
            operationId: evil,
            summary: evil,
            description: evil,
            parameters: [parameter],
            requestBody: {
              required: true,
              content: { "application/json": { schema: { const: evil }, example: { evil } } },
            },
            responses: { 200: { description: evil, headers: {}, content: { [evil]: { schema: {} } } } },
          },
        },
      },
      components: { ...document.components, schemas: { [evil]: { description: evil, const: evil } } },
    };
    const shown = docsPage(hostile);
    expect(shown).not.toMatch(/<img|<b>|onerror="/);
    expect(shown.match(/&lt;img src=x onerror=/g)?.length).toBeGreaterThan(15);
  });
});

describe("its commands", () => {
  it("OA2 carry the token of the route, its body in one word of the shell, and sign what must be signed", () => {
    const body = { content: { "application/json": { schema: {}, example: { name: "it's $HOME" } } } };
    const operation = {
      parameters: [],
      security: [{ operator: [] }],
      requestBody: { required: true, ...body },
    };
    expect(curlOf({ method: "POST", path: "/admin/x/{id}/y", operation })).toBe(
      `curl -sS "$MIRROR/admin/x/$ID/y" -H "Authorization: Bearer $ADMIN_TOKEN" -d '{"name":"it'\\''s $HOME"}'`,
    );
    const open = { parameters: [], security: [] };
    expect(curlOf({ method: "GET", path: "/healthz", operation: open })).toBe('curl -sS "$MIRROR/healthz"');
    const app = { parameters: [], security: [{ app: [] }] };
    expect(curlOf({ method: "POST", path: "/v1/reminders/{id}/ack", operation: app })).toBe(
      'curl -sS -X POST "$MIRROR/v1/reminders/$ID/ack" -H "Authorization: Bearer $APP_KEY"',
    );
    const hook = { ...operation, security: [{ signature: [] }] };
    expect(curlOf({ method: "POST", path: "/hooks/{connection}", operation: hook })).toContain(
      "openssl dgst",
    );
  });
});

describe("a shape", () => {
  it.each([
    [{ type: "integer" }, "number"],
    [{ type: ["string", "null"] }, "string | null"],
    [{ type: "array", items: { type: ["string", "number"] } }, "(string | number)[]"],
    [{ type: "array", items: { type: "object", properties: { a: { type: "string" } } } }, "{ a?: string }[]"],
    [
      { type: "array", items: { anyOf: [{ type: "object" }, { $ref: "#/x/Y" }] } },
      "(Record<string, never> | Y)[]",
    ],
    [{ enum: ["a", "b"] }, '"a" | "b"'],
    [{ const: true }, "true"],
    [{}, "unknown"],
    [{ allOf: [{ $ref: "#/x/Y" }, { anyOf: [{ const: 1 }, { const: 2 }] }] }, "Y & (1 | 2)"],
    [{ type: "object", properties: { "a-b": {} }, required: ["a-b"] }, '{ "a-b": unknown }'],
    [{ type: "object", additionalProperties: { type: "integer" } }, "{ [name: string]: number }"],
    [
      { type: "object", propertyNames: { enum: ["a"] }, additionalProperties: { type: "string" } },
      '{ [name in "a"]?: string }',
    ],
  ] as const)("OA1 %j reads %s", (schema, shape) => {
    expect(shapeOf(schema as Parameters<typeof shapeOf>[0])).toBe(shape);
  });
});
