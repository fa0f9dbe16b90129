// Which writer owns a ref: the same for ever, and evenly spread.

import { expect, it } from "vitest";
import { KINDS } from "../../src/core/ids.ts";
import { shardOf } from "../../src/core/shard.ts";
import { refOf } from "./samples.ts";

/** FNV-1a, 32 bits, of `clients/1` and of `assessment-status/client_01J8ZK`. */
const FNV_CLIENTS_1 = 1519631067;
const FNV_STATUS = 1345128801;

it("WR1 a ref goes to the same shard for ever: known answers of FNV-1a over its text", () => {
  // Computed apart from this code; a change here would give one record two writers during a deploy.
  expect(shardOf(refOf("1"), 2 ** 32)).toBe(FNV_CLIENTS_1);
  expect(shardOf(refOf("client_01J8ZK", "assessment-status"), 2 ** 32)).toBe(FNV_STATUS);
  expect(shardOf(refOf("1"), 16)).toBe(FNV_CLIENTS_1 % 16);
});

it("WR1 every shard is from 0 to one less than their number", () => {
  for (const shards of [1, 2, 3, 16, 256]) {
    for (let i = 0; i < 200; i++) {
      const shard = shardOf(refOf(String(i)), shards);
      expect(Number.isInteger(shard) && shard >= 0 && shard < shards).toBe(true);
    }
  }
});

it("WR1 refs spread over the shards, whatever their ids look like", () => {
  const styles = [(i: number) => String(i), (i: number) => `client_${i.toString(36).padStart(10, "0")}`];
  for (const style of styles) {
    for (const kind of KINDS) {
      const counts = new Array<number>(16).fill(0);
      for (let i = 0; i < 1_600; i++) {
        const shard = shardOf(refOf(style(i), kind), 16);
        counts[shard] = (counts[shard] ?? 0) + 1;
      }
      expect(Math.min(...counts)).toBeGreaterThan(40);
      expect(Math.max(...counts)).toBeLessThan(180);
    }
  }
});
