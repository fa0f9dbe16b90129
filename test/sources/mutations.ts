// Ways to make a hostile delivery of a genuine one that leave the header well spelled: only the HMAC, or the clock,
// keeps them out. What may mean the same as before is excluded where it is made, never by asking the code under test:
// a body comes out with other bytes, a time is another number, a signature another digest. (One thing nobody could
// refuse: HMAC pads a key with zero bytes, so a secret and the same with a NUL behind it are one key. None is made.)

import { createHash, createHmac } from "node:crypto";
import { between, pick, type Random } from "../fake-rcms/random.ts";
import { type Attempt, attempt, bare, dressed, type Genuine, someHex, someSecret } from "./genuine.ts";
import { hmacHex } from "./signed.ts";

export type Why = "missing" | "malformed" | "too_old" | "too_new" | "wrong";

export interface Mutation {
  readonly name: string;
  /** How it may be refused. */
  readonly why: readonly Why[];
  /** @param other a genuine delivery of other secrets and another body */
  make(random: Random, of: Genuine, other: Genuine): Attempt;
}

type BodyChange = (random: Random, body: Uint8Array, other: Genuine) => Uint8Array;

const bytesOf = (...parts: readonly (Uint8Array | number[])[]): Uint8Array =>
  Buffer.concat(parts.map((part) => (Array.isArray(part) ? Uint8Array.from(part) : part)));
const somewhere = (random: Random, { length }: Uint8Array) => Math.floor(random() * length);

function replaced(random: Random, body: Uint8Array, change: (byte: number) => number): Uint8Array {
  const at = somewhere(random, body);
  return body.map((byte, i) => (i === at ? change(byte) : byte));
}

function inserted(random: Random, body: Uint8Array, bytes: number[]): Uint8Array {
  const at = Math.floor(random() * (body.length + 1));
  return bytesOf(body.subarray(0, at), bytes, body.subarray(at));
}

