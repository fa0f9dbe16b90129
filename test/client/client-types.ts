// TypeScript types of every operation, made from the OpenAPI document alone: what a generator of clients sees.

import type { OpenApiDocument, OperationObject, ResponseObject } from "../../src/api/openapi.ts";
import type { JsonSchema } from "../../src/api/openapi-schemas.ts";
import { shapeOf } from "../../src/api/openapi-shape.ts";

export function clientTypes(document: OpenApiDocument): string {
  const schemas = Object.entries(document.components.schemas).map(([name, schema]) =>
    member(name, typeOf(schema)),
  );
  const responses = Object.entries(document.components.responses).map(([name, response]) =>
    member(name, answerType(response)),
  );
  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) =>
      member(`${method.toUpperCase()} ${path}`, operationType(operation)),
    ),
  );
  return [
    "// Made from the OpenAPI document by `npm run client`; not to be changed by hand.",
    `export interface Schemas {\n${schemas.join("\n")}\n}`,
    `export interface Responses {\n${responses.join("\n")}\n}`,
    `export interface Operations {\n${operations.join("\n")}\n}\n`,
  ].join("\n\n");
}

function operationType(operation: OperationObject): string {
  const answers = Object.entries(operation.responses).map(([status, response]) => {
    const type = "$ref" in response ? `Responses["${nameOf(response.$ref)}"]` : answerType(response);
    return `${status}: ${type}`;
  });
  return `{\n    input: ${typeOf(inputSchema(operation))};\n    answers: { ${answers.join("; ")} };\n  }`;
}

/** What a caller gives, as one object: `{path, query?, headers?, body}`. */
function inputSchema({ parameters, requestBody }: OperationObject): JsonSchema {
  const places = (["path", "query", "header"] as const).flatMap((place) => {
    const here = parameters.filter((parameter) => parameter.in === place);
    if (here.length === 0) return [];
    const properties = Object.fromEntries(here.map(({ name, schema }) => [name, schema]));
    const required = here.filter((parameter) => parameter.required).map(({ name }) => name);
    return [[place === "header" ? "headers" : place, { type: "object", properties, required }] as const];
  });
  const body = requestBody?.content["application/json"]?.schema;
  const required = [
    ...places.filter(([, { required }]) => required.length > 0).map(([place]) => place),
    ...(requestBody?.required ? ["body"] : []),
  ];
  const properties = Object.fromEntries([
    ...places,
    ...(body === undefined ? [] : [["body", body] as const]),
  ]);
  return { type: "object", properties, required } as JsonSchema;
}

function answerType({ content = {} }: ResponseObject): string {
  const [media] = Object.values(content);
  return media === undefined ? "undefined" : typeOf(media.schema);
}

const typeOf = (schema: JsonSchema) => shapeOf(schema, (id) => `Schemas[${JSON.stringify(id)}]`);
const member = (name: string, type: string) => `  ${JSON.stringify(name)}: ${type};`;
const nameOf = (ref: string) => ref.split("/").at(-1) ?? "";
