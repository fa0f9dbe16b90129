// The OpenAPI document and the app hold each other: every route is described, everything described is a route, and
// the document is one by OpenAPI's own rules.

import { describe, expect, it } from "vitest";
import { createApp } from "../../src/api/app.ts";
import type { ApiDeps } from "../../src/api/deps.ts";
import { ERROR_CODES, statusOf } from "../../src/api/errors.ts";
import { errorsOf, openApiDocument, operations, templated } from "../../src/api/openapi.ts";

// Through JSON, as it is served.
const document = JSON.parse(JSON.stringify(openApiDocument())) as ReturnType<typeof openApiDocument>;

// Registering routes calls nothing of what they will need.
const routes = createApp({} as ApiDeps).routes.filter(
  ({ method, path }) => method !== "ALL" && !path.includes("*"),
);

const listed = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ name: `${method} ${path}`, path, operation })),
);

describe("the document and the routes", () => {
  it("OA1 every route is in the document, and everything in the document is a route", () => {
    const real = routes.map(({ method, path }) => `${method.toLowerCase()} ${templated(path)}`);
    expect(real.length).toBeGreaterThan(30);
    expect(listed.map(({ name }) => name).sort()).toEqual([...new Set(real)].sort());
    expect(operations()).toHaveLength(listed.length);
  });

  it("OA1 an operation names each of its errors, with its status and its codes", () => {
    for (const operation of operations()) {
      const described = document.paths[templated(operation.path)]?.[operation.method];
      const codes = errorsOf(operation);
      expect(new Set(codes).size).toBe(codes.length);
      for (const code of codes) {
        const response = described?.responses[statusOf(code)] as { $ref: string };
        const text = JSON.stringify(resolve(response.$ref));
        expect(text, `${operation.name} ${code}`).toContain(`\`${code}\`:`);
        expect(text).toContain("#/components/schemas/Error");
      }
    }
  });

  it("OA1 every code of an error is one that some operation may answer with", () => {
    const thrown = new Set(operations().flatMap(errorsOf));
    expect(ERROR_CODES.filter((code) => !thrown.has(code))).toEqual([]);
  });

  it("OA1 the example of a body is one that its schema takes", () => {
    const withBody = operations().filter(({ body }) => body !== undefined);
    expect(withBody.length).toBeGreaterThan(6);
    for (const { name, body, example } of withBody) {
      expect([name, body?.safeParse(example).error?.issues]).toEqual([name, undefined]);
    }
  });
});

describe("the document as OpenAPI 3.1", () => {
  it("OA1 has a version, a title, and what JSON keeps of it is all there is", () => {
    expect(document.openapi).toMatch(/^3\.1\.\d+$/);
    expect([document.info.title, document.info.version]).toEqual([
      "rcms-mirror",
      expect.stringMatching(/^\d/),
    ]);
    expect(document.info.license).toEqual({ name: "MIT", identifier: "MIT" });
    const known = ["openapi", "info", "servers", "tags", "paths", "components"];
    expect(Object.keys(document)).toEqual(known);
  });

  it("OA1 every reference leads somewhere, and every component is referred to", () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(
      ([, ref]) => ref ?? "",
    );
    expect(references.length).toBeGreaterThan(100);
    expect(references.filter((ref) => resolve(ref) === undefined)).toEqual([]);
    const { schemas, responses, headers } = document.components;
    const components = Object.entries({ schemas, responses, headers }).flatMap(([where, named]) =>
      Object.keys(named).map((name) => `#/components/${where}/${name}`),
    );
    expect(components.filter((component) => !references.includes(component))).toEqual([]);
    expect(components.filter((component) => !/^#\/components\/\w+\/[\w.-]+$/.test(component))).toEqual([]);
  });

  it("OA1 operation ids are unique, tags and security schemes are declared", () => {
    const ids = listed.map(({ operation }) => operation.operationId);
    expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
    const tags = document.tags.map(({ name }) => name);
    expect(new Set(listed.flatMap(({ operation }) => operation.tags))).toEqual(new Set(tags));
    const schemes = listed.flatMap(({ operation }) => operation.security.flatMap(Object.keys));
    expect(new Set(schemes)).toEqual(new Set(Object.keys(document.components.securitySchemes)));
  });

  it.each(listed)("OA1 $name declares its parameters once, those of its path all", ({ path, operation }) => {
    const { parameters, responses, requestBody } = operation;
    const inPath = parameters.filter((parameter) => parameter.in === "path");
    expect(inPath.map(({ name }) => `{${name}}`)).toEqual(path.match(/\{\w+\}/g) ?? []);
    expect(inPath.every(({ required }) => required)).toBe(true);
    const names = parameters.map((parameter) => `${parameter.in} ${parameter.name}`);
    expect(new Set(names).size).toBe(names.length);
    for (const { schema, description } of parameters) {
      expect(typeof schema.type).toBe("string");
      expect(description ?? "").not.toBe(path);
    }
    expect(Object.keys(responses).some((status) => status.startsWith("2"))).toBe(true);
    expect(Object.keys(responses).filter((status) => !/^[2-5]\d\d$/.test(status))).toEqual([]);
    for (const response of Object.values(responses)) {
      const { description, headers } = ("$ref" in response ? resolve(response.$ref) : response) as {
        description: string;
        headers: object;
      };
      expect(description).toMatch(/\S/);
      expect(Object.keys(headers)).toContain("X-Request-Id");
    }
    expect(Object.keys(requestBody?.content ?? { "application/json": 1 })).toEqual(["application/json"]);
  });

  it("OA1 its schemas use the words of JSON Schema 2020-12 and no others", () => {
    const schemas = [
      ...Object.values(document.components.schemas),
      ...listed.flatMap(({ operation }) => operation.parameters.map(({ schema }) => schema)),
    ];
    expect([...new Set(schemas.flatMap(strangeWords))]).toEqual([]);
    expect(strangeWords({ properties: { a: { nullable: true } }, type: "object" })).toEqual(["nullable"]);
    expect(strangeWords({ items: { type: "date" } })).toEqual(["type date"]);
  });

  it("OA1 what comes in is closed, what goes out may gain fields", () => {
    const { NewKey, ClientList, Connection } = document.components.schemas;
    expect(NewKey?.additionalProperties).toBe(false);
    expect(JSON.stringify([ClientList, Connection])).not.toContain('"additionalProperties":false');
  });
});

/** What `#/components/…` names. */
function resolve(ref: string): unknown {
  const [root, ...path] = ref.split("/");
  if (root !== "#") return undefined;
  return path.reduce<unknown>(
    (at, name) =>
      typeof at === "object" && at !== null && Object.hasOwn(at, name)
        ? (at as Record<string, unknown>)[name]
        : undefined,
    document,
  );
}

const PLAIN = [
  ...["$ref", "const", "enum", "required", "description", "default", "format", "pattern"],
  ...["minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"],
];
const NESTED = ["items", "additionalProperties", "propertyNames"];
const TYPES = ["string", "number", "integer", "boolean", "object", "array", "null"];

function strangeWords(schema: unknown): string[] {
  if (typeof schema !== "object" || schema === null) return [];
  return Object.entries(schema).flatMap(([word, value]): string[] => {
    if (PLAIN.includes(word)) return [];
    if (NESTED.includes(word)) return strangeWords(value);
    if (word === "properties") return Object.values(value as object).flatMap(strangeWords);
    if (word === "anyOf" || word === "allOf") return (value as unknown[]).flatMap(strangeWords);
    if (word !== "type") return [word];
    return [value].flat().flatMap((type) => (TYPES.includes(type) ? [] : [`type ${type}`]));
  });
}
