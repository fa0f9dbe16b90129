// The typed client's types are the document's, and say no to what the document does not have.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openApiDocument } from "../../src/api/openapi.ts";
import { clientTypes } from "./client-types.ts";

it("OA1 the typed client is made from the document as it is now; `npm run client` makes it anew", () => {
  const made = readFileSync(join(import.meta.dirname, "rcms-mirror.ts"), "utf8");
  expect(made).toBe(clientTypes(openApiDocument()));
});

it("OA1 the types are made from the document alone, as it is served", () => {
  const served = JSON.parse(JSON.stringify(openApiDocument())) as ReturnType<typeof openApiDocument>;
  expect(clientTypes(served)).toBe(clientTypes(openApiDocument()));
});
