// Every route takes what the OpenAPI document says it takes: each parameter, each field of a body, and no other.

import { beforeAll, describe, expect, it } from "vitest";
import { operations } from "../../src/api/openapi.ts";
import type { Operation } from "../../src/api/openapi-operation.ts";
import { ADMIN_TOKEN } from "../support/bindings.ts";
import { isolateTests } from "../support/each-test.ts";
import { expectError } from "../support/errors.ts";
import { createMirror, newConnectionId } from "../support/mirror.ts";

isolateTests();

const mirror = createMirror();
const id = newConnectionId();
let appKey = "";

beforeAll(async () => {
  await mirror.connect(id);
  appKey = (await mirror.key(id)).key;
});

describe("what the document says is taken", () => {
  const filled = (path: string) => path.replaceAll(/:\w+/g, id);
  const token = (path: string) => (path.startsWith("/admin/") ? ADMIN_TOKEN : appKey);

  const fieldsOf = ({ body }: Operation) => Object.keys((body as unknown as { shape: object }).shape);
  const withQuery = operations().filter(({ query }) => query !== undefined);
  const withBody = operations().filter(({ body, access }) => body !== undefined && access !== "signature");
  // A name that another route takes is the likeliest to be taken where nothing says so.
  const parameters = new Set(["stray", ...withQuery.flatMap(({ query }) => Object.keys(query?.shape ?? {}))]);
  const fields = new Set(["stray", ...withBody.flatMap(fieldsOf)]);

  it.each(withQuery)("OA1 $name reads each of its parameters and refuses every other", async (operation) => {
    const { method, path, query } = operation;
    const own = Object.keys(query?.shape ?? {});
    const others = [...parameters].filter((name) => !own.includes(name));
    const issuesOf = async (asked: string) => {
      const init = { method: method.toUpperCase() };
      const response = await mirror.as(token(path))(`${filled(path)}?${asked}`, init);
      return (await expectError(response, 400, "invalid_request")).issues ?? [];
    };
    const [unknown] = await issuesOf(others.map((name) => `${name}=1`).join("&"));
    expect(unknown?.message).toBe(`is not known here: ${others.join(", ")}`);
    for (const name of own) {
      const [first] = await issuesOf(`${name}=`);
      expect([name, first?.path.split(".")[0]]).toEqual([name, name]);
    }
  });

  it.each(withBody)("OA1 $name reads each field of its body and refuses every other", async (operation) => {
    const { method, path } = operation;
    const own = fieldsOf(operation);
    const others = [...fields].filter((name) => !own.includes(name));
    // 0 is right for none of them, and what is not known is told last.
    const json = Object.fromEntries([...own, ...others].map((name) => [name, 0]));
    const response = await mirror.as(token(path))(filled(path), { method: method.toUpperCase(), json });
    const { issues } = await expectError(response, 400, "invalid_request");
    expect(issues?.map((issue) => issue.path).sort()).toEqual(["", ...own].sort());
    expect(issues?.at(-1)?.message).toBe(`is not known here: ${others.join(", ")}`);
  });
});
