// The one shape of an error (PR5).

import { expect } from "vitest";

export interface WireError {
  readonly code: string;
  readonly message: string;
  readonly request_id: string;
  readonly issues?: readonly { readonly path: string; readonly message: string }[];
}

/** Asserts status, code and shape. @returns the error */
export async function expectError(response: Response, status: number, code: string): Promise<WireError> {
  const text = await response.text();
  expect([response.status, text]).toEqual([status, expect.stringContaining(`"code":"${code}"`)]);
  const body = JSON.parse(text) as { error: WireError };
  expect(Object.keys(body)).toEqual(["error"]);
  const { error } = body;
  const allowed = new Set(["code", "message", "request_id", "issues"]);
  expect(Object.keys(error).filter((name) => !allowed.has(name))).toEqual([]);
  expect(error.message).toMatch(/\S/);
  expect(error.request_id).toBe(response.headers.get("x-request-id"));
  expect(error.request_id).toMatch(/^[A-Za-z0-9_-]{8,64}$/);
  return error;
}
