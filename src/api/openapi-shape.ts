// A JSON Schema as one reads it in code: `{ id: string; status?: "open" | "closed" }`.

import type { JsonSchema } from "./openapi-schemas.ts";

/**
 * A TypeScript type.
 * @param named how a component is written
 */
export function shapeOf(schema: JsonSchema, named: (id: string) => string = (id) => id): string {
  const shape = (inner: JsonSchema) => shapeOf(inner, named);
  if (schema.$ref !== undefined) return named(schema.$ref.split("/").at(-1) ?? "");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.anyOf !== undefined) return schema.anyOf.map(shape).join(" | ");
  if (schema.allOf !== undefined) return schema.allOf.map((inner) => grouped(inner, shape)).join(" & ");
  const types = [schema.type ?? []].flat();
  if (types.length === 0) return "unknown";
  return types.map((type) => ofType(type, schema, shape)).join(" | ");
}

function ofType(type: string, schema: JsonSchema, shape: (inner: JsonSchema) => string): string {
  switch (type) {
    case "integer":
      return "number";
    case "array":
      return isSchema(schema.items) ? `${grouped(schema.items, shape)}[]` : "unknown[]";
    case "object":
      return objectShape(schema, shape);
    default:
      return type;
  }
}

function objectShape(schema: JsonSchema, shape: (inner: JsonSchema) => string): string {
  const { properties = {}, required = [], additionalProperties } = schema;
  const members = Object.entries(properties).map(([name, property]) => {
    const key = /^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name);
    return `${key}${required.includes(name) ? "" : "?"}: ${isSchema(property) ? shape(property) : "unknown"}`;
  });
  if (isSchema(additionalProperties)) {
    const names = isSchema(schema.propertyNames) ? shape(schema.propertyNames) : "string";
    // A record over listed names: zod calls all of them required where all must be there.
    if (members.length === 0 && names !== "string") {
      const partial = required.length === 0 ? "?" : "";
      return `{ [name in ${names}]${partial}: ${shape(additionalProperties)} }`;
    }
    members.push(`[name: string]: ${members.length === 0 ? shape(additionalProperties) : "unknown"}`);
  }
  return members.length === 0 ? "Record<string, never>" : `{ ${members.join("; ")} }`;
}

/** In brackets where it is more than one type. */
function grouped(schema: JsonSchema, shape: (inner: JsonSchema) => string): string {
  const several = [schema.anyOf, schema.allOf, schema.enum, schema.type].some(
    (members) => Array.isArray(members) && members.length > 1,
  );
  return several ? `(${shape(schema)})` : shape(schema);
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
