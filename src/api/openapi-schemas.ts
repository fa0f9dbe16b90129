// From the schemas that validate to JSON Schema: what comes in, not what a transform makes of it.

import * as z from "zod/mini";

export type JsonSchema = z.core.JSONSchema.BaseSchema;

/**
 * Every schema that has an id.
 * @param requests ids of those that come in: they stay closed, while answers may gain fields
 */
export function componentSchemas(requests: ReadonlySet<string>): Record<string, JsonSchema> {
  const made = z.toJSONSchema(z.globalRegistry, {
    io: "input",
    uri: (id) => `#/components/schemas/${id}`,
    override: ({ jsonSchema }) => simplify(jsonSchema),
  }).schemas;
  return Object.fromEntries(
    Object.entries(made).map(([id, { $schema, $id, ...schema }]) => [
      id,
      requests.has(id) ? schema : opened(schema),
    ]),
  );
}

/** Bounds that only restate the type. */
function simplify(schema: JsonSchema): void {
  if (schema.format === "date-time") delete schema.pattern;
  if (schema.type === "integer" && schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
}

function opened<T>(schema: T): T {
  if (Array.isArray(schema)) return schema.map(opened) as T;
  if (typeof schema !== "object" || schema === null) return schema;
  const members = Object.entries(schema).filter(
    ([name, value]) => name !== "additionalProperties" || value !== false,
  );
  return Object.fromEntries(members.map(([name, value]) => [name, opened(value)])) as T;
}

/** The input side of a schema that is no component. */
export function plainSchema(schema: z.ZodMiniType): JsonSchema {
  const { $schema, ...rest } = z.toJSONSchema(schema, {
    io: "input",
    override: ({ jsonSchema }) => simplify(jsonSchema),
  });
  return rest;
}

export function idOf(schema: z.ZodMiniType): string {
  const id = z.globalRegistry.get(schema)?.id;
  if (id === undefined) throw new Error("a schema of the document has no name");
  return id;
}

export const reference = (where: "schemas" | "responses" | "headers", name: string) => ({
  $ref: `#/components/${where}/${name}`,
});
