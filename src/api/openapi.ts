// The OpenAPI 3.1 document: made from the operations and from the schemas that validate, never written by hand.
// Pure, and the same in every isolate.

import * as z from "zod/mini";
import { once } from "../core/once.ts";
import { type ErrorCode, statusOf } from "./errors.ts";
import { adminOperations } from "./openapi-admin.ts";
import { appOperations } from "./openapi-app.ts";
import {
  type Answer,
  ERRORS,
  HEADERS,
  type HeaderName,
  type Operation,
  REQUEST_HEADERS,
  SECURITY,
  TAGS,
} from "./openapi-operation.ts";
import { privacyOperations } from "./openapi-privacy.ts";
import { componentSchemas, idOf, type JsonSchema, plainSchema, reference } from "./openapi-schemas.ts";
import { appAnswers } from "./responses.ts";

/** Every route, made with its schemas when the document is first asked for. */
export const operations = once((): readonly Operation[] => [
  ...appOperations(),
  ...adminOperations(),
  ...privacyOperations(),
]);

export interface ParameterObject {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required: boolean;
  readonly description?: string | undefined;
  readonly schema: JsonSchema;
}

export interface ResponseObject {
  readonly description: string;
  readonly headers: Readonly<Record<string, { readonly $ref: string }>>;
  readonly content?: Readonly<Record<string, { readonly schema: JsonSchema }>>;
}

export interface OperationObject {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters: readonly ParameterObject[];
  readonly requestBody?: {
    readonly required: boolean;
    readonly content: Readonly<Record<string, { readonly schema: JsonSchema; readonly example?: unknown }>>;
  };
  readonly responses: Readonly<Record<string, ResponseObject | { readonly $ref: string }>>;
}

export type OpenApiDocument = ReturnType<typeof openApiDocument>;

export function openApiDocument() {
  const paths: Record<string, Record<string, OperationObject>> = {};
  const errors = new Map<string, ResponseObject>();
  for (const operation of operations()) {
    const path = templated(operation.path);
    paths[path] = { ...paths[path], [operation.method]: operationObject(operation, errors) };
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "rcms-mirror",
      version: "1.0.0",
      description:
        "A mirror of RCMS at the edge: fresh by webhook, provable by sweep. An app written for RCMS changes its base URL and its key, nothing else. Answers may gain fields; requests may not: what is not named here is refused.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/", description: "The worker that serves this document." }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: componentSchemas(requestIds()),
      responses: Object.fromEntries(errors),
      headers: Object.fromEntries(
        Object.entries(HEADERS).map(([name, header]) => [name, headerObject(header)]),
      ),
      securitySchemes: SECURITY,
    },
  };
}

/** Every error an operation may answer with, those included that follow from what it takes and who may ask. */
export function errorsOf({ access, query, body, errors = [] }: Operation): readonly ErrorCode[] {
  const validated = query !== undefined || (body !== undefined && access !== "signature");
  return [
    ...(validated ? (["invalid_request"] as const) : []),
    ...(access === "app" || access === "operator" ? (["unauthorized"] as const) : []),
    ...(access === "app" ? (["forbidden", "rate_limited"] as const) : []),
    ...(body === undefined ? [] : (["payload_too_large"] as const)),
    ...errors,
    ...(["method_not_allowed", "internal", "bad_environment"] as const),
  ];
}

/** `/v1/clients/:id` → `/v1/clients/{id}` */
export function templated(path: string): string {
  return path.replaceAll(/:(\w+)/g, "{$1}");
}

function operationObject(operation: Operation, errors: Map<string, ResponseObject>): OperationObject {
  const { name, tag, access, summary, description, body, example, answers } = operation;
  return {
    operationId: name,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    security: access === "public" ? [] : [{ [access]: [] }],
    parameters: parametersOf(operation),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            // A form without a required field may be left out whole.
            required: !body.safeParse({}).success,
            content: { "application/json": { schema: reference("schemas", idOf(body)), example } },
          },
        }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, answer]) => [status, answerObject(answer)]),
      ),
      ...errorResponses(errorsOf(operation), errors),
    },
  };
}

function parametersOf({ path, params = {}, query, requestHeaders = [] }: Operation): ParameterObject[] {
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name = ""]): ParameterObject => {
    const { description, ...schema } = plainSchema(params[name] ?? z.string());
    return { name, in: "path", required: true, description, schema };
  });
  const { properties = {}, required = [] } = query === undefined ? {} : plainSchema(query);
  const inQuery = Object.entries(properties).map(([name, property]): ParameterObject => {
    const { description, ...schema } = property as JsonSchema;
    return { name, in: "query", required: required.includes(name), description, schema };
  });
  const inHeader = requestHeaders.map(
    (name): ParameterObject => ({
      name,
      in: "header",
      required: false,
      description: REQUEST_HEADERS[name],
      schema: { type: "string" },
    }),
  );
  return [...inPath, ...inQuery, ...inHeader];
}

function answerObject({
  description,
  body,
  mediaType,
  headers = [],
  sometimes = [],
}: Answer): ResponseObject {
  const content =
    body !== undefined
      ? { content: { "application/json": { schema: reference("schemas", idOf(body)) } } }
      : mediaType !== undefined
        ? { content: { [mediaType]: { schema: { type: "string" as const } } } }
        : {};
  return { description, headers: headerReferences([...headers, ...sometimes]), ...content };
}

/** One response per status; its codes are in its schema. The same codes are described once. */
function errorResponses(codes: readonly ErrorCode[], described: Map<string, ResponseObject>) {
  const byStatus = Map.groupBy(codes, statusOf);
  return Object.fromEntries(
    [...byStatus].map(([status, together]) => {
      const name = together.join(".");
      described.set(name, errorObject(together));
      return [status, reference("responses", name)];
    }),
  );
}

function errorObject(codes: readonly ErrorCode[]): ResponseObject {
  const narrowed: JsonSchema = {
    type: "object",
    properties: {
      error: { type: "object", properties: { code: { enum: [...codes] } }, required: ["code"] },
    },
    required: ["error"],
  };
  return {
    description: codes.map((code) => `\`${code}\`: ${ERRORS[code].means}`).join("\n\n"),
    headers: headerReferences(codes.flatMap((code) => ERRORS[code].headers ?? [])),
    content: {
      "application/json": { schema: { allOf: [reference("schemas", idOf(appAnswers().failure)), narrowed] } },
    },
  };
}

function headerReferences(names: readonly HeaderName[]) {
  const all: readonly HeaderName[] = ["X-Request-Id", ...names];
  return Object.fromEntries(all.map((name) => [name, reference("headers", name)]));
}

function headerObject({ description, example }: { readonly description: string; readonly example: string }) {
  return { description, schema: { type: "string" }, example };
}

function requestIds(): ReadonlySet<string> {
  return new Set(operations().flatMap(({ body }) => (body === undefined ? [] : [idOf(body)])));
}
