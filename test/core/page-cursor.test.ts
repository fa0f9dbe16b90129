// A position in a list, and the plain text it travels as.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { base64, base64Bytes, base64Url, base64UrlBytes } from "../../src/core/base64.ts";
import { decodePosition, encodePosition, type Position } from "../../src/core/page-cursor.ts";
import { idOf } from "./samples.ts";

const position: fc.Arbitrary<Position> = fc.record({
  updatedAt: fc.option(fc.maxSafeInteger(), { nil: undefined }),
  id: fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/).map(idOf),
});

const spelled = (text: string) => base64Url(new TextEncoder().encode(text));

describe("a cursor", () => {
  it("RD8 leads back to exactly the position it was made from", () => {
    fc.assert(
      fc.property(position, (at) => {
        expect(decodePosition(encodePosition(at))).toEqual(at);
      }),
    );
  });

  it("RD8 travels in a URL as it is", () => {
    fc.assert(fc.property(position, (at) => /^[A-Za-z0-9_-]{1,256}$/.test(encodePosition(at))));
  });

  it("RD8 made by nobody is refused, never thrown over", () => {
    const garbage = [
      "",
      "!",
      "not a cursor",
      "bm9wZQ",
      "=",
      "a".repeat(257),
      "\u0000",
      "é",
      spelled("null"),
      spelled("{}"),
    ];
    const shapes = [
      "[]",
      "[1]",
      '[1,"a",2]',
      '[1,"a/b"]',
      '[1,""]',
      '["1","a"]',
      '[1.5,"a"]',
      "[1,2]",
      '[1e99,"a"]',
      '[{},"a"]',
    ];
    for (const cursor of [...garbage, ...shapes.map(spelled)]) {
      expect(decodePosition(cursor), cursor).toBeUndefined();
    }
  });

  it("RD8 of any text is refused or is a position that could have been made", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String(), fc.json().map(spelled)), (text) => {
        const at = decodePosition(text);
        if (at === undefined) return;
        expect(decodePosition(encodePosition(at))).toEqual(at);
      }),
    );
  });

  it("RD8 has one spelling: what this version did not write is refused", () => {
    const cursor = encodePosition({ updatedAt: 1, id: idOf("a") });
    expect(decodePosition(cursor)).toBeDefined();
    expect(decodePosition(spelled('[ 1, "a" ]'))).toBeUndefined();
    expect(decodePosition(spelled('[1.0,"a"]'))).toBeUndefined();
  });
});

describe("base64", () => {
  it("PR2 any bytes come back as they were, in both alphabets", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(base64Bytes(base64(bytes))).toEqual(Uint8Array.from(bytes));
        expect(base64UrlBytes(base64Url(bytes))).toEqual(Uint8Array.from(bytes));
        expect(base64(bytes)).toBe(Buffer.from(bytes).toString("base64"));
        expect(base64Url(bytes)).toBe(Buffer.from(bytes).toString("base64url"));
      }),
    );
  });

  it("PR2 text outside its alphabet is undefined, never an exception", () => {
    for (const text of ["*", "a", "a===", "ä", "YQ==="]) expect(base64Bytes(text), text).toBeUndefined();
    for (const text of ["+", "/", "YQ==", "a b", "ä"]) expect(base64UrlBytes(text), text).toBeUndefined();
  });
});