const BODIES: Readonly<Record<string, BodyChange>> = {
  "a bit flipped": (random, body) => replaced(random, body, (byte) => byte ^ (1 << between(random, [0, 7]))),
  "a byte replaced": (random, body) => replaced(random, body, (byte) => byte + between(random, [1, 255])),
  "a byte inserted": (random, body) => inserted(random, body, [between(random, [0, 255])]),
  "a byte taken out": (random, body) => {
    const at = somewhere(random, body);
    return body.filter((_, i) => i !== at);
  },
  "neighbours changing places": (random, body) => {
    const at = somewhere(random, body);
    return body.map((byte, i) =>
      i === at ? (body[at + 1] ?? byte) : i === at + 1 ? (body[at] ?? byte) : byte,
    );
  },
  "cut short": (random, body) => body.subarray(0, somewhere(random, body)),
  "begun late": (random, body) => body.subarray(1 + somewhere(random, body)),
  emptied: () => new Uint8Array(),
  "white space behind": (random, body) => bytesOf(body, [pick(random, [0x20, 0x0a, 0x0d, 0x09])]),
  "a BOM in front": (_random, body) => bytesOf([0xef, 0xbb, 0xbf], body),
  "a NUL behind": (_random, body) => bytesOf(body, [0]),
  "said twice": (_random, body) => bytesOf(body, body),
  "another delivery's": (_random, _body, other) => other.body,
  "another's behind it": (_random, body, other) => bytesOf(body, other.body),
  "another letter case": (_random, body) => {
    const at = body.findIndex((byte) => (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a);
    return body.map((byte, i) => (i === at ? byte ^ 0x20 : byte));
  },
  "a letter that looks alike": (_random, body) => {
    const at = body.indexOf(0x65);
    return at < 0 ? body : bytesOf(body.subarray(0, at), [0xd0, 0xb5], body.subarray(at + 1));
  },
  "its time in it": (_random, body) => bytesOf([0x2e], body),
};

/** Other bytes than before, whatever the change came to. */
function other(before: Uint8Array, after: Uint8Array): Uint8Array {
  return Buffer.compare(before, after) === 0 ? bytesOf(after, [0x20]) : after;
}

const bodies = Object.entries(BODIES).map(
  ([name, change]): Mutation => ({
    name: `body: ${name}`,
    why: ["wrong"],
    make: (random, of, foreign) => ({
      ...attempt(of, random() < 0.5 ? bare(of) : dressed(random, of)),
      body: other(of.body, change(random, of.body, foreign)),
    }),
  }),
);

/** Signatures made by whoever has the secret, but over something else or in another way. */
const DIGESTS: Readonly<Record<string, (of: Genuine, secret: string, random: Random) => string>> = {
  "of the body alone": ({ body }, secret) => createHmac("sha256", secret).update(body).digest("hex"),
  "of the time alone": ({ t }, secret) => createHmac("sha256", secret).update(`${t}.x`).digest("hex"),
  // No body here is a time, so the two never are one text.
  "the wrong way round": ({ t, body }, secret) =>
    createHmac("sha256", secret).update(body).update(`.${t}`).digest("hex"),
  "without the dot": ({ t, body }, secret) =>
    createHmac("sha256", secret).update(`${t}`).update(body).digest("hex"),
  "of another second": ({ t, body }, secret, random) => hmacHex(secret, t + between(random, [1, 300]), body),
  "key and text exchanged": ({ t, body }, secret) =>
    createHmac("sha256", Buffer.concat([Buffer.from(`${t}.`), body]))
      .update(secret)
      .digest("hex"),
  "a plain hash": ({ t, body }, secret) =>
    createHash("sha256").update(secret).update(`${t}.`).update(body).digest("hex"),
  "half a longer HMAC": ({ t, body }, secret) =>
    createHmac("sha512", secret).update(`${t}.`).update(body).digest("hex").slice(0, 64),
  "a shorter HMAC filled up": ({ t, body }, secret) =>
    createHmac("sha1", secret).update(`${t}.`).update(body).digest("hex").padEnd(64, "0"),
  "a digit off": ({ good: [hex = ""] }, _secret, random) => {
    const at = between(random, [0, 63]);
    const digit = (Number.parseInt(hex[at] ?? "0", 16) + between(random, [1, 15])) % 16;
    return hex.slice(0, at) + digit.toString(16) + hex.slice(at + 1);
  },
  "all zeros": () => "0".repeat(64),
  "at random": (_of, _secret, random) => someHex(random),
};

const digests = Object.entries(DIGESTS).map(
  ([name, digest]): Mutation => ({
    name: `signature: ${name}`,
    why: ["wrong"],
    make: (random, of) =>
      attempt(of, dressed(random, { t: of.t, good: [digest(of, pick(random, of.signers), random)] })),
  }),
);

const SECRETS: Readonly<Record<string, (secret: string, random: Random) => string>> = {
  "without its prefix": (secret) => secret.replace("whsec_", ""),
  "in upper case": (secret) => secret.toUpperCase(),
  "with a space behind": (secret) => `${secret} `,
  "with a line break behind": (secret) => `${secret}\n`,
  twice: (secret) => secret + secret,
  "a letter short": (secret) => secret.slice(0, -1),
  "hashed first": (secret) => createHash("sha256").update(secret).digest("hex"),
  none: () => "",
  "made up": (_secret, random) => someSecret(random),
};

const secrets = Object.entries(SECRETS).map(
  ([name, change]): Mutation => ({
    name: `secret: ${name}`,
    why: ["wrong"],
    make: (random, of) => {
      const hex = hmacHex(change(pick(random, of.signers), random), of.t, of.body);
      return attempt(of, dressed(random, { t: of.t, good: [hex] }));
    },
  }),
);

const receivers: readonly Mutation[] = [
  {
    name: "secret: of another connection",
    why: ["wrong"],
    make: (random, of, other) => ({ ...attempt(of, dressed(random, of)), secrets: other.secrets }),
  },
  {
    name: "secret: no longer active",
    why: ["wrong"],
    make: (random, of) => ({ ...attempt(of, dressed(random, of)), secrets: [someSecret(random)] }),
  },
  {
    name: "secret: the receiver has none",
    why: ["wrong"],
    make: (_, of) => ({ ...attempt(of), secrets: [] }),
  },
  {
    // What anybody could sign with lets nobody in, even where it is all the receiver has.
    name: "secret: the receiver's is empty",
    why: ["wrong"],
    make: (_random, of) => ({
      ...attempt(of, `t=${of.t},v1=${hmacHex("", of.t, of.body)}`),
      secrets: [""],
    }),
  },
  {
    name: "header: of another delivery",
    why: ["wrong", "too_old", "too_new"],
    make: (random, of, other) => ({ ...attempt(of), header: dressed(random, other) }),
  },
  {
    name: "time: another within the tolerance",
    why: ["wrong"],
    make(random, of) {
      const now = Math.floor(of.nowMs / 1_000);
      const t = pick(
        random,
        [of.t - 1, of.t + 1, now, now - 300, now + 300].filter(
          (second) => second !== of.t && Math.abs(now - second) <= 300,
        ),
      );
      return attempt(of, dressed(random, { t, good: of.good }));
    },
  },
];

const clocks: readonly Mutation[] = [
  {
    name: "replay: too late",
    why: ["too_old"],
    make: (random, of) => ({
      ...attempt(of, dressed(random, of)),
      nowMs: (of.t + pick(random, [301, 302, 600, 86_400, 10 ** 9])) * 1_000 + between(random, [0, 999]),
    }),
  },
  {
    name: "replay: too early",
    why: ["too_new"],
    make: (random, of) => ({
      ...attempt(of, dressed(random, of)),
      nowMs: (of.t - pick(random, [301, 302, 600, 86_400, 10 ** 9])) * 1_000 + between(random, [0, 999]),
    }),
  },
];

/** Refused by the HMAC. */
export const FORGERIES: readonly Mutation[] = [...bodies, ...digests, ...secrets, ...receivers];
/** Refused by the clock. */
export const REPLAYS = clocks;
