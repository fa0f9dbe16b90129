// Where a `next_url` may lead, as a property over texts made to be misread: the call goes below the base URL, as text
// and as a URL, or nowhere.

import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { targetUrl } from "../../src/sources/upstream-http.ts";

// Thousands of cases: on a busy machine they take their time.
vi.setConfig({ testTimeout: 60_000 });

/** Normal forms, as a connection keeps them. */
const BASES = [
  "https://api.example.com/v1",
  "https://api.example.com",
  "https://api.example.com:8443/rcms/a-b/v1",
  "http://[::1]:8080/v1",
  "http://127.0.0.1:8787/v1",
  "https://xn--bcher-kva.example/v1",
];

const PIECES = [
  ..."/ // /// \\ \\\\ . .. ... : :: @ ? # ; & = % [ ] | ^ ` { } < > \" '".split(" "),
  ...[
    "/..",
    "/../",
    "/./",
    "..;/",
    "/..;/",
    "%2e%2e/",
    ".%2E/",
    "%252e%252e/",
    "%2f",
    "%2F",
    "%5c",
    "%5C",
    "%00",
  ],
  ...["\t", "\n", "\r", "\u0000", "\u000b", " ", "\u00a0", "\u200b", "\u2028", "\ufeff", "\u00ad"],
  // Characters that name preparation turns into dots, slashes, letters or more than one of them.
  ...[
    "\u3002",
    "\uff0e",
    "\uff61",
    "\uff0f",
    "\uff3c",
    "\u2100",
    "\u2488",
    "\ufb00",
    "\uff20",
    "\uff1a",
    "\u212a",
  ],
  ...[
    "user:pw@",
    "@evil.example",
    "api.example.com",
    "api.example.com.",
    "evil.example",
    "localhost",
    "\u00e9",
  ],
  ...[
    "[::1]",
    "[::ffff:127.0.0.1]",
    "0x7f.1",
    "2130706433",
    "127.1",
    ":443",
    ":80",
    ":8443",
    ":8080",
    ":0",
    ":65536",
  ],
  ...[
    "http:",
    "https:",
    "HTTPS:",
    "https:/",
    "https://",
    "javascript:",
    "data:",
    "blob:",
    "file://",
    "ws://",
  ],
  ...["v1", "/v1", "/v1/", "v1/", "v10", "V1", "clients", "admin", "cursor=a%2Fb", "a".repeat(300)],
];

const text = fc.array(
  fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...PIECES) }, fc.string({ unit: "binary", maxLength: 3 })),
  {
    maxLength: 10,
  },
);

/** Below the base, read as text and read as a URL; and what would be called is its own normal form. */
function isBelow(base: string, called: string): boolean {
  const { origin, pathname } = new URL(base);
  const prefix = `${origin}${pathname.replace(/\/$/, "")}/`;
  const [path = ""] = called.slice(prefix.length).split(/[?#]/);
  const url = new URL(called);
  return (
    called.startsWith(prefix) &&
    /^[!-~]*$/.test(path) &&
    !/\\|%2e|%2f|%5c/i.test(path) &&
    !path.split("/").some((segment) => /^\.\.?(;.*)?$/.test(segment)) &&
    url.href === called &&
    url.origin === origin &&
    url.username + url.password === ""
  );
}

describe.each(BASES)("below %s", (base) => {
  it("SW7 whatever a next_url says, the call goes to this origin and prefix, or nowhere", () => {
    let called = 0;
    const follow = (target: string) => {
      const url = targetUrl(base, { target });
      if (url === undefined) return;
      called++;
      if (!isBelow(base, url)) throw new Error(`${JSON.stringify(target)} leads to ${url}`);
    };
    fc.assert(
      fc.property(text, (pieces) => {
        const said = pieces.join("");
        for (const target of [
          said,
          `/${said}`,
          `//${said}`,
          `https://${said}`,
          `${base}${said}`,
          `${base}/${said}`,
        ])
          follow(target);
        // Within the host and before it, where a reader may stop too early.
        follow(base.replace("//", `//${said}`));
        follow(base.replace(/(\/\/[^/]+)/, `$1${said.replaceAll("$", "")}`));
      }),
      { numRuns: 1_000 },
    );
    expect(called).toBeGreaterThan(500);
  });
});

it("SW7 a query cannot make another place of a path", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (name, value) => {
      const url = targetUrl("https://api.example.com/v1", { target: "/clients", query: { [name]: value } });
      expect(url?.startsWith("https://api.example.com/v1/clients?")).toBe(true);
      expect(new URL(url ?? "").hash).toBe("");
    }),
  );
});
