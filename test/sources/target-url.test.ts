// Where a request may go: below the connection's own base URL, and nowhere else.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { targetUrl } from "../../src/sources/upstream-http.ts";

const BASE = "https://api.example.com/v1";

const HOSTILE: readonly (readonly [what: string, target: string])[] = [
  ["another origin", "https://evil.example/v1/clients"],
  ["a sub-domain", "https://evil.api.example.com/v1/clients"],
  ["a host that only begins alike", "https://api.example.com.evil.example/v1/clients"],
  ["a host with a trailing dot", "https://api.example.com./v1/clients"],
  ["another port", "https://api.example.com:8443/v1/clients"],
  ["http in place of https", "http://api.example.com/v1/clients"],
  ["a name and password", "https://user:pass@api.example.com/v1/clients"],
  ["a name alone", "https://user@api.example.com/v1/clients"],
  ["our host as a name", "https://api.example.com@evil.example/v1/clients"],
  ["our host as a name, by backslash", "https://evil.example\\@api.example.com/v1/clients"],
  ["no scheme", "//evil.example/v1/clients"],
  ["no scheme, three slashes", "///evil.example/v1/clients"],
  ["backslashes for slashes", "\\\\evil.example\\v1\\clients"],
  ["a scheme with backslashes", "https:\\\\evil.example\\v1\\clients"],
  ["a scheme without slashes", "https:evil.example/v1/clients"],
  ["climbing out", "https://api.example.com/v1/../admin"],
  ["climbing out, encoded", "https://api.example.com/v1/%2e%2e/admin"],
  ["climbing out, half encoded", "https://api.example.com/v1/.%2E/admin"],
  ["climbing out, through a backslash", "https://api.example.com/v1/..\\admin"],
  ["climbing out, with a line break in between", "https://api.example.com/v1/.\n./admin"],
  ["a relative path that climbs out", "/../admin"],
  ["climbing out, by dots with a parameter", "https://api.example.com/v1/..;/admin"],
  ["climbing out, by dots with a named parameter", "/..;a=b/admin"],
  ["an encoded slash", "https://api.example.com/v1/clients%2f..%2f..%2fadmin"],
  ["an encoded slash, upper case", "https://api.example.com/v1/..%2Fadmin"],
  ["an encoded backslash", "https://api.example.com/v1/..%5cadmin"],
  ["an encoded slash in a relative path", "/clients/..%2f..%2fadmin"],
  ["a prefix that only begins alike", "https://api.example.com/v10/clients"],
  ["the prefix without its slash", "https://api.example.com/v1"],
  ["the root", "https://api.example.com/"],
  ["the prefix in upper case", "https://api.example.com/V1/clients"],
  ["nothing", ""],
  ["white space", " "],
  ["a query alone", "?cursor=2"],
  ["a word", "clients"],
  ["javascript", "javascript:alert(1)"],
  ["data", "data:application/json,{}"],
  ["a file", "file:///v1/clients"],
  ["a blob of our origin", "blob:https://api.example.com/v1/clients"],
  ["no URL at all", "https://"],
  ["a port that is none", "https://api.example.com:99999/v1/clients"],
];

describe("a target out of bounds", () => {
  it.each(HOSTILE)("SW7 %s is not called", (_what, target) => {
    expect(targetUrl(BASE, { target })).toBeUndefined();
  });
});

describe("a target within bounds", () => {
  it("SW7 a path is joined to the base URL, whatever it looks like", () => {
    expect(targetUrl(BASE, { target: "/clients/1" })).toBe(`${BASE}/clients/1`);
    expect(targetUrl(BASE, { target: "/\\evil.example" })).toBe(`${BASE}//evil.example`);
    expect(targetUrl(BASE, { target: "/https://evil.example/" })).toBe(`${BASE}/https://evil.example/`);
  });

  it("SW7 a next_url of the same origin and prefix is called as it is", () => {
    const next = `${BASE}/clients?updated_after=2026-01-01T00%3A00%3A00Z&cursor=a%2Fb%3D`;
    expect(targetUrl(BASE, { target: next })).toBe(next);
    expect(targetUrl(BASE, { target: "HTTPS://API.EXAMPLE.COM:443/v1/clients" })).toBe(`${BASE}/clients`);
  });

  it("SW7 a base URL without a path allows its whole origin, and only that", () => {
    const base = "https://api.example.com";
    expect(targetUrl(base, { target: "/clients" })).toBe(`${base}/clients`);
    expect(targetUrl(base, { target: `${base}/anything?x=1` })).toBe(`${base}/anything?x=1`);
    expect(targetUrl(base, { target: "https://api.example.com.evil.example/" })).toBeUndefined();
    expect(targetUrl(base, { target: "https://api.example.comx/" })).toBeUndefined();
  });

  it("SW7 a query is encoded, so that a value cannot become another parameter or a path", () => {
    expect(targetUrl(BASE, { target: "/clients", query: { updated_after: "a&b=c#d/../e" } })).toBe(
      `${BASE}/clients?updated_after=a%26b%3Dc%23d%2F..%2Fe`,
    );
  });
});

it("SW7 whatever the target, the call goes to the origin and prefix of the connection or nowhere", () => {
  const piece = fc.constantFrom(
    ..."/ // \\ .. . %2e %2f %5c : @ ? # ; \t \n https: http: api.example.com evil.example /v1/ v1 v10 clients :443".split(
      " ",
    ),
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string({ maxLength: 4 })), { maxLength: 8 }), (pieces) => {
      for (const target of [pieces.join(""), `/${pieces.join("")}`, `${BASE}/${pieces.join("")}`]) {
        const called = targetUrl(BASE, { target });
        if (called === undefined) continue;
        const url = new URL(called);
        expect(url.origin).toBe("https://api.example.com");
        expect(url.pathname.startsWith("/v1/")).toBe(true);
        expect(url.pathname.split("/")).not.toContain("..");
        expect(url.username + url.password).toBe("");
      }
    }),
    { numRuns: 2_000 },
  );
});
