// What the document says of an answer that a route really gave.

import { expect } from "vitest";
import { type ErrorCode, statusOf } from "../../src/api/errors.ts";
import { errorsOf, operations } from "../../src/api/openapi.ts";
import { ERRORS, type HeaderName, type Operation } from "../../src/api/openapi-operation.ts";
import { appAnswers } from "../../src/api/responses.ts";

/** On every response, and no business of the document's. */
const OF_HTTP = ["content-type", "content-length"];

/** Asserts status, shape and headers. @returns `operationId status`, and the code of an error */
export async function expectDescribed(method: string, path: string, response: Response): Promise<string> {
  const operation = operationAt(method, path);
  const { status } = response;
  const text = await response.text();
  const what = `${operation.name} ${status}`;
  const answer = operation.answers[status];
  if (answer === undefined) {
    const { error } = appAnswers().failure.parse(JSON.parse(text));
    expect([what, error.code, statusOf(error.code)]).toEqual([what, error.code, status]);
    expect(errorsOf(operation), what).toContain(error.code);
    expectHeaders(what, response, ERRORS[error.code as ErrorCode].headers ?? []);
    return `${what} ${error.code}`;
  }
  if (answer.body !== undefined) {
    const issues = answer.body.safeParse(JSON.parse(text)).error?.issues;
    expect([what, issues]).toEqual([what, undefined]);
  } else if (answer.mediaType === undefined) expect([what, text]).toEqual([what, ""]);
  else expect(response.headers.get("content-type")).toMatch(new RegExp(`^${answer.mediaType}(;|$)`));
  expectHeaders(what, response, answer.headers ?? [], answer.sometimes);
  return what;
}

/** Exactly what is described: nothing missing, nothing besides. */
function expectHeaders(
  what: string,
  response: Response,
  names: readonly HeaderName[],
  sometimes: readonly HeaderName[] = [],
): void {
  const optional = sometimes.map((name) => name.toLowerCase());
  const described = ["X-Request-Id", ...names].map((name) => name.toLowerCase());
  const real = [...response.headers.keys()].filter(
    (name) => !OF_HTTP.includes(name) && !optional.includes(name),
  );
  expect([what, real.sort()]).toEqual([what, described.sort()]);
}

function operationAt(method: string, path: string): Operation {
  const { pathname } = new URL(path, "https://mirror.test");
  const fitting = operations().filter(
    (operation) => operation.method === method.toLowerCase() && fits(operation.path, pathname),
  );
  // A fixed path goes before one with a parameter in its place.
  const [found] = fitting.sort(
    (a, b) => (a.path.match(/:/g)?.length ?? 0) - (b.path.match(/:/g)?.length ?? 0),
  );
  if (found === undefined) throw new Error(`${method} ${pathname} is not in the document`);
  return found;
}

function fits(described: string, pathname: string): boolean {
  return new RegExp(`^${described.replaceAll(".", "\\.").replaceAll(/:\w+/g, "[^/]+")}$`).test(pathname);
}
