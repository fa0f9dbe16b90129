import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";

// Three places a test can run: plain Node (fast, pure logic), inside workerd with real bindings, and from
// outside against whole processes. The folder or the file's ending says which. One after the other: whole
// processes beside a full set of workers would only measure how busy the machine is.
export default defineConfig({
  test: {
    // All cores: by default one is left idle, which of two is half.
    maxWorkers: "100%",
    projects: [
      {
        test: {
          name: "node",
          sequence: { groupOrder: 0 },
          include: ["test/**/*.test.ts"],
          exclude: ["test/**/*.workerd.test.ts", "test/whole/**"],
          // Nothing waits here either; this is for long random histories on a busy machine.
          testTimeout: 30_000,
        },
      },
      {
        plugins: [
          cloudflareTest(async () => ({
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: {
              bindings: {
                MIGRATIONS: await readD1Migrations("./migrations"),
                ADMIN_TOKEN: "canary-admin-token-0123456789",
                SEALING_KEY: "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
                ALLOW_HTTP_UPSTREAM: "true",
                // Entries are not held back for others: nothing waits on the wall clock.
                ACCESS_WINDOW_MS: "0",
                // Histories of test/parity, and the first one's seed.
                PARITY_HISTORIES: process.env.PARITY_HISTORIES ?? "100",
                PARITY_SEED: process.env.PARITY_SEED ?? "1",
              },
            },
          })),
        ],
        // Generous: nothing in these waits, but a machine busy with everything else at once is slow.
        test: {
          name: "workerd",
          setupFiles: ["test/support/outlets.ts"],
          sequence: { groupOrder: 1 },
          include: ["test/**/*.workerd.test.ts"],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: "whole",
          sequence: { groupOrder: 2 },
          include: ["test/whole/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
